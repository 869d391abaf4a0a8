// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IKeeperLosses} from "../interfaces/IKeeperLosses.sol";
import {IMandate} from "../interfaces/IMandate.sol";
import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {Constants} from "../libraries/Constants.sol";

/// @title What the keeper of one vault has lost
/// @notice Accounting: a loss is a part of the accepted NAV it happened in, so that flows change no bucket. Gains fill
/// nothing: a keeper that trades against itself to and fro pays for each way. What an operation was charged with is
/// not charged again when the report of its epoch shows it; what happened after a cut belongs to the next report.
///
/// Trust: adapters measure an operation at the feed's mark, the reporter measures the rest. The keeper has no say.
/// @dev Invariant V-24.
abstract contract KeeperLosses is IMandate {
    /// @dev What the buckets held at `time` [1e18], and the epoch that was open at the last charge.
    struct Buckets {
        uint64 day;
        uint64 month;
        uint64 time;
        uint64 epoch;
    }

    /// @dev Operations' losses that no report has shown yet: those before the last cut, those after [asset units].
    struct Charged {
        uint128 beforeCut;
        uint128 sinceCut;
    }

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
        _buckets.day = uint64(Constants.DAY_LOSS_MAX); // safe: a constant
        _buckets.month = uint64(Constants.MONTH_LOSS_MAX); // safe: a constant
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
        (uint256 day, uint256 month) = _draw(part);

        emit ChargeReported(lossAssets, part, day, month);
    }

    /* VIEWS */

    /// @inheritdoc IKeeperLosses
    function lossBuckets() public view returns (uint256 day, uint256 month) {
        Buckets memory buckets = _buckets;
        uint256 elapsed = block.timestamp - buckets.time;
        day = Math.min(
            Constants.DAY_LOSS_MAX,
            buckets.day + (Constants.DAY_LOSS_MAX * elapsed) / Constants.DAY_LOSS_REFILL_TIME
        );
        month = Math.min(
            Constants.MONTH_LOSS_MAX,
            buckets.month + (Constants.MONTH_LOSS_MAX * elapsed) / Constants.MONTH_LOSS_REFILL_TIME
        );
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
        (uint256 day, uint256 month) = _draw(part);

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

    function _draw(uint256 part) private returns (uint256 day, uint256 month) {
        (day, month) = lossBuckets();
        day = Math.saturatingSub(day, part);
        month = Math.saturatingSub(month, part);

        _buckets.day = uint64(day); // safe: at most full
        _buckets.month = uint64(month); // safe: at most full
        _buckets.time = uint64(block.timestamp); // safe: seconds since 1970
    }

    /// @dev Rounded up, against the keeper; any loss of an accepted NAV of nothing is all of it.
    function _partUp(uint256 lossAssets) private view returns (uint256) {
        if (lossAssets == 0) return 0;
        uint256 accepted = IMarketMakingVault(vault).acceptedNav();
        if (accepted == 0) return Constants.ONE;
        return Math.mulDiv(lossAssets, Constants.ONE, accepted, Math.Rounding.Ceil);
    }

    /// @dev Least time in which a bucket of `held` refills to what one operation may lose, exact to the second.
    function _secondsUntil(uint256 held, uint256 full, uint256 refillTime)
        private
        pure
        returns (uint256)
    {
        uint256 missing = Math.saturatingSub(Constants.OPERATION_LOSS_MAX, held);
        return Math.ceilDiv(missing * refillTime, full);
    }
}
