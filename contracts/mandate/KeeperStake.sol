// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IKeeperStake} from "../interfaces/IKeeperStake.sol";
import {IMandate} from "../interfaces/IMandate.sol";
import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {Constants} from "../libraries/Constants.sol";

/// @title Shares that the keeper of one vault locks up
/// @notice Accounting: each account's shares lie here as the vault's own; nothing here changes their price but the
/// burning, which leaves the same assets to fewer shares. Shares sent here without a call belong to nobody.
///
/// Trust: nobody decides over a penalty. The vault tells whether a cohort is unpaid, the clock tells how long.
/// Whoever calls gets nothing for it: what is burnt belongs to every share that is left, the caller's in proportion.
/// @dev Invariants V-01, V-29.
contract KeeperStake is IKeeperStake {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @dev Shares that count, shares that wait to leave [share units], and when those may [s].
    struct Position {
        uint128 staked;
        uint128 waiting;
        uint64 leavesAt;
    }

    /// @inheritdoc IKeeperStake
    address public immutable vault;
    /// @inheritdoc IKeeperStake
    address public immutable mandate;

    /// @inheritdoc IKeeperStake
    uint256 public penalisedUntil;

    mapping(address account => Position) private _positions;

    constructor(address vault_) {
        vault = vault_;
        mandate = msg.sender;
    }

    /* ANYONE */

    /// @inheritdoc IKeeperStake
    function stake(uint256 shares) external {
        _stake(msg.sender, shares);
    }

    /// @inheritdoc IKeeperStake
    function stakeFor(address account, uint256 shares) external {
        _stake(account, shares);
    }

    /// @inheritdoc IKeeperStake
    function penalise(uint64 epoch) external {
        _requireTrading();
        IMarketMakingVault vault_ = IMarketMakingVault(vault);
        require(vault_.isUnpaid(epoch), CohortPaid(epoch));
        uint256 dueAt = _lateSince(epoch) + Constants.PENALTY_INTERVAL;
        require(block.timestamp >= dueAt, NotDue(dueAt));

        address keeper = IMandate(mandate).keeper();
        uint256 shares = _takeUp(_positions[keeper]);
        require(shares != 0, ZeroShares());
        penalisedUntil = dueAt;

        emit Penalise(keeper, epoch, shares, dueAt);
        vault_.burnShares(address(this), shares);
    }

    /* STAKERS */

    /// @inheritdoc IKeeperStake
    function requestWithdrawal(uint256 shares) external {
        Position storage position = _positions[msg.sender];
        require(shares != 0, ZeroShares());
        require(shares <= position.staked, StakeTooSmall(shares, position.staked));

        uint256 leavesAt = block.timestamp + Constants.STAKE_WITHDRAWAL_DELAY;
        position.staked -= uint128(shares); // safe: at most staked
        position.waiting += uint128(shares); // safe: as above
        position.leavesAt = uint64(leavesAt); // safe: seconds since 1970

        emit RequestWithdrawal(msg.sender, shares, leavesAt);
    }

    /// @inheritdoc IKeeperStake
    function withdraw() external returns (uint256 shares) {
        Position storage position = _positions[msg.sender];
        shares = position.waiting;
        if (_isWindingDown()) {
            shares += position.staked;
            position.staked = 0;
        } else {
            require(block.timestamp >= position.leavesAt, StillLocked(position.leavesAt));
        }
        require(shares != 0, NothingWaits(msg.sender));
        position.waiting = 0;

        emit Withdraw(msg.sender, shares);
        IERC20(vault).safeTransfer(msg.sender, shares);
    }

    /* VIEWS */

    /// @inheritdoc IKeeperStake
    function stakeOf(address account) external view returns (uint256) {
        return _positions[account].staked;
    }

    /// @inheritdoc IKeeperStake
    function waiting(address account) external view returns (uint256 shares, uint256 leavesAt) {
        Position memory position = _positions[account];
        return (position.waiting, position.leavesAt);
    }

    /* INTERNAL */

    function _stake(address account, uint256 shares) private {
        require(shares != 0, ZeroShares());

        _positions[account].staked += shares.toUint128();

        emit Stake(account, msg.sender, shares);
        IERC20(vault).safeTransferFrom(msg.sender, address(this), shares);
    }

    /// @dev A day is paid for once; those before this keeper was appointed are not its.
    function _lateSince(uint64 epoch) private view returns (uint256) {
        uint256 deadline =
            IMarketMakingVault(vault).cutTimeOf(epoch) + Constants.MAX_SETTLEMENT_DELAY;
        return Math.max(Math.max(deadline, penalisedUntil), IMandate(mandate).keeperSince());
    }

    /// @dev Rounded up, so that any stake pays something.
    function _takeUp(Position storage position) private returns (uint256) {
        uint256 staked = Math.ceilDiv(position.staked * Constants.PENALTY_BPS, Constants.BPS);
        uint256 leaving = Math.ceilDiv(position.waiting * Constants.PENALTY_BPS, Constants.BPS);
        position.staked -= uint128(staked); // safe: a part of it
        position.waiting -= uint128(leaving); // safe: a part of it
        return staked + leaving;
    }

    function _isWindingDown() private view returns (bool) {
        return IMarketMakingVault(vault).state() == IMarketMakingVault.State.WINDDOWN;
    }

    function _requireTrading() private view {
        require(!_isWindingDown(), WindingDown());
    }
}
