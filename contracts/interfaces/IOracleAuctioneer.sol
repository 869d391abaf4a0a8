// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAuctioneer} from "./IAuctioneer.sol";

/// @title Bonds at a fixed discount to an oracle
/// @notice The oracle is what the vault's own markets name: the independent feed of the project's pool, or the mean
/// price of that pool over 30 minutes or more. Nobody can name another.
interface IOracleAuctioneer is IAuctioneer {
    /// @notice Terms of a market, `abi.encode`d.
    /// @param twapSeconds Window of the pool's mean price [s], 30 min to a day; 0 for the feed.
    /// @param maxFeedAge Age above which an answer of the feed is stale [s], 1 min to 2 days; 0 with a window.
    /// @param discountBps Discount to the oracle [bps], below 10000.
    /// @param maxDiscountBps Discount to the oracle's price of the day of creation that is the floor [bps], at least
    /// `discountBps`, below 10000.
    struct Terms {
        uint32 twapSeconds;
        uint32 maxFeedAge;
        uint32 discountBps;
        uint32 maxDiscountBps;
    }

    /// @notice Where a market's price comes from.
    /// @param feed The feed; 0 with a window.
    /// @param pool The pool; 0 with a feed.
    /// @param token Payout token.
    /// @param twapSeconds See `Terms`.
    /// @param maxFeedAge See `Terms`.
    /// @param discountBps See `Terms`.
    /// @param feedDecimals Decimals of the feed on the day of creation.
    struct Source {
        address feed;
        address pool;
        address token;
        uint32 twapSeconds;
        uint32 maxFeedAge;
        uint32 discountBps;
        uint8 feedDecimals;
    }

    /// @notice The project's pool has no feed: name a window of its mean price.
    error NoFeed(address pool);

    /// @notice What the oracle says, before the discount [price].
    /// @dev Reverts `OracleStale`, `OracleNotPositive`, `TwapNotCovered`, `MarketUnknown`.
    function oraclePrice(uint256 id) external view returns (uint256);

    function source(uint256 id) external view returns (Source memory);
}
