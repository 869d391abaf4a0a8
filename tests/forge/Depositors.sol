// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Constants} from "../../contracts/libraries/Constants.sol";
import {Laws} from "./Laws.sol";
import {VM} from "./Vm.sol";

/// @title What depositors do, the keeper with its stake among them, and what becomes of it after the end
/// @notice All amounts come from one random number; whoever drives this sets it.
abstract contract Depositors is Laws {
    uint256 internal random;

    /* DEPOSITORS */

    function _deposit() internal {
        if (ended()) return _finish();
        if (nearlyNone(vault.totalSupply())) return _startAnew();
        uint256 owner = _below(USERS);
        uint256 most = unit * [uint256(2), 1_000, 100_000, 1_000_000][_below(4)];
        _request(owner, _chance(3) ? _below(USERS) : owner, unit + _below(most));
    }

    /// @dev V-29: without shares and with a stake asked for, the keeper's own deposit is the first, and fills alone.
    function _startAnew() private {
        address stranger = user(4);
        VM.prank(stranger);
        try vault.requestDeposit(unit, stranger, stranger) {
            revert("V-29: the keeper starts");
        } catch {
            counts.starts += 1;
        }
        if (isCut()) return;
        for (uint256 i = 1; i < USERS; ++i) {
            if (vault.pendingDepositRequest(0, user(i)) != 0) _takeBack(i);
        }
        if (vault.pendingDepositRequest(0, KEEPER) == 0) _request(0, 0, 100_000 * unit);
    }

    function _request(uint256 owner, uint256 controller, uint256 assets) internal {
        _fund(user(owner), assets);
        VM.prank(user(owner));
        vault.requestDeposit(assets, user(controller), user(owner));
        deposits[controller].requested += assets;
        deposits[controller].open += assets;
    }

    function _redeem() internal {
        uint256 owner = _below(USERS);
        uint256 held = vault.balanceOf(user(owner));
        if (held == 0) return;
        if (ended()) return _exit(owner);
        uint256 part = held / [1, 1, 2, 10][_below(4)];
        _giveBack(owner, _chance(3) ? _below(USERS) : owner, part < share ? held : part);
    }

    function _giveBack(uint256 owner, uint256 controller, uint256 shares) internal {
        VM.prank(user(owner));
        vault.requestRedeem(shares, user(controller), user(owner));
        redeems[controller].requested += shares;
        redeems[controller].open += shares;
    }

    function _leaveTogether() internal {
        _unstake();
        for (uint256 i; i < USERS; ++i) {
            _claimFee(i);
            _claimDeposit(i, true);
            uint256 held = vault.balanceOf(user(i));
            if (held != 0) _giveBack(i, i, held);
        }
    }

    function _cancelDeposit() internal {
        uint256 who = _below(USERS);
        if (vault.pendingDepositRequest(0, user(who)) != 0) _takeBack(who);
        if (_chance(2)) _fetch(who);
    }

    function _takeBack(uint256 who) private {
        bool live = isCut();
        VM.prank(user(who));
        try vault.cancelDepositRequest(0, user(who)) returns (uint256 assets) {
            require(!live || assets == deposits[who].open, "V-11: what is cut was taken back");
            deposits[who].cancelled += assets;
            deposits[who].open = 0;
            counts.cancels += 1;
        } catch {
            require(isCut(), "V-11: nothing but a live cut keeps a request");
        }
    }

    function _cancelRedeem() internal {
        uint256 who = _below(USERS);
        if (vault.pendingRedeemRequest(0, user(who)) == 0) return;
        bool live = isCut();
        VM.prank(user(who));
        try vault.cancelRedeemRequest(0, user(who)) returns (uint256 shares) {
            require(!live || shares == redeems[who].open, "V-11: what is cut was taken back");
            redeems[who].cancelled += shares;
            redeems[who].open = 0;
            counts.cancels += 1;
        } catch {
            require(isCut(), "V-11: nothing but a live cut keeps a request");
        }
        if (_chance(2)) _fetch(who);
    }

    function _fetch(uint256 who) private {
        VM.prank(user(who));
        vault.claimCancelDepositRequest(0, user(who), user(who));
        VM.prank(user(who));
        vault.claimCancelRedeemRequest(0, user(who), user(who));
    }

    function _claimSomebody(bool deposit) internal returns (bool) {
        uint256 first = _below(USERS);
        for (uint256 i; i < USERS; ++i) {
            uint256 who = (first + i) % USERS;
            address account = user(who);
            if ((deposit ? vault.maxDeposit(account) : vault.maxRedeem(account)) == 0) continue;
            if (deposit) _claimDeposit(who, _chance(2));
            else _claimRedeem(who, _chance(2));
            return true;
        }
        return false;
    }

    function _claimDeposit(uint256 who, bool all) internal {
        address account = user(who);
        uint256 most = vault.maxDeposit(account);
        if (most == 0) return;
        uint256 held = vault.balanceOf(account);
        uint256 used = most;
        uint256 part = vault.maxMint(account) / 3;
        VM.prank(account);
        if (all) vault.deposit(most, account, account);
        else used = vault.mint(part, account, account);
        deposits[who].claimedIn += used;
        deposits[who].claimedOut += vault.balanceOf(account) - held;
        if (who == 0 && stake.stakeOf(KEEPER) == 0) _lockUp((vault.balanceOf(KEEPER) * 3) / 5);
    }

    function _claimRedeem(uint256 who, bool all) private {
        address account = user(who);
        uint256 most = vault.maxRedeem(account);
        if (most == 0) return;
        uint256 held = token.balanceOf(account);
        uint256 used = most;
        uint256 part = vault.maxWithdraw(account) / 3;
        VM.prank(account);
        if (all) vault.redeem(most, account, account);
        else used = vault.withdraw(part, account, account);
        redeems[who].claimedIn += used;
        redeems[who].claimedOut += token.balanceOf(account) - held;
    }

    function _transfer() internal {
        address giver = user(_below(USERS));
        uint256 held = vault.balanceOf(giver);
        VM.prank(giver);
        vault.transfer(user(_below(USERS)), held == 0 ? 0 : _below(held) + 1);
    }

    /* STAKE AND FEE */

    function _lockUp(uint256 shares) private {
        if (shares == 0) return;
        VM.prank(KEEPER);
        vault.approve(address(stake), shares);
        VM.prank(KEEPER);
        stake.stake(shares);
    }

    function _moveStake() internal {
        uint256 staked = stake.stakeOf(KEEPER);
        if (_chance(2) || staked == 0) return _lockUp(vault.balanceOf(KEEPER) / 2);
        VM.prank(KEEPER);
        stake.requestWithdrawal(1 + _below(staked / 4 + 1) % staked);
    }

    /// @dev All of it, a week later.
    function _unstake() private {
        uint256 staked = stake.stakeOf(KEEPER);
        if (staked != 0) {
            VM.prank(KEEPER);
            stake.requestWithdrawal(staked);
        }
        (uint256 waiting, uint256 leavesAt) = stake.waiting(KEEPER);
        if (waiting == 0) return;
        if (now_ < leavesAt) now_ = leavesAt;
        VM.warp(now_);
        VM.prank(KEEPER);
        stake.withdraw();
    }

    /// @dev V-29: nothing is burnt but for a cut that is unpaid a full day past the three.
    function _penalise() internal {
        uint64 epoch = vault.cut().epoch;
        if (vault.isUnpaid(epoch) && _chance(2)) now_ += 2 days;
        VM.warp(now_);
        uint256 staked = stake.stakeOf(KEEPER);
        (uint256 waiting,) = stake.waiting(KEEPER);
        uint256 supply = vault.totalSupply();
        uint256 penalisedUntil = stake.penalisedUntil();
        try stake.penalise(epoch) {
            uint256 dueAt = vault.cutTimeOf(epoch) + Constants.MAX_SETTLEMENT_DELAY + 1 days;
            require(vault.isUnpaid(epoch) && now_ >= dueAt && !ended(), "V-29: not late");
            require(now_ >= penalisedUntil + 1 days, "V-29: twice");
            _v29Burnt(staked, waiting, supply);
            counts.penalties += 1;
        } catch {
            require(vault.totalSupply() == supply, "V-29: refused and burnt");
        }
    }

    function _claimFee(uint256 who) internal {
        if (nav.feeOf(user(who)) != 0) nav.claimFee(user(who));
    }

    /* AFTER THE END */

    function _finish() private {
        end.collect(address(vault), address(token));
        if (_chance(2)) end.unwind(address(pool));
        end.collect(address(pool), address(token));
        end.collect(address(clob), address(token));
        _leaveStake();
        uint256 who = _below(USERS);
        if (end.units(user(who)) != 0) _windClaim(who);
    }

    function _exit(uint256 who) private {
        uint256 held = vault.balanceOf(user(who));
        VM.prank(user(who));
        end.exit(1 + _below(held));
        _windClaim(who);
    }

    function _windClaim(uint256 who) private {
        VM.prank(user(who));
        paidAtEnd += end.claim(address(token));
        counts.exits += 1;
        _v27(who);
    }

    /// @dev In wind-down a stake leaves at once.
    function _leaveStake() private {
        if (vault.balanceOf(address(stake)) == 0) return;
        VM.prank(KEEPER);
        stake.withdraw();
    }

    /* RANDOMNESS */

    function _below(uint256 bound) internal returns (uint256) {
        random = uint256(keccak256(abi.encode(random)));
        return random % bound;
    }

    function _chance(uint256 oneIn) internal returns (bool) {
        return _below(oneIn) == 0;
    }

    function _least(uint256 x, uint256 y) internal pure returns (uint256) {
        return x < y ? x : y;
    }

    function _left(uint256 from, uint256 taken) internal pure returns (uint256) {
        return from > taken ? from - taken : 0;
    }
}
