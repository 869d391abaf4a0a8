// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The end of one vault
/// @notice Anyone may start it once the vault has failed its depositors; nobody can stop it. From then on shares are
/// given back for their part of whatever is recovered, token by token, in kind, for ever. It needs no keeper, no
/// reporter and no price.
/// @dev Units: shares in share units, tokens in their own units. Everything is rounded down, against the claimer.
interface IWindDown {
    /// @notice Why it started. UNSETTLED: nothing was settled for a week. UNPAID: a cut older than a week is not paid.
    /// IMPAIRED: the guardian said so. INSOLVENT: a report says that nothing is left.
    enum Cause {
        UNSETTLED,
        UNPAID,
        IMPAIRED,
        INSOLVENT
    }

    /// @notice Emitted once.
    /// @param cause Why.
    /// @param supply Shares that everything recovered is divided by, for ever [share units].
    event Start(Cause indexed cause, uint256 supply);

    /// @notice Emitted when a position was left; what it held lies in the adapter and can be collected.
    event Unwind(address indexed adapter);

    /// @notice Emitted when tokens arrived here.
    /// @param from The vault, or an adapter.
    /// @param amount Amount that arrived [token units].
    event Collect(address indexed from, address indexed token, uint256 amount);

    /// @notice Emitted when shares were given back.
    /// @param shares Amount burnt [share units].
    event Exit(address indexed account, uint256 shares);

    /// @notice Emitted when a part was paid out.
    /// @param amount Amount paid [token units].
    event Claim(address indexed account, address indexed token, uint256 amount);

    /// @notice There is nothing overdue yet; the earliest possible start is `earliest` [s].
    error NotOverdue(uint256 earliest);
    /// @notice Redemptions of that cut are paid, at least 99 % of them.
    error CohortPaid(uint64 epoch);
    error NoShares();
    error AlreadyStarted();
    error NotStarted();
    error NotGuardian(address caller);
    error NotReporter(address caller);
    error UnknownAdapter(address adapter);

    /// @notice Starts when shares exist and nothing was settled for `delay()`. Anyone.
    /// @dev Reverts `AlreadyStarted`, `NoShares`, `NotOverdue`. Emits `Start`.
    function start() external;

    /// @notice Starts when more than 1 % of the redemptions of a cut older than `delay()` is unpaid. Anyone.
    /// @param epoch Number of the cut.
    /// @dev Reverts `AlreadyStarted`, `NotOverdue`, `CohortPaid`. Emits `Start`.
    function startUnpaid(uint64 epoch) external;

    /// @notice Starts because a venue is impaired. Only the vault's guardian. Emits `Start`.
    function startImpaired() external;

    /// @notice Starts because nothing is left. Only the vault's reporter, with a signed report. Emits `Start`.
    function startInsolvent() external;

    /// @notice Makes an adapter leave its positions without a trade. Anyone, after the start.
    /// @dev For three days only while the pool's spot is near its mean; afterwards in any case, because a price can
    /// be kept away. Reverts `NotStarted`, `UnknownAdapter`, and with the adapter's error. Emits `Unwind`.
    function unwind(address adapter) external;

    /// @notice Brings a token here that lies in an adapter, or the vault's idle assets. Anyone, after the start.
    /// @param from An adapter, or the vault itself for its idle assets.
    /// @return amount Amount that arrived [token units].
    function collect(address from, address token) external returns (uint256 amount);

    /// @notice Gives shares back, for a part of everything recovered before and after.
    /// @param shares Amount of the caller's own shares [share units].
    function exit(uint256 shares) external;

    /// @notice Pays the caller's part of a token that has not been paid yet.
    /// @return amount Amount paid [token units]; 0 when nothing is due.
    function claim(address token) external returns (uint256 amount);

    /// @notice Time from the start on after which positions are left at any price [s].
    function patience() external view returns (uint256);

    /// @notice Time without settlement, or with an unpaid cut, after which anyone may start [s].
    function delay() external view returns (uint256);

    /// @notice Longest time from a redemption request until the on-chain part can be forced out [s].
    /// @dev An epoch to the cut, the report window, a hold, and the delay.
    function exitBound() external view returns (uint256);

    /// @notice When it started [s]; 0 before.
    function startedAt() external view returns (uint256);

    /// @notice Shares that everything recovered is divided by [share units]; 0 before the start.
    function supplyAtStart() external view returns (uint256);

    /// @notice Shares that an account has given back [share units].
    function units(address account) external view returns (uint256);

    /// @notice All of a token that has arrived here so far [token units].
    function recovered(address token) external view returns (uint256);

    /// @notice What an account has been paid of a token [token units].
    function paid(address account, address token) external view returns (uint256);

    /// @notice What `claim` would pay an account now [token units].
    function claimable(address account, address token) external view returns (uint256);

    /// @notice The vault this belongs to.
    function vault() external view returns (address);
}
