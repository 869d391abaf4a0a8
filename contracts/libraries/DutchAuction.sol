// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IDutchAuctioneer} from "../interfaces/IDutchAuctioneer.sol";
import {BondConstants} from "./BondConstants.sol";

/// @title Formulas of the Dutch auction
/// @notice The debt is a bucket that leaks at a constant rate. Whatever was sold before, it overflows at exactly
/// `maxDebt`, and what is advertised is what it still holds.
/// @dev Units as in `IDutchAuctioneer`. Rounded down unless the name says up; debt and price thereby up.
library DutchAuction {
    using SafeCast for uint256;

    /// @notice An auction that begins at `time`, its debt at the target.
    /// @param duration Length of the sale [s].
    function begin(
        IDutchAuctioneer.Terms memory terms,
        uint128 capacity,
        uint256 time,
        uint256 duration,
        uint256 scale
    ) internal pure returns (IDutchAuctioneer.Auction memory auction) {
        auction.initial = capacity;
        auction.last = time.toUint64();
        auction.lastTune = auction.last;
        auction.debtBufferBps = terms.debtBufferBps;
        auction.decayInterval = decayIntervalOf(terms.depositInterval).toUint32();
        auction.tuneInterval =
            Math.max(BondConstants.MIN_TUNE_INTERVAL, terms.depositInterval).toUint32();
        auction.maxPayout = Math.mulDiv(capacity, terms.depositInterval, duration).toUint128();
        auction.target = Math.mulDiv(capacity, auction.decayInterval, duration).toUint128();
        auction.debt = auction.target;
        auction.maxDebtFrom = maxDebtOf(auction);
        auction.maxDebtTo = auction.maxDebtFrom;
        auction.tuneBelow = tuneBelowOf(auction, capacity, duration);
        auction.controlFrom = Math.mulDiv(terms.price, scale, auction.target);
        auction.controlTo = auction.controlFrom;
    }

    /// @return Time in which a debt of the target leaks away [s].
    function decayIntervalOf(uint256 depositInterval) internal pure returns (uint256) {
        return Math.max(
            BondConstants.MIN_DECAY_INTERVAL,
            BondConstants.DECAY_DEPOSIT_INTERVALS * depositInterval
        );
    }

    /// @return Debt that no sale should exceed at this target.
    function maxDebtOf(IDutchAuctioneer.Auction memory auction) internal pure returns (uint128) {
        uint256 buffer = Math.mulDiv(auction.target, auction.debtBufferBps, BondConstants.BPS);
        uint256 least = auction.target * BondConstants.LEAST_BUFFER_BPS / BondConstants.BPS;
        uint256 room = Math.max(Math.max(buffer, least), auction.maxPayout);
        return SafeCast.toUint128(auction.target + room);
    }

    /// @return Capacity that is one tune interval of the schedule below the present one.
    function tuneBelowOf(
        IDutchAuctioneer.Auction memory auction,
        uint256 capacity,
        uint256 duration
    ) internal pure returns (uint128) {
        uint256 step = Math.mulDiv(auction.initial, auction.tuneInterval, duration);
        return Math.saturatingSub(capacity, step).toUint128();
    }

    /// @return Debt at a time not before the last sale, rounded up.
    function debtUp(IDutchAuctioneer.Auction memory auction, uint256 time)
        internal
        pure
        returns (uint256)
    {
        uint256 leaked = Math.mulDiv(auction.target, time - auction.last, auction.decayInterval);
        return Math.saturatingSub(auction.debt, leaked);
    }

    /// @return Control variable at a time not before the last tune, rounded up.
    function controlUp(IDutchAuctioneer.Auction memory auction, uint256 time)
        internal
        pure
        returns (uint256)
    {
        uint256 elapsed = time - auction.lastTune;
        if (elapsed >= BondConstants.TUNE_FALL_TIME) return auction.controlTo;
        uint256 fall = auction.controlFrom - auction.controlTo;
        return auction.controlFrom - Math.mulDiv(fall, elapsed, BondConstants.TUNE_FALL_TIME);
    }

    /// @return Debt that no sale exceeds at a time not before the last tune. It rises as slowly as a price falls, so
    /// that who comes after quiet days finds the breaker of those days.
    function maxDebtDown(IDutchAuctioneer.Auction memory auction, uint256 time)
        internal
        pure
        returns (uint256)
    {
        uint256 elapsed = time - auction.lastTune;
        if (elapsed >= BondConstants.TUNE_FALL_TIME) return auction.maxDebtTo;
        uint256 rise = auction.maxDebtTo - auction.maxDebtFrom;
        return auction.maxDebtFrom + Math.mulDiv(rise, elapsed, BondConstants.TUNE_FALL_TIME);
    }

    /// @return Price at a time not before the last sale and tune, rounded up.
    function priceUp(
        IDutchAuctioneer.Auction memory auction,
        uint256 time,
        uint256 floor,
        uint256 scale
    ) internal pure returns (uint256) {
        uint256 control = controlUp(auction, time);
        uint256 price = Math.mulDiv(control, debtUp(auction, time), scale, Math.Rounding.Ceil);
        return Math.max(price, floor);
    }

    /// @return The most that one purchase gets.
    function available(IDutchAuctioneer.Auction memory auction, uint256 capacity, uint256 time)
        internal
        pure
        returns (uint256)
    {
        uint256 room = Math.saturatingSub(maxDebtDown(auction, time), debtUp(auction, time));
        return Math.min(Math.min(auction.maxPayout, capacity), room);
    }

    /// @return What `amount` buys, rounded down; too large a result is the largest number.
    function payoutDown(uint256 amount, uint256 price, uint256 scale)
        internal
        pure
        returns (uint256)
    {
        (uint256 high,) = Math.mul512(amount, scale);
        return high >= price ? type(uint256).max : Math.mulDiv(amount, scale, price);
    }

    /// @return What `payout` costs, rounded up.
    function costUp(uint256 payout, uint256 price, uint256 scale) internal pure returns (uint256) {
        return Math.mulDiv(payout, price, scale, Math.Rounding.Ceil);
    }

    /// @return Capacity that a market on its schedule would have begun with to stand as this one does.
    function timeNeutralCapacity(
        IDutchAuctioneer.Auction memory auction,
        uint256 capacity,
        uint256 elapsed,
        uint256 duration
    ) internal pure returns (uint256) {
        return Math.mulDiv(auction.initial, elapsed, duration) + capacity;
    }

    /// @return Whether the market sold a capacity step too much, or misses a largest purchase after a day, and the last
    /// tune is past. Less than a purchase is missing in any market bought on schedule, if only by rounding: a tune for
    /// that would lower the price from day to day.
    function tuneDue(
        IDutchAuctioneer.Auction memory auction,
        uint256 capacity,
        uint256 neutral,
        uint256 time
    ) internal pure returns (bool) {
        uint256 since = time - auction.lastTune;
        if (since < auction.tuneInterval) return false;
        bool oversold = capacity < auction.tuneBelow && neutral < auction.initial;
        bool missing = neutral >= uint256(auction.initial) + auction.maxPayout;
        bool undersold = since >= BondConstants.UNDERSOLD_TIME && missing;
        return oversold || undersold;
    }

    /// @notice Takes `freed` out of the schedule, not out of the sales.
    /// @dev Neutral less initial is `capacity - initial * (duration - elapsed) / duration`; it stays as it was when
    /// initial falls by `freed * duration / (duration - elapsed)`. Rounded up, so that a cut never looks like a sale:
    /// neutral less initial rises by one unit at most.
    function cut(
        IDutchAuctioneer.Auction memory auction,
        uint256 freed,
        uint256 elapsed,
        uint256 duration
    ) internal pure {
        uint256 share = Math.mulDiv(freed, duration, duration - elapsed, Math.Rounding.Ceil);
        auction.initial = Math.saturatingSub(auction.initial, share).toUint128();
        auction.tuneBelow = Math.saturatingSub(auction.tuneBelow, freed).toUint128();
    }

    /// @notice Sets target, breaker and control variable so that the market sells what is left by its end, at a price
    /// that neither jumps by more than a quarter nor falls in less than six hours; nor does the breaker loosen faster.
    /// @param price Price of the sale that made the tune due, or of now.
    /// @param neutral Time-neutral capacity.
    function tune(
        IDutchAuctioneer.Auction memory auction,
        uint256 price,
        uint256 neutral,
        uint256 time,
        IDutchAuctioneer.Lot memory lot
    ) internal pure {
        uint256 duration = lot.conclusion - lot.openedAt;
        uint256 control = controlUp(auction, time);
        uint256 debtNow = debtUp(auction, time);
        uint256 maxDebtNow = maxDebtDown(auction, time);

        auction.target = Math.mulDiv(neutral, auction.decayInterval, duration).toUint128();
        auction.maxDebtTo = maxDebtOf(auction);
        auction.maxDebtFrom = Math.min(maxDebtNow, auction.maxDebtTo).toUint128();
        auction.tuneBelow = tuneBelowOf(auction, lot.capacity, duration);
        uint256 aim = Math.mulDiv(price, lot.scale, auction.target, Math.Rounding.Ceil);
        uint256 most = Math.mulDiv(control, BondConstants.TUNE_RISE_BPS, BondConstants.BPS);
        auction.controlTo = Math.min(aim, most);
        auction.controlFrom = Math.max(control, auction.controlTo);
        (auction.debt, auction.last) = (debtNow.toUint128(), time.toUint64());
        auction.lastTune = auction.last;
    }
}
