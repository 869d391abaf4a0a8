// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The owner of one vault
/// @notice A delay between what the owner's multisig decides and what becomes true of the vault, long enough for
/// everybody to leave first: an operation waits at least `LEAST_DELAY`, and while a redemption requested before it
/// was scheduled is unpaid it cannot be executed at all.
/// @dev Everything else is OpenZeppelin's TimelockController: proposers schedule, anyone executes what is ready, the
/// proposers and the vault's guardian of the day cancel. Nobody administers it but itself, behind its own delay.
interface IVaultTimelock {
    /// @notice Emitted once, when the timelock learnt whose owner it is.
    event Bind(address indexed vault);

    error ZeroAddress();
    error NotDeployer(address caller);
    error AlreadyBound();
    /// @notice Nothing can be scheduled before the vault is known.
    error NotBound();
    /// @notice The vault has another owner.
    error NotOwnerOf(address vault);
    /// @notice The delay would be shorter than the shortest possible one [s].
    error DelayTooShort(uint256 given, uint256 least);
    /// @notice Redemptions requested up to `epoch`, before the operation was scheduled, are not paid.
    error RedemptionUnpaid(uint64 epoch);

    /// @notice Names the vault, once; the vault's owner is this contract. Only the deployer.
    /// @dev Reverts `NotDeployer`, `AlreadyBound`, `NotOwnerOf`. Emits `Bind`.
    function bind(address newVault) external;

    /// @notice The vault this is the owner of; 0 before `bind`.
    function vault() external view returns (address);

    /// @notice Whoever created this and binds it once.
    function deployer() external view returns (address);

    /// @notice Newest epoch that had redemption requests when an operation was scheduled, or would have with its cut.
    function redemptionsUpTo(bytes32 id) external view returns (uint64 epoch);

    /// @notice Operations scheduled, not yet executed or cancelled.
    function pendingOperations() external view returns (uint256);

    /// @notice Shortest delay there can be [s].
    // solhint-disable-next-line func-name-mixedcase
    function LEAST_DELAY() external view returns (uint256);
}
