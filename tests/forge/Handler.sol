// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {INavReporter} from "../../contracts/interfaces/INavReporter.sol";
import {IMarketMakingVault} from "../../contracts/interfaces/IMarketMakingVault.sol";
import {Constants} from "../../contracts/libraries/Constants.sol";
import {MockAdapter} from "../../contracts/mocks/MockAdapter.sol";
import {Depositors} from "./Depositors.sol";
import {VM} from "./Vm.sol";

/// @title A seeded generator of everything that can happen to a vault
/// @notice One entry, `step`: its argument decides what happens and with which amounts. Fills, partial fills, holds,
/// lapses, carried requests and cancels are made common, and counted; what the venue holds is known to the unit.
contract Handler is Depositors {
    uint256 private constant WEIGHTS = 192;

    constructor(uint8 decimals) {
        now_ = 1_800_000_000;
        VM.warp(now_); // first: in one test, sequences follow one another
        _deploy(decimals, 3, 2);
        clob = _mock(VENUE);
        pool = _mock(address(0));
        address[] memory legs = new address[](2);
        (legs[0], legs[1]) = (address(clob), address(pool));
        vault.wire(address(nav), legs);
        _open();
    }

    /// @notice Takes one step and checks what belongs to steps. `seed` is all the randomness there is.
    function step(uint256 seed) external {
        VM.warp(now_);
        random = seed;
        counts.steps += 1;
        uint256 at = _below(WEIGHTS);
        Claims memory before = _claims();
        bool mayFall = _act(at);
        _v10(before, mayFall);
    }

    /// @dev The keeper with a stake, and two depositors: without shares most steps would be idle.
    function _open() private {
        _request(0, 0, 100_000 * unit);
        _settleAll();
        _request(1, 1, 200_000 * unit);
        _request(2, 2, 300_000 * unit);
        _settleAll();
    }

    function _settleAll() private {
        _closeEpoch();
        _submit(0, 0);
        for (uint256 i; i < USERS; ++i) {
            _claimDeposit(i, true);
        }
    }

    /// @return mayFall Whether this step may lower what somebody can claim.
    function _act(uint256 at) private returns (bool mayFall) {
        if (at < 10) _deposit();
        else if (at < 24) _redeem();
        else if (at < 28) _cancelDeposit();
        else if (at < 32) _cancelRedeem();
        else if (at < 46) return _claimSomebody(true);
        else if (at < 56) return _claimSomebody(false);
        else if (at < 59) _transfer();
        else if (at < 62) _donate();
        else if (at < 76) _allocate(true);
        else if (at < 88) _allocate(false);
        else if (at < 91) _deallocate();
        else if (at < 96) _wireHome();
        else if (at < 105) _arrive();
        else if (at < 109) _movePool();
        else if (at < 131) _cut();
        else if (at < 157) _report();
        else if (at < 162) _lapse();
        else if (at < 166) _object();
        else if (at < 170) _moveStake();
        else if (at < 174) _penalise();
        else if (at < 177) _claimFee(_below(USERS));
        else if (at < 181) _veto();
        else if (at < 185) return _everybodyLeaves();
        else if (at < 188) _strand();
        else _windDown();
    }

    /* STRANGERS, VENUE, KEEPER */

    function _donate() private {
        uint256 amount = 1 + _below(1_000 * unit);
        address[3] memory targets = [address(vault), vault.silo(), address(end)];
        token.mint(targets[_below(3)], amount);
    }

    function _allocate(bool toVenue) private {
        if (vault.state() != IMarketMakingVault.State.OPEN) return _report();
        uint256 idle = vault.idle();
        uint256 owed = owedToLeavers();
        if (idle <= owed) return;
        if (now_ < mandate.refilledAt()) return _refusedAsSpent();
        uint256 room = idle - owed;
        if (_chance(4)) _refusedAsOwed(room);
        if (toVenue) {
            uint256 accepted = vault.acceptedNav();
            room = _least(room, _left(accepted / 2, nav.attestedValue()));
            room = _least(room, _left(idle + poolBid(), (accepted * 3) / 10));
        }
        if (room == 0) return;
        uint256 amount = _chance(2) ? room : 1 + _below(room);
        _put(toVenue ? clob : pool, amount);
        if (toVenue) venue.out += amount;
    }

    function _put(MockAdapter leg, uint256 amount) private {
        VM.prank(KEEPER);
        vault.allocate(address(leg), amount);
        require(vault.idle() >= owedToLeavers(), "V-28");
        counts.allocations += 1;
    }

    /// @dev V-28: one unit of what leavers are owed stays, whoever asks for it.
    function _refusedAsOwed(uint256 room) private {
        VM.prank(KEEPER);
        try vault.allocate(address(pool), room + 1) {
            revert("V-28: owed");
        } catch {}
    }

    /// @dev V-24: what the keeper has lost lately stops new risk.
    function _refusedAsSpent() private {
        VM.prank(KEEPER);
        try vault.allocate(address(pool), 1) {
            revert("V-24: spent");
        } catch {
            counts.spent += 1;
        }
    }

    function _deallocate() private {
        uint256 held = token.balanceOf(address(pool));
        if (held != 0) _bringHome(1 + _below(held));
    }

    function _bringHome(uint256 assets) private {
        VM.prank(KEEPER);
        vault.deallocate(address(pool), assets);
    }

    function _wireHome() private {
        if (venue.equity > 0) _wire(1 + _below(uint256(venue.equity)));
    }

    function _wire(uint256 amount) private {
        venue.equity -= int256(amount);
        venue.debited += amount;
        venue.home += amount;
    }

    function _arrive() private {
        venue.credited += venue.out;
        venue.equity += int256(venue.out);
        token.mint(address(clob), venue.home);
        (venue.out, venue.home) = (0, 0);
        if (_chance(2)) clob.sync();
    }

    function _movePool() private {
        if (isCut()) return _report();
        (uint256 bid,) = pool.value();
        bid = bid + (bid * _below(100)) / 10_000 - (bid * _below(100)) / 10_000;
        pool.setValue(bid, bid + (bid * [uint256(0), 0, 20, 500][_below(4)]) / 10_000);
    }

    /// @dev A redemption that finds nothing idle, and days in which nobody brings anything home.
    function _strand() private {
        if (ended() || isCut()) return;
        uint256 room = _left(vault.idle(), owedToLeavers());
        if (room != 0 && now_ >= mandate.refilledAt()) _put(pool, room);
        uint256 who = _below(USERS);
        uint256 held = vault.balanceOf(user(who));
        if (held != 0) _giveBack(who, who, held);
        _closeEpoch();
        _submit(0, 0);
        now_ += Constants.MAX_SETTLEMENT_DELAY + 1 days;
        _penalise();
    }

    /// @dev With everything brought home before, so that the next settlement may pay the whole supply.
    function _everybodyLeaves() private returns (bool) {
        if (ended() || isCut()) return false;
        if (venue.equity > 0) _wire(uint256(venue.equity));
        _arrive();
        clob.sync();
        uint256 held = token.balanceOf(address(pool));
        if (held != 0) _bringHome(held);
        pool.setValue(0, 0);
        _leaveTogether();
        _closeEpoch();
        if (_chance(2)) _submit(0, 0);
        return true;
    }

    /* CUT AND REPORT */

    /// @dev Somebody who sees the price coming would take a request back.
    function _cut() private {
        _closeEpoch();
        if (_chance(2)) _cancelDeposit();
        if (_chance(2)) _cancelRedeem();
    }

    function _closeEpoch() private {
        if (vault.state() != IMarketMakingVault.State.OPEN) return _report();
        uint256 earliest = vault.nextCutTime();
        if (now_ < earliest) now_ = earliest + [uint256(0), 0, 3_600, 2 days][_below(4)];
        VM.warp(now_);
        vault.closeEpoch();
        require(vault.cut().idle == vault.idle(), "V-04: cut");
        atCut = venue;
        for (uint256 i; i < USERS; ++i) {
            (deposits[i].open, redeems[i].open) = (0, 0);
        }
        counts.cuts += 1;
    }

    function _report() private {
        if (!isCut()) return;
        int256 most = int256(vault.acceptedNav());
        int256 scale = int256([uint256(0), 10, 10, 50, 300, 600][_below(6)]);
        int256 bps = int256(_below(uint256(2 * scale) + 1)) - scale;
        int256 earned = (most * bps) / 10_000;
        _submit(earned, earned > 0 && _chance(4) ? uint256(earned) / 2 : 0);
        if (_chance(4)) _veto();
    }

    /// @param gift Part of `earned` that a stranger gave.
    function _submit(int256 earned, uint256 gift) private {
        INavReporter.Report memory report = _honest(earned);
        report.externalFlow = int256(gift);
        report.pnl[0] -= int256(gift);
        if (_wouldEnd(owned() + earned)) return;
        Before memory before = _before();
        INavReporter.Outcome memory outcome = nav.submitReport(report, _sign(report));
        venue.equity += earned;
        _v02(before, outcome, earned);
        _v24(before.bounds, outcome.gross);
        _earn(outcome.gross, gift);
        if (outcome.hold == INavReporter.Hold.NONE) _settled(before, outcome);
        else _held(before, outcome);
    }

    /// @dev A report that nothing is left ends the vault; nearly without shares nobody is harmed by it.
    function _wouldEnd(int256 gross) private view returns (bool) {
        return gross < 0 || (gross == 0 && !nearlyNone(vault.totalSupply()));
    }

    function _honest(int256 earned) private view returns (INavReporter.Report memory report) {
        report = _emptyReport(1);
        INavReporter.Leg[] memory last = nav.lastLegs();
        INavReporter.Leg memory leg = report.legs[0];
        leg.equity = atCut.equity + earned;
        leg.credited = uint128(atCut.credited);
        leg.debited = uint128(atCut.debited);
        leg.venueHeight = uint64(counts.cuts + 1);
        report.pnl[0] = leg.equity - int256(uint256(leg.credited)) + int256(uint256(leg.debited));
        if (last.length == 0) return report;
        report.pnl[0] -= last[0].equity - int256(uint256(last[0].credited))
        + int256(uint256(last[0].debited));
    }

    function _lapse() private {
        if (!isCut()) return;
        now_ = vault.cut().time + Constants.REPORT_WINDOW + 1;
        VM.warp(now_);
        INavReporter.Report memory report = _honest(0);
        try nav.submitReport(report, _sign(report)) {
            revert("V-20: a lapsed cut settles nothing");
        } catch {
            counts.lapses += 1;
        }
    }

    function _object() private {
        if (!isCut() || now_ < nav.nextObjectionAt(GUARDIAN)) return;
        uint256 supply = vault.totalSupply();
        VM.prank(GUARDIAN);
        nav.object();
        require(!isCut() && vault.totalSupply() == supply, "V-20");
        counts.objections += 1;
    }

    function _veto() private {
        uint256 waits = nav.gate().slotAmount;
        address reporter = user(2); // the guardian spends its own on objections
        if (waits == 0 || now_ < nav.nextObjectionAt(reporter)) return;
        VM.prank(reporter);
        nav.vetoSlot();
        require(nav.gate().slotAmount == 0, "V-17: veto");
        counts.vetoes += 1;
    }

    /* THE END */

    /// @dev Late in a run only: nothing else happens afterwards.
    function _windDown() private {
        if (ended() || counts.steps < END_AFTER) return;
        VM.prank(GUARDIAN);
        end.startImpaired();
        counts.ends += 1;
    }
}
