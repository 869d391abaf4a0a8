// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAuctioneer} from "./IAuctioneer.sol";

/// @title Dutch auction of bonds
/// @notice The price is a control variable times a debt. Each sale adds its payout to the debt; the debt leaks at a
/// constant rate, whatever was sold before, so that the price falls along one line while nobody buys.
interface IDutchAuctioneer is IAuctioneer {
    /// @notice Terms of a market, `abi.encode`d.
    /// @param price First price [price].
    /// @param floor Lowest price [price], at most the first.
    /// @param depositInterval One purchase gets at most what the schedule sells in so long [s], 1 h to the duration.
    /// @param debtBufferBps How far debt may exceed its target before the market pauses itself [bps], at most 10000;
    /// at least 10 % and one largest purchase are allowed in any case.
    struct Terms {
        uint256 price;
        uint256 floor;
        uint32 depositInterval;
        uint32 debtBufferBps;
    }

    /// @notice State of an auction.
    /// @param initial Capacity at the start [token units], less what changes freed and its share of the schedule past.
    /// @param target Debt at which the price is that of the last tune [token units].
    /// @param maxDebtFrom Debt that no sale exceeds at `lastTune` [token units].
    /// @param maxDebtTo The same 6 h later [token units].
    /// @param maxPayout Largest payout of one purchase [token units].
    /// @param debt Debt at `last` [token units].
    /// @param tuneBelow Capacity below which the market is oversold by a capacity step [token units].
    /// @param last Time of the last sale [s].
    /// @param lastTune Time of the last tune; of the start before the first [s].
    /// @param decayInterval Time in which a debt of the target leaks away [s].
    /// @param tuneInterval Least time between two tunes [s].
    /// @param debtBufferBps See `Terms`.
    /// @param controlFrom Control variable at `lastTune` [price * scale / token units].
    /// @param controlTo Control variable 6 h later [the same].
    struct Auction {
        uint128 initial;
        uint128 target;
        uint128 maxDebtFrom;
        uint128 maxDebtTo;
        uint128 maxPayout;
        uint128 debt;
        uint128 tuneBelow;
        uint64 last;
        uint64 lastTune;
        uint32 decayInterval;
        uint32 tuneInterval;
        uint32 debtBufferBps;
        uint256 controlFrom;
        uint256 controlTo;
    }

    /// @notice Emitted when a sale, or anybody, set the market to its schedule.
    /// @param control Control variable that holds from here on, or 6 h from here when it falls [see `Auction`].
    /// @param target Debt at which the price is what it was at the tune [token units].
    /// @param maxDebt Debt that no sale exceeds from here on, or 6 h from here when it rises [token units].
    event Tune(uint256 indexed id, uint256 control, uint256 target, uint256 maxDebt);

    /// @notice The market is on its schedule, or was tuned a short while ago.
    error TuneNotDue(uint256 id);

    /// @notice Tunes a market that is due; a sale does the same. Anyone. Reverts `TuneNotDue`, `MarketConcluded`.
    function tune(uint256 id) external;

    /// @notice Whether a tune is due.
    function tuneDue(uint256 id) external view returns (bool);

    /// @notice Debt now [token units], rounded up.
    function debt(uint256 id) external view returns (uint256);

    /// @notice Debt that no sale exceeds now [token units].
    function maxDebt(uint256 id) external view returns (uint256);

    /// @notice Price at a time from now to the conclusion, if nobody buys [price].
    function priceAt(uint256 id, uint64 time) external view returns (uint256);

    function auction(uint256 id) external view returns (Auction memory);
}
