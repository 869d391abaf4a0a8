// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IDepositGate} from "../interfaces/IDepositGate.sol";
import {IKeeperStake} from "../interfaces/IKeeperStake.sol";
import {IMandate} from "../interfaces/IMandate.sol";
import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {INavReporter} from "../interfaces/INavReporter.sol";
import {Constants} from "../libraries/Constants.sol";
import {KeeperLosses} from "./KeeperLosses.sol";
import {KeeperStake} from "./KeeperStake.sol";

/// @title The mandate of one vault
/// @notice Trust: the owner chooses keeper, guardian and limits, within hard bounds and, in production, behind a
/// timelock that lets depositors leave first. The guardian can only take risk away: it tightens limits and pauses new
/// deposits and new risk, for a week at a time and with twice as long between. Nobody here can move assets, touch a
/// claim, or keep a redemption from being requested.
///
/// Liveness: a deposit gate that reverts stops new deposits and nothing else.
/// @dev Invariants V-22, V-25.
contract Mandate is KeeperLosses {
    /// @inheritdoc IMandate
    address public immutable owner;
    /// @inheritdoc IMandate
    bytes32 public immutable marketsHash;
    /// @inheritdoc IMandate
    address public immutable keeperStake;

    /// @inheritdoc IMandate
    address public keeper;
    /// @inheritdoc IMandate
    uint256 public keeperSince;
    /// @inheritdoc IMandate
    address public guardian;
    /// @inheritdoc IMandate
    address public feeRecipient;
    /// @inheritdoc IMandate
    address public depositGate;
    /// @inheritdoc IMandate
    uint256 public pausedUntil;

    Limits private _limits;

    modifier onlyOwner() {
        require(msg.sender == owner, NotOwner(msg.sender));
        _;
    }

    modifier onlyGuardian() {
        require(msg.sender == guardian, NotGuardian(msg.sender));
        _;
    }

    constructor(address vault_, Terms memory terms) KeeperLosses(vault_) {
        _requireNonZero(terms.owner);
        _requireNonZero(terms.keeper);
        _requireNonZero(terms.guardian);
        _requireNonZero(terms.feeRecipient);

        owner = terms.owner;
        marketsHash = terms.marketsHash;
        keeperStake = address(new KeeperStake(vault_));
        keeper = terms.keeper;
        keeperSince = block.timestamp;
        guardian = terms.guardian;
        feeRecipient = terms.feeRecipient;

        emit SetKeeper(terms.keeper);
        emit SetGuardian(terms.guardian);
        emit SetFeeRecipient(terms.feeRecipient);
        _setLimits(terms.limits);
    }

    /* OWNER */

    /// @inheritdoc IMandate
    function setKeeper(address newKeeper) external onlyOwner {
        _requireNoReporter(newKeeper);

        keeper = newKeeper;
        keeperSince = block.timestamp;

        emit SetKeeper(newKeeper);
    }

    /// @inheritdoc IMandate
    function setGuardian(address newGuardian) external onlyOwner {
        _requireNoReporter(newGuardian);

        guardian = newGuardian;

        emit SetGuardian(newGuardian);
    }

    /// @inheritdoc IMandate
    function setFeeRecipient(address newFeeRecipient) external onlyOwner {
        _requireNonZero(newFeeRecipient);

        feeRecipient = newFeeRecipient;

        emit SetFeeRecipient(newFeeRecipient);
    }

    /// @inheritdoc IMandate
    function setLimits(Limits calldata newLimits) external onlyOwner {
        _setLimits(newLimits);
    }

    /// @inheritdoc IMandate
    function setDepositGate(address newDepositGate) external onlyOwner {
        depositGate = newDepositGate;

        emit SetDepositGate(newDepositGate);
    }

    /* GUARDIAN */

    /// @inheritdoc IMandate
    function tightenLimits(Limits calldata newLimits) external onlyGuardian {
        Limits memory current = _limits;
        _requireNotAbove(newLimits.depositCap, current.depositCap);
        _requireNotAbove(newLimits.venueCapBps, current.venueCapBps);
        _requireNotBelow(newLimits.minOnChainBps, current.minOnChainBps);
        _requireNotAbove(newLimits.feeBps, current.feeBps);
        _requireNotBelow(newLimits.minStakeBps, current.minStakeBps);

        _setLimits(newLimits);
    }

    /// @inheritdoc IMandate
    function pause(uint256 duration) external onlyGuardian {
        require(duration <= Constants.MAX_PAUSE, PauseTooLong(duration, Constants.MAX_PAUSE));
        uint256 earliest = pausedUntil == 0 ? 0 : pausedUntil + Constants.PAUSE_INTERVAL;
        require(block.timestamp >= earliest, PauseTooSoon(earliest));

        pausedUntil = block.timestamp + duration;

        emit Pause(pausedUntil);
    }

    /// @inheritdoc IMandate
    function unpause() external onlyGuardian {
        require(isPaused(), NotPaused());

        pausedUntil = block.timestamp;

        emit Unpause();
    }

    /* CHECKS */

    /// @inheritdoc IMandate
    function checkDeposit(address owner_, address controller, uint256 assets) external view {
        _requireNotPaused();
        _requireMayStart(controller);
        if (depositGate == address(0)) return;
        require(
            IDepositGate(depositGate).mayDeposit(owner_, controller, assets),
            DepositRefused(depositGate, owner_, controller)
        );
    }

    /// @inheritdoc IMandate
    function checkIncrease() external view {
        _requireNotPaused();
        _requireLossesLeft();
    }

    /// @inheritdoc IMandate
    function checkExposure(uint256 accepted, uint256 attested, uint256 onChain) external view {
        uint256 cap = (accepted * _limits.venueCapBps) / Constants.BPS;
        require(attested <= cap, VenueCapExceeded(attested, cap));

        uint256 least = (accepted * _limits.minOnChainBps) / Constants.BPS;
        require(onChain >= least, OnChainTooLow(onChain, least));
    }

    /* VIEWS */

    /// @inheritdoc IMandate
    /// @dev Invariant V-29. The stake is valued before the flows of the settlement, rounded down.
    function depositCapFor(uint256 accepted) external view returns (uint256) {
        Limits memory current = _limits;
        if (current.minStakeBps == 0 || _isKeepersStart()) return current.depositCap;

        IMarketMakingVault vault_ = IMarketMakingVault(vault);
        uint256 worth = Math.mulDiv(
            IKeeperStake(keeperStake).stakeOf(keeper),
            accepted,
            vault_.totalSupply() + vault_.virtualShares()
        );
        return Math.min(current.depositCap, (worth * Constants.BPS) / current.minStakeBps);
    }

    /// @inheritdoc IMandate
    function limits() external view returns (Limits memory) {
        return _limits;
    }

    /// @inheritdoc IMandate
    function isPaused() public view returns (bool) {
        return block.timestamp < pausedUntil;
    }

    /* INTERNAL */

    function _setLimits(Limits memory newLimits) private {
        _requireWithin(newLimits.venueCapBps, Constants.MAX_VENUE_CAP_BPS);
        _requireWithin(newLimits.minOnChainBps, Constants.BPS);
        _requireWithin(newLimits.feeBps, Constants.MAX_FEE_BPS);
        _requireWithin(newLimits.minStakeBps, Constants.BPS);
        require(
            newLimits.minOnChainBps >= Constants.MIN_ON_CHAIN_BPS,
            LimitTooLoose(newLimits.minOnChainBps, Constants.MIN_ON_CHAIN_BPS)
        );

        _limits = newLimits;

        emit SetLimits(newLimits);
    }

    /// @dev Where a stake is asked for and nobody has shares, the first to ask for some is the keeper.
    function _requireMayStart(address controller) private view {
        bool waits = _limits.minStakeBps != 0 && controller != keeper && _isNearlyEmpty();
        require(!waits, StakeMissing(keeper));
    }

    /// @dev Nobody can stake before there are shares: the keeper's own deposit, and no other, fills without a stake.
    function _isKeepersStart() private view returns (bool) {
        if (!_isNearlyEmpty()) return false;
        IMarketMakingVault vault_ = IMarketMakingVault(vault);
        IMarketMakingVault.Queue memory queue = vault_.depositQueue();
        return vault_.pendingDepositRequest(0, keeper) == queue.total + queue.open;
    }

    function _isNearlyEmpty() private view returns (bool) {
        IMarketMakingVault vault_ = IMarketMakingVault(vault);
        return vault_.totalSupply() <= Constants.NEAR_EMPTY_FACTOR * vault_.virtualShares();
    }

    function _requireWithin(uint256 given, uint256 most) private pure {
        require(given <= most, LimitTooLoose(given, most));
    }

    function _requireNotAbove(uint256 given, uint256 current) private pure {
        require(given <= current, LimitLoosened(given, current));
    }

    function _requireNotBelow(uint256 given, uint256 current) private pure {
        require(given >= current, LimitLoosened(given, current));
    }

    function _requireNonZero(address account) private pure {
        require(account != address(0), ZeroAddress());
    }

    function _requireNotPaused() private view {
        require(!isPaused(), Paused(pausedUntil));
    }

    /// @dev Before the vault is wired nobody reports on it.
    function _requireNoReporter(address account) private view {
        _requireNonZero(account);
        address reporter = IMarketMakingVault(vault).reporter();
        bool conflict = reporter != address(0) && INavReporter(reporter).isReporter(account);
        require(!conflict, RoleConflict(account));
    }
}
