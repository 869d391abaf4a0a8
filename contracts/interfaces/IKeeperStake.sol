// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Shares that the keeper of one vault locks up
/// @notice The keeper's own money beside the depositors': accepted NAV may be only so many times what it is worth, and
/// a part of it is burnt for every day that a redemption stays unpaid too long. Only the current keeper's counts.
interface IKeeperStake {
    /// @notice Emitted when shares were locked.
    /// @param account Whose they are now.
    /// @param payer Whose they were.
    /// @param shares How many [share units].
    event Stake(address indexed account, address indexed payer, uint256 shares);

    /// @notice Emitted when shares ceased to count and began to wait.
    /// @param shares How many more of them wait [share units].
    /// @param leavesAt When all that waits may be withdrawn [s].
    event RequestWithdrawal(address indexed account, uint256 shares, uint256 leavesAt);

    /// @notice Emitted when shares went back to their account.
    event Withdraw(address indexed account, uint256 shares);

    /// @notice Emitted when a part of the keeper's shares was burnt.
    /// @param keeper Whose they were.
    /// @param epoch Cut of the redemptions that were still unpaid.
    /// @param shares How many, waiting ones included [share units].
    /// @param penalisedUntil End of the day that this was for [s].
    event Penalise(
        address indexed keeper, uint64 indexed epoch, uint256 shares, uint256 penalisedUntil
    );

    error ZeroShares();
    /// @notice The account has less than this that counts [share units].
    error StakeTooSmall(uint256 wanted, uint256 staked);
    error NothingWaits(address account);
    /// @notice What waits may be withdrawn at `leavesAt` [s].
    error StillLocked(uint256 leavesAt);
    error CohortPaid(uint64 epoch);
    /// @notice The next penalty is due at `dueAt` [s].
    error NotDue(uint256 dueAt);
    /// @notice Nothing is burnt once the vault winds down: everybody's part of it is fixed then.
    error WindingDown();

    /* ANYONE */

    /// @notice Locks the caller's shares, for itself. Emits `Stake`. See `stakeFor`.
    function stake(uint256 shares) external;

    /// @notice Locks the caller's shares, for `account`.
    /// @dev Needs an allowance. Reverts `ZeroShares`. Emits `Stake`.
    function stakeFor(address account, uint256 shares) external;

    /// @notice Burns 2 % of the keeper's shares, rounded up, for one full day that the redemptions cut as `epoch` were
    /// unpaid beyond 3 days.
    /// @dev Days count once, whatever the number of unpaid cohorts and callers, and from the keeper's appointment on.
    /// A day that nobody called for can be called for later while the cohort is unpaid. Reverts `WindingDown`,
    /// `CohortPaid`, `NotDue`, `ZeroShares`. Emits `Penalise`.
    function penalise(uint64 epoch) external;

    /* STAKERS */

    /// @notice Lets shares cease to count for the bound; they stay exposed to the penalty until withdrawn.
    /// @dev 7 days begin anew for all that waits. Reverts `ZeroShares`, `StakeTooSmall`. Emits `RequestWithdrawal`.
    function requestWithdrawal(uint256 shares) external;

    /// @notice Sends what waited for 7 days back to the caller; all of its shares once the vault winds down.
    /// @dev Reverts `NothingWaits`, `StillLocked`. Emits `Withdraw`.
    /// @return shares What was sent [share units].
    function withdraw() external returns (uint256 shares);

    /* VIEWS */

    function vault() external view returns (address);
    function mandate() external view returns (address);

    /// @notice Shares of an account that count [share units].
    function stakeOf(address account) external view returns (uint256);

    /// @notice Shares of an account that count no more [share units], and when they may be withdrawn [s].
    function waiting(address account) external view returns (uint256 shares, uint256 leavesAt);

    /// @notice End of the last day that was penalised [s]; 0 before the first.
    function penalisedUntil() external view returns (uint256);
}
