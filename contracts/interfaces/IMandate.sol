// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IKeeperLosses} from "./IKeeperLosses.sol";

/// @title Who may act for a vault, and within what limits
/// @notice Roles, limits and pause of one vault. Loosening is the owner's, who in production is a timelock;
/// tightening and pausing are the guardian's and take effect at once.
interface IMandate is IKeeperLosses {
    /// @notice Limits of one vault.
    /// @param depositCap Accepted NAV above which no deposit is filled [asset units].
    /// @param venueCapBps Largest attested share of accepted NAV [bps], at most 5000.
    /// @param minOnChainBps Smallest on-chain share of accepted NAV [bps], 3000 to 10000.
    /// @param feeBps Share of a gain above the high-water mark that is the fee [bps], at most 3000.
    /// @param minStakeBps The keeper's stake bounds deposits: accepted NAV is at most so many times it that the
    /// stake is this share of NAV [bps], at most 10000; 0 for no bound.
    struct Limits {
        uint128 depositCap;
        uint16 venueCapBps;
        uint16 minOnChainBps;
        uint16 feeBps;
        uint16 minStakeBps;
    }

    /// @notice First values.
    /// @param owner Owner, for ever; in production a timelock.
    /// @param keeper Hot key that allocates and operates adapters.
    /// @param guardian Account that may only reduce risk.
    /// @param feeRecipient Account that the fee belongs to, less what signers earn.
    /// @param marketsHash Hash of the venue pairs and pools that this vault may be traded on; see the factory.
    struct Terms {
        address owner;
        address keeper;
        address guardian;
        address feeRecipient;
        bytes32 marketsHash;
        Limits limits;
    }

    /// @notice Emitted when the owner replaced the keeper.
    event SetKeeper(address indexed keeper);

    /// @notice Emitted when the owner replaced the guardian.
    event SetGuardian(address indexed guardian);

    /// @notice Emitted when the owner named another account for later fees.
    event SetFeeRecipient(address indexed feeRecipient);

    /// @notice Emitted when limits changed. See `Limits` for units.
    event SetLimits(Limits limits);

    /// @notice Emitted when the deposit gate changed.
    /// @param depositGate The hook; 0 when everybody may deposit.
    event SetDepositGate(address indexed depositGate);

    /// @notice Emitted when the guardian paused.
    /// @param until End of the pause [s].
    event Pause(uint256 until);

    /// @notice Emitted when a pause was ended before its time.
    event Unpause();

    error ZeroAddress();
    error NotOwner(address caller);
    error NotGuardian(address caller);
    /// @notice The account reports on the vault: it can have no other role.
    error RoleConflict(address account);
    /// @notice A limit is beyond what any vault may have.
    error LimitTooLoose(uint256 given, uint256 bound);
    /// @notice The guardian can only tighten.
    error LimitLoosened(uint256 given, uint256 current);
    /// @notice New deposits and risk are paused until `until` [s].
    error Paused(uint256 until);
    /// @notice A pause of this length is not possible [s].
    error PauseTooLong(uint256 given, uint256 most);
    /// @notice The next pause is possible at `earliest` [s].
    error PauseTooSoon(uint256 earliest);
    error NotPaused();
    /// @notice The vault is nearly empty: the keeper's own deposit comes first.
    error StakeMissing(address keeper);
    error DepositRefused(address depositGate, address owner, address controller);
    /// @notice The attested legs would exceed the venue cap [asset units].
    error VenueCapExceeded(uint256 attested, uint256 cap);
    /// @notice The on-chain part would fall below the minimum [asset units].
    error OnChainTooLow(uint256 onChain, uint256 least);

    /* OWNER */

    /// @notice Replaces the keeper. Reverts `ZeroAddress`, `RoleConflict`. Emits `SetKeeper`.
    function setKeeper(address newKeeper) external;

    /// @notice Replaces the guardian. Reverts `ZeroAddress`, `RoleConflict`. Emits `SetGuardian`.
    function setGuardian(address newGuardian) external;

    /// @notice Names who gets later fees. Reverts `ZeroAddress`. Emits `SetFeeRecipient`.
    function setFeeRecipient(address newFeeRecipient) external;

    /// @notice Sets every limit, in either direction. Reverts `LimitTooLoose`. Emits `SetLimits`.
    function setLimits(Limits calldata newLimits) external;

    /// @notice Sets the hook that is asked about new deposits; 0 for none. Emits `SetDepositGate`.
    function setDepositGate(address newDepositGate) external;

    /* GUARDIAN */

    /// @notice Sets every limit, none looser than it is. Reverts `LimitLoosened`, `LimitTooLoose`. Emits `SetLimits`.
    function tightenLimits(Limits calldata newLimits) external;

    /// @notice Pauses deposit requests, allocations and operations that increase risk; nothing else is ever paused.
    /// @dev Reverts `PauseTooLong` above 7 days, `PauseTooSoon` within 14 days of the last pause's end. Emits `Pause`.
    /// @param duration Length [s].
    function pause(uint256 duration) external;

    /// @notice Ends the pause now. Reverts `NotPaused`. Emits `Unpause`.
    function unpause() external;

    /* CHECKS: they revert or do nothing */

    /// @notice Reverts `Paused`, `StakeMissing`, or `DepositRefused` when the hook says no.
    function checkDeposit(address owner_, address controller, uint256 assets) external view;

    /// @notice Reverts `Paused`, or `LossesSpent` when the keeper has lost too much: no new risk now.
    function checkIncrease() external view;

    /// @notice Reverts `VenueCapExceeded`, `OnChainTooLow`.
    /// @param accepted Accepted NAV [asset units].
    /// @param attested Worth of the attested legs afterwards [asset units].
    /// @param onChain Worth of everything else afterwards [asset units].
    function checkExposure(uint256 accepted, uint256 attested, uint256 onChain) external view;

    /* VIEWS */

    function vault() external view returns (address);
    function owner() external view returns (address);
    function keeper() external view returns (address);

    /// @notice When the keeper was appointed [s].
    function keeperSince() external view returns (uint256);

    /// @notice Where the keeper's shares are locked. See `IKeeperStake`.
    function keeperStake() external view returns (address);

    function guardian() external view returns (address);
    function feeRecipient() external view returns (address);
    function marketsHash() external view returns (bytes32);
    function limits() external view returns (Limits memory);
    function depositGate() external view returns (address);

    /// @notice Accepted NAV above which a settlement fills no deposit: the cap, or what the keeper's stake bounds.
    /// @dev A nearly empty vault whose only requests are the keeper's is bounded by the cap alone.
    /// @param accepted Accepted NAV of that settlement before flows [asset units].
    /// @return [asset units], rounded down.
    function depositCapFor(uint256 accepted) external view returns (uint256);

    /// @notice End of the current or last pause [s]; 0 before the first.
    function pausedUntil() external view returns (uint256);

    function isPaused() external view returns (bool);
}
