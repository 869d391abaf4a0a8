// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IAuctioneer} from "../interfaces/IAuctioneer.sol";
import {IOracleAuctioneer} from "../interfaces/IOracleAuctioneer.sol";
import {IAggregatorV3} from "../interfaces/external/IAggregatorV3.sol";
import {BondConstants} from "../libraries/BondConstants.sol";
import {ReferencePrice} from "../libraries/ReferencePrice.sol";
import {Auctioneer} from "./Auctioneer.sol";

/// @title Bonds at a fixed discount to an oracle
/// @notice Trust: the feed or the pool that the vault's own markets name. Whoever can move the oracle down buys that
/// much cheaper, as far as the floor, which was set from the oracle's price on the day of creation.
/// @dev Invariant B-07.
contract OracleAuctioneer is Auctioneer, IOracleAuctioneer {
    mapping(uint256 id => Source) private _sources;

    constructor(address teller_) Auctioneer(teller_) {}

    /* VIEWS */

    /// @inheritdoc IOracleAuctioneer
    function oraclePrice(uint256 id) public view returns (uint256) {
        Lot storage asked = _known(id);
        Source memory from = _sources[id];
        return from.twapSeconds == 0
            ? ReferencePrice.ofFeed(from.feed, from.feedDecimals, from.maxFeedAge)
            : ReferencePrice.ofPool(from.pool, from.token, asked.scale, from.twapSeconds);
    }

    /// @inheritdoc IOracleAuctioneer
    function source(uint256 id) external view returns (Source memory) {
        _known(id);
        return _sources[id];
    }

    /// @inheritdoc IAuctioneer
    function kind() external pure returns (string memory) {
        return "oracle";
    }

    /* INTERNAL */

    function _open(Opening calldata opening, Lot storage, bytes calldata encoded)
        internal
        override
        returns (uint256 first, uint256 floor)
    {
        Terms memory terms = abi.decode(encoded, (Terms));
        _requireTerm("maxDiscountBps", terms.maxDiscountBps, 0, BondConstants.BPS - 1);
        _requireTerm("discountBps", terms.discountBps, 0, terms.maxDiscountBps);
        _sources[opening.id] = _sourceOf(opening, terms);

        uint256 oracle = oraclePrice(opening.id);
        _requireTerm("oracle", oracle, 1, BondConstants.MAX_PRICE);
        floor = _lessUp(oracle, terms.maxDiscountBps);
        first = _lessUp(oracle, terms.discountBps);
    }

    function _sourceOf(Opening calldata opening, Terms memory terms)
        private
        view
        returns (Source memory from)
    {
        from.token = opening.token;
        from.discountBps = terms.discountBps;
        if (terms.twapSeconds != 0) {
            _requireTerm(
                "twapSeconds", terms.twapSeconds, BondConstants.MIN_TWAP, BondConstants.MAX_TWAP
            );
            _requireTerm("maxFeedAge", terms.maxFeedAge, 0, 0);
            (from.pool, from.twapSeconds) = (opening.pool.pool, terms.twapSeconds);
            return from;
        }

        _requireTerm(
            "maxFeedAge", terms.maxFeedAge, BondConstants.MIN_FEED_AGE, BondConstants.MAX_FEED_AGE
        );
        require(opening.pool.feed != address(0), NoFeed(opening.pool.pool));
        (from.feed, from.maxFeedAge) = (opening.pool.feed, terms.maxFeedAge);
        from.feedDecimals = IAggregatorV3(from.feed).decimals();
        _requireTerm("feedDecimals", from.feedDecimals, 0, BondConstants.PRICE_DECIMALS);
    }

    /// @dev Nothing to book: the price follows the oracle alone.
    // solhint-disable-next-line no-empty-blocks
    function _sold(uint256, uint256, uint256) internal override {}

    /// @dev The same.
    // solhint-disable-next-line no-empty-blocks
    function _freed(uint256, uint256) internal override {}

    function _price(uint256 id) internal view override returns (uint256) {
        uint256 discounted = _lessUp(oraclePrice(id), _sources[id].discountBps);
        return Math.max(discounted, _lots[id].floor);
    }

    function _available(uint256 id) internal view override returns (uint256) {
        return _lots[id].capacity;
    }

    function _lessUp(uint256 value, uint256 discountBps) private pure returns (uint256) {
        return
            Math.mulDiv(
                value, BondConstants.BPS - discountBps, BondConstants.BPS, Math.Rounding.Ceil
            );
    }
}
