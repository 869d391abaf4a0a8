// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {INavReporter} from "../interfaces/INavReporter.sol";
import {Constants} from "../libraries/Constants.sol";

/// @title The gate that gains pass slowly and losses at once
/// @notice A reported loss lowers the accepted NAV at once; one beyond the loss bucket, 2 % refilled by 2 % a day, is
/// published a day before anybody is settled at it. A reported gain raises the accepted NAV in this order: what undoes
/// a recent loss at once; then up to the bucket, 1 % refilled by 1 % a day; then what waited three days in the slot,
/// at most 5 %. What is left waits. A false number is thereby worth little to its author and visible for days.
/// @dev Pure steps on memory; `now` is the time of the cut. Buckets and recovery are relative to NAV per share, so
/// that flows do not change them; the slot is an amount. Invariants V-02, V-17.
library GainGate {
    /// @notice Settled prices of the last days.
    /// @dev Cuts are a day apart, so four entries hold every one of the last three days.
    struct History {
        uint256[4] prices;
        uint64[4] times;
        uint64 count;
    }

    /// @notice A gate that has seen nothing: full bucket, no recovery, empty slot.
    function fresh(uint64 time) internal pure returns (INavReporter.Gate memory gate) {
        gate.time = time;
        gate.bucket = Constants.BUCKET_MAX;
        gate.lossBucket = Constants.LOSS_BUCKET_MAX;
    }

    /// @notice Passes `gross` through the gate.
    /// @param gate State after the last settlement; changed in place.
    /// @param accepted Accepted NAV after the last settlement [asset units].
    /// @param gross NAV at this cut [asset units].
    /// @param shares Supply plus virtual shares [share units].
    /// @param time Time of this cut [s].
    /// @return newAccepted Accepted NAV, at most `gross` [asset units].
    /// @return overdrawn Whether a loss was larger than the loss bucket, which is then empty.
    function step(
        INavReporter.Gate memory gate,
        uint256 accepted,
        uint256 gross,
        uint256 shares,
        uint64 time
    ) internal pure returns (uint256 newAccepted, bool overdrawn) {
        _age(gate, time);
        if (gross <= accepted) {
            _rememberLoss(gate, accepted - gross, shares);
            return (gross, _drawLoss(gate, accepted - gross, accepted));
        }

        newAccepted = accepted + _takeRecovery(gate, gross - accepted, shares);
        newAccepted += _takeBucket(gate, gross - newAccepted, newAccepted);
        newAccepted += _takeSlot(gate, gross - newAccepted, newAccepted, time);
        _fillSlot(gate, gross - newAccepted, newAccepted, time);
    }

    /// @notice Price of a share unit after flows.
    /// @return [1e36 assets per share unit], rounded down.
    function price(uint256 accepted, uint256 shares) internal pure returns (uint256) {
        return Math.mulDiv(accepted + 1, Constants.PRICE_ONE, shares);
    }

    /// @notice Remembers a settled price, or what has not faded of the one before: after a false loss that stands for
    /// days nobody buys at it, and the longest a true one keeps deposits waiting is a day for each per cent.
    function push(History storage history, uint256 settledPrice, uint64 time) internal {
        uint64 count = history.count;
        uint256 remembered = settledPrice;
        if (count != 0) {
            remembered = Math.max(settledPrice, _faded(history, (count - 1) % 4, time));
        }

        history.prices[count % 4] = remembered;
        history.times[count % 4] = time;
        history.count = count + 1;
    }

    /// @notice Forgets every settled price.
    function clear(History storage history) internal {
        delete history.prices;
        delete history.times;
        history.count = 0;
    }

    /// @notice The last remembered price, or a higher one of the three days before `time`; 0 when there is none.
    function high(History storage history, uint64 time) internal view returns (uint256 highest) {
        uint64 count = history.count;
        if (count == 0) return 0;

        highest = history.prices[(count - 1) % 4];
        for (uint256 i; i < Math.min(count, 4); ++i) {
            bool recent = history.times[i] + Constants.HIGH_WINDOW >= time;
            if (recent && history.prices[i] > highest) highest = history.prices[i];
        }
    }

    function _faded(History storage history, uint256 at, uint64 time)
        private
        view
        returns (uint256)
    {
        uint256 former = history.prices[at];
        uint256 elapsed = Math.min(time - history.times[at], Constants.HIGH_FADE_TIME);
        return former - Math.mulDiv(former, elapsed, Constants.HIGH_FADE_TIME);
    }

    /// @dev The fade of a loss starts at the settlement after it.
    function _age(INavReporter.Gate memory gate, uint64 time) private pure {
        uint256 elapsed = time - gate.time;
        gate.time = time;
        gate.bucket = Math.min(
            Constants.BUCKET_MAX,
            gate.bucket + (Constants.BUCKET_MAX * elapsed) / Constants.BUCKET_REFILL_TIME
        );
        gate.lossBucket = Math.min(
            Constants.LOSS_BUCKET_MAX,
            gate.lossBucket + (Constants.LOSS_BUCKET_MAX * elapsed)
                / Constants.LOSS_BUCKET_REFILL_TIME
        );

        _lowerRecovery(gate, gate.fadeRate * elapsed);
        gate.fadeRate += gate.pendingFadeRate;
        gate.pendingFadeRate = 0;
    }

    /// @dev Rounded up, so that a loss can be undone to the unit.
    function _rememberLoss(INavReporter.Gate memory gate, uint256 loss, uint256 shares)
        private
        pure
    {
        uint256 inPrice = Math.mulDiv(loss, Constants.PRICE_ONE, shares, Math.Rounding.Ceil);
        gate.recovery += inPrice;
        gate.pendingFadeRate = Math.ceilDiv(inPrice, Constants.RECOVERY_FADE_TIME);
        gate.slotAmount = 0;
        gate.slotReleaseAt = 0;
    }

    /// @dev Rounded up, against whoever reports the loss.
    function _drawLoss(INavReporter.Gate memory gate, uint256 loss, uint256 accepted)
        private
        pure
        returns (bool overdrawn)
    {
        if (loss == 0) return false; // also where accepted is 0
        uint256 part = Math.mulDiv(loss, Constants.ONE, accepted, Math.Rounding.Ceil);
        overdrawn = part > gate.lossBucket;
        gate.lossBucket = Math.saturatingSub(gate.lossBucket, part);
    }

    function _takeRecovery(INavReporter.Gate memory gate, uint256 gain, uint256 shares)
        private
        pure
        returns (uint256 taken)
    {
        taken = Math.min(gain, Math.mulDiv(gate.recovery, shares, Constants.PRICE_ONE));
        _lowerRecovery(gate, Math.mulDiv(taken, Constants.PRICE_ONE, shares, Math.Rounding.Ceil));
    }

    function _takeBucket(INavReporter.Gate memory gate, uint256 gain, uint256 accepted)
        private
        pure
        returns (uint256 taken)
    {
        taken = Math.min(gain, Math.mulDiv(accepted, gate.bucket, Constants.ONE));
        if (taken == 0) return 0; // also where accepted is 0
        gate.bucket -= Math.mulDiv(taken, Constants.ONE, accepted, Math.Rounding.Ceil);
    }

    function _takeSlot(INavReporter.Gate memory gate, uint256 gain, uint256 accepted, uint64 time)
        private
        pure
        returns (uint256 taken)
    {
        if (gate.slotAmount == 0 || time < gate.slotReleaseAt) return 0;

        taken = Math.min(Math.min(gate.slotAmount, gain), _slotMax(accepted));
        gate.slotAmount = 0;
        gate.slotReleaseAt = 0;
    }

    function _fillSlot(INavReporter.Gate memory gate, uint256 gain, uint256 accepted, uint64 time)
        private
        pure
    {
        if (gate.slotAmount == 0 && gain != 0) {
            gate.slotAmount = Math.min(gain, _slotMax(accepted));
            gate.slotReleaseAt = time + uint64(Constants.SLOT_DELAY); // safe: a constant
        } else {
            gate.slotAmount = Math.min(gate.slotAmount, gain);
        }
        if (gate.slotAmount == 0) gate.slotReleaseAt = 0;
    }

    function _lowerRecovery(INavReporter.Gate memory gate, uint256 by) private pure {
        gate.recovery = Math.saturatingSub(gate.recovery, by);
        if (gate.recovery == 0) {
            gate.fadeRate = 0;
            gate.pendingFadeRate = 0;
        }
    }

    function _slotMax(uint256 accepted) private pure returns (uint256) {
        return Math.mulDiv(accepted, Constants.SLOT_MAX, Constants.ONE);
    }
}
