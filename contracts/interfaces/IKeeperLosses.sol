// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What the keeper of one vault may still lose
/// @notice Two buckets, in fractions of accepted NAV (1e18 is all of it): `day` holds 1 % and refills within 24 hours,
/// `month` holds 3 % and refills within 30 days, both linearly. Every loss is drawn from both; what exits lose beyond them
/// is owed, and refilled first.
interface IKeeperLosses {
    /// @notice Emitted when an operation of an adapter lost value at the mark.
    /// @param adapter Where it was lost.
    /// @param lossAssets What was lost [asset units].
    /// @param part The same as a part of accepted NAV [1e18], rounded up.
    /// @param day What the day's bucket holds afterwards [1e18].
    /// @param month What the month's bucket holds afterwards [1e18].
    event ChargeLoss(
        address indexed adapter, uint256 lossAssets, uint256 part, uint256 day, uint256 month
    );

    /// @notice Emitted when a report was settled or held.
    /// @param lossAssets Fall of accepted NAV that it showed [asset units].
    /// @param part What of it operations had not been charged with, as a part of accepted NAV [1e18], rounded up.
    /// @param day What the day's bucket holds afterwards [1e18].
    /// @param month What the month's bucket holds afterwards [1e18].
    event ChargeReported(uint256 lossAssets, uint256 part, uint256 day, uint256 month);

    error NotAdapter(address caller);
    error NotReporter(address caller);
    /// @notice The operation would lose more of accepted NAV than the buckets hold [1e18].
    error LossTooLarge(uint256 part, uint256 left);
    /// @notice Risk may be increased again at `refilledAt` [s].
    error LossesSpent(uint256 refilledAt);

    /* ADAPTERS */

    /// @notice Charges what an operation that takes risk lost at the mark.
    /// @dev Reverts `NotAdapter`, `LossTooLarge`. Emits `ChargeLoss`.
    /// @param lossAssets Value before less value after [asset units].
    function chargeLoss(uint256 lossAssets) external;

    /// @notice Charges what an operation that takes risk away lost; what a bucket does not hold it owes.
    /// @dev Reverts `NotAdapter`. Emits `ChargeLoss`.
    /// @param lossAssets Value before less value after [asset units].
    function chargeExit(uint256 lossAssets) external;

    /* REPORTER */

    /// @notice Charges the fall of accepted NAV that a report shows, less what operations before its cut were charged
    /// with since the last report; it empties a bucket rather than being refused.
    /// @dev Called before accepted NAV falls. Reverts `NotReporter`. Emits `ChargeReported`.
    /// @param lossAssets Accepted NAV less gross NAV, or 0 [asset units].
    function chargeReported(uint256 lossAssets) external;

    /* VIEWS */

    /// @notice What both buckets hold now, nothing while they owe [1e18 is all of accepted NAV].
    function lossBuckets() external view returns (uint256 day, uint256 month);

    /// @notice First second at which both buckets hold what one operation may lose [s]; in the past when they do.
    function refilledAt() external view returns (uint256);
}
