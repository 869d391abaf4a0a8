// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {IKeeperLosses} from "../interfaces/IKeeperLosses.sol";
import {IMandate} from "../interfaces/IMandate.sol";
import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {Constants} from "../libraries/Constants.sol";

/// @title What the keeper of one vault has lost
/// @notice Accounting: a loss is a part of the accepted NAV it happened in, so that flows change no bucket. Gains fill
/// nothing: a keeper that trades against itself to and fro pays for each way. What an operation was charged with is
/// not charged again when the report of its epoch shows it; what happened after a cut belongs to the next report. An exit
/// is never refused: what it loses beyond the buckets is owed, and later refills pay it before any new risk.
///
/// Trust: adapters measure an operation at the feed's mark, the reporter measures the rest. The keeper has no say.
/// @dev Invariant V-24.
abstract contract KeeperLosses is IMandate {
    /// @dev What the buckets held at `time` [1e18], less than nothing where exits lost more; and the epoch that was open
    /// at the last charge.
    struct Buckets {
        int64 day;
        int64 month;
        uint64 time;
        uint64 epoch;
    }

    /// @dev Operations' losses that no report has shown yet: those before the last cut, those after [asset units].
    struct Charged {
        uint128 beforeCut;
        uint128 sinceCut;
    }

    int256 private constant _DAY_MAX = int256(Constants.DAY_LOSS_MAX); // safe: a constant
    int256 private constant _MONTH_MAX = int256(Constants.MONTH_LOSS_MAX); // safe: a constant
    int256 private constant _DEBT_MAX = int256(Constants.ONE); // all of NAV, which fits an int64

    /// @inheritdoc IMandate
    address public immutable vault;

    Buckets private _buckets;
    Charged private _charged;

    modifier onlyAdapter() {
        require(IMarketMakingVault(vault).isAdapter(msg.sender), NotAdapter(msg.sender));
        _;
    }

    constructor(address vault_) {
        vault = vault_;
        _buckets.day = int64(_DAY_MAX); // safe: a constant
        _buckets.month = int64(_MONTH_MAX); // safe: a constant
        _buckets.time = uint64(block.timestamp); // safe: seconds since 1970
    }

    /* ADAPTERS */

    /// @inheritdoc IKeeperLosses
    function chargeLoss(uint256 lossAssets) external onlyAdapter {
        uint256 part = _partUp(lossAssets);
        (uint256 day, uint256 month) = lossBuckets();
        uint256 left = Math.min(day, month);
        require(part <= left, LossTooLarge(part, left));

        _chargeOperation(lossAssets, part);
    }

    /// @inheritdoc IKeeperLosses
    function chargeExit(uint256 lossAssets) external onlyAdapter {
        _chargeOperation(lossAssets, _partUp(lossAssets));
    }

    /* REPORTER */

    /// @inheritdoc IKeeperLosses
    function chargeReported(uint256 lossAssets) external {
        require(msg.sender == IMarketMakingVault(vault).reporter(), NotReporter(msg.sender));

        _followCut();
        uint256 part = _partUp(Math.saturatingSub(lossAssets, _charged.beforeCut));
        _charged.beforeCut = 0;
        (uint256 day, uint256 month) = _draw(part, 0);

        emit ChargeReported(lossAssets, part, day, month);
    }

    /* VIEWS */

    /// @inheritdoc IKeeperLosses
    function lossBuckets() public view returns (uint256 day, uint256 month) {
        (int256 dayLevel, int256 monthLevel) = _levels();
        // Safe casts: not negative.
        day = uint256(SignedMath.max(dayLevel, 0));
        month = uint256(SignedMath.max(monthLevel, 0));
    }

    /// @inheritdoc IKeeperLosses
    function refilledAt() public view returns (uint256) {
        Buckets memory buckets = _buckets;
        uint256 dayWaits =
            _secondsUntil(buckets.day, Constants.DAY_LOSS_MAX, Constants.DAY_LOSS_REFILL_TIME);
        uint256 monthWaits = _secondsUntil(
            buckets.month, Constants.MONTH_LOSS_MAX, Constants.MONTH_LOSS_REFILL_TIME
        );
        return buckets.time + Math.max(dayWaits, monthWaits);
    }

    /* INTERNAL */

    /// @dev Reverts while a bucket holds less than the largest loss of one operation.
    function _requireLossesLeft() internal view {
        uint256 opensAt = refilledAt();
        require(block.timestamp >= opensAt, LossesSpent(opensAt));
    }

    function _chargeOperation(uint256 lossAssets, uint256 part) private {
        _followCut();
        _charged.sinceCut += uint128(lossAssets); // safe: part of a NAV below 2^128
        (uint256 day, uint256 month) = _draw(part, -_DEBT_MAX);

        emit ChargeLoss(msg.sender, lossAssets, part, day, month);
    }

    /// @dev A cut since the last charge: everything charged so far happened before it.
    function _followCut() private {
        uint64 epoch = IMarketMakingVault(vault).openEpoch();
        // Equal or not is all that matters: an epoch's number never comes again.
        // slither-disable-next-line incorrect-equality
        if (epoch == _buckets.epoch) return;

        _buckets.epoch = epoch;
        _charged = Charged({beforeCut: _charged.beforeCut + _charged.sinceCut, sinceCut: 0});
    }

    /// @dev Draws down to `least`; a level that is below it already stays.
    function _draw(uint256 part, int256 least) private returns (uint256 day, uint256 month) {
        (int256 dayLevel, int256 monthLevel) = _levels();
        _buckets.day = _drawn(dayLevel, part, least);
        _buckets.month = _drawn(monthLevel, part, least);
        _buckets.time = uint64(block.timestamp); // safe: seconds since 1970

        (day, month) = lossBuckets();
    }

    function _levels() private view returns (int256 day, int256 month) {
        Buckets memory buckets = _buckets;
        uint256 elapsed = block.timestamp - buckets.time;
        // Safe casts: a part of 1e18 for each second of an age.
        day = buckets.day
            + int256((Constants.DAY_LOSS_MAX * elapsed) / Constants.DAY_LOSS_REFILL_TIME);
        month = buckets.month
            + int256((Constants.MONTH_LOSS_MAX * elapsed) / Constants.MONTH_LOSS_REFILL_TIME);
        day = SignedMath.min(day, _DAY_MAX);
        month = SignedMath.min(month, _MONTH_MAX);
    }

    /// @dev Rounded up, against the keeper; any loss of an accepted NAV of nothing is all of it.
    function _partUp(uint256 lossAssets) private view returns (uint256) {
        if (lossAssets == 0) return 0;
        uint256 accepted = IMarketMakingVault(vault).acceptedNav();
        if (accepted == 0) return Constants.ONE;
        return Math.mulDiv(lossAssets, Constants.ONE, accepted, Math.Rounding.Ceil);
    }

    /// @dev Least time in which a bucket of `held` refills to what one operation may lose, exact to the second.
    function _secondsUntil(int256 held, uint256 full, uint256 refillTime)
        private
        pure
        returns (uint256)
    {
        int256 least = int256(Constants.OPERATION_LOSS_MAX); // safe: a constant
        // Safe cast: not negative.
        uint256 missing = uint256(SignedMath.max(least - held, 0));
        return Math.ceilDiv(missing * refillTime, full);
    }

    /// @return Between a debt of all NAV and a full bucket, which fits.
    function _drawn(int256 level, uint256 part, int256 least) private pure returns (int64) {
        // Safe cast: a part of a NAV below 2^128, times 1e18.
        int256 left = SignedMath.max(level - int256(part), least);
        return int64(SignedMath.min(left, level));
    }
}
