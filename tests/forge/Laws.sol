// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {INavReporter} from "../../contracts/interfaces/INavReporter.sol";
import {IMarketMakingVault} from "../../contracts/interfaces/IMarketMakingVault.sol";
import {MockAdapter} from "../../contracts/mocks/MockAdapter.sol";
import {Charges} from "./Charges.sol";
import {VM} from "./Vm.sol";

/// @title The laws of docs/invariants.md over what a vault shows and what really happened to it
/// @notice Totals that no contract keeps are kept here, by whoever drives the vault. A broken law reverts with its id.
abstract contract Laws is Charges {
    uint256 public constant USERS = 5;
    uint256 public constant END_AFTER = 200; // steps before a vault may end

    /// @notice Totals of one controller on one side.
    struct Ghost {
        uint256 requested;
        uint256 open; // requested since the last cut
        uint256 cancelled;
        uint256 claimedIn;
        uint256 claimedOut;
    }

    /// @notice What the venue knows, and what is on its way there and back.
    struct Venue {
        int256 equity;
        uint256 credited;
        uint256 debited;
        uint256 out;
        uint256 home;
    }

    /// @notice How often what happened.
    struct Counts {
        uint256 steps;
        uint256 cuts;
        uint256 fills;
        uint256 partials;
        uint256 carried;
        uint256 gated;
        uint256 losses;
        uint256 holds;
        uint256 lapses;
        uint256 objections;
        uint256 cancels;
        uint256 allocations;
        uint256 wholeExits;
        uint256 fees;
        uint256 spent;
        uint256 penalties;
        uint256 starts;
        uint256 vetoes;
        uint256 ends;
        uint256 exits;
    }

    struct Claims {
        uint256[5] depositIn;
        uint256[5] depositOut;
        uint256[5] redeemIn;
        uint256[5] redeemOut;
        uint256 cuts;
        uint256 settledAt;
    }

    struct Before {
        Bounds bounds;
        uint256[5] depositing;
        uint256[5] leaving;
        uint256 depositTotal;
        uint256 redeemTotal;
    }

    MockAdapter public clob;
    MockAdapter public pool;
    Ghost[5] public deposits;
    Ghost[5] public redeems;
    Counts internal counts;
    Venue internal venue;
    Venue internal atCut;
    uint256 internal paidAtEnd;
    uint256 internal now_;
    uint256 private _sharesSetAside;
    uint256 private _assetsSetAside;

    /* LAWS AFTER EVERY STEP */

    /// @notice V-01: balances, the silo's shares, fees and the stake are the supply; the stake is its accounts.
    function v01() public view {
        uint256 staked = vault.balanceOf(address(stake));
        uint256 held = vault.balanceOf(vault.silo()) + vault.balanceOf(address(nav)) + staked;
        for (uint256 i; i < USERS; ++i) {
            held += vault.balanceOf(user(i));
        }
        require(held == vault.totalSupply(), "V-01");
        (uint256 waiting,) = stake.waiting(KEEPER);
        require(stake.stakeOf(KEEPER) + waiting == staked, "V-01: stake");
    }

    /// @notice V-03: the silo covers what is pending, claimable and cancelled.
    function v03() public view {
        uint256 assets;
        uint256 shares;
        for (uint256 i; i < USERS; ++i) {
            address who = user(i);
            assets += vault.pendingDepositRequest(0, who) + vault.maxWithdraw(who)
            + vault.claimableCancelDepositRequest(0, who);
            shares += vault.pendingRedeemRequest(0, who) + vault.maxMint(who)
            + vault.claimableCancelRedeemRequest(0, who);
        }
        require(token.balanceOf(vault.silo()) >= assets, "V-03: assets");
        require(vault.balanceOf(vault.silo()) >= shares, "V-03: shares");
    }

    /// @notice V-04: the booked idle assets are there, whatever strangers send; a cut knows no others.
    function v04() public view {
        require(token.balanceOf(address(vault)) >= vault.idle(), "V-04");
    }

    /// @notice V-05: all claims together never exceed what settlements set aside.
    function v05() public view {
        uint256 shares;
        uint256 assets;
        for (uint256 i; i < USERS; ++i) {
            shares += deposits[i].claimedOut + vault.maxMint(user(i));
            assets += redeems[i].claimedOut + vault.maxWithdraw(user(i));
        }
        require(shares <= _sharesSetAside, "V-05: shares");
        require(assets <= _assetsSetAside, "V-05: assets");
    }

    /// @notice V-09: pending, claimable, claimed and cancelled are what was requested.
    function v09() public view {
        for (uint256 i; i < USERS; ++i) {
            address who = user(i);
            Ghost memory one = deposits[i];
            uint256 all = vault.pendingDepositRequest(0, who) + vault.maxDeposit(who);
            require(all + one.claimedIn + one.cancelled == one.requested, "V-09: deposits");
            one = redeems[i];
            all = vault.pendingRedeemRequest(0, who) + vault.maxRedeem(who);
            require(all + one.claimedIn + one.cancelled == one.requested, "V-09: redemptions");
        }
    }

    /// @notice V-14: the queues hold every pending request, and rounding alone besides.
    function v14() public view {
        uint256 assets;
        uint256 shares;
        for (uint256 i; i < USERS; ++i) {
            assets += vault.pendingDepositRequest(0, user(i));
            shares += vault.pendingRedeemRequest(0, user(i));
        }
        uint256 dust = 2 * USERS * (1 + counts.fills + counts.cancels);
        _nearlyEqual(vault.depositQueue(), assets, dust, "V-14: deposits");
        _nearlyEqual(vault.redeemQueue(), shares, dust, "V-14: redemptions");
    }

    /// @notice V-19: NAV knows of every transfer, so what is owned is what is booked and what the venue has.
    function v19() public view {
        require(clob.sent() == venue.credited + venue.out, "V-19: out");
        if (ended()) return;
        uint256 arrived = token.balanceOf(address(clob)) + clob.returned();
        require(venue.debited == venue.home + arrived, "V-19: home");
    }

    /* LAWS OF SINGLE STEPS */

    /// @dev V-02: gross is what is owned, signs kept, and accepted is no more.
    function _v02(Before memory before, INavReporter.Outcome memory outcome, int256 earned)
        internal
        view
    {
        int256 gross = int256(vault.cut().idle + vault.cut().legBid + atCut.out + atCut.home)
            + atCut.equity + earned;
        require(int256(outcome.gross) == gross, "V-02: gross");
        require(outcome.accepted <= outcome.gross, "V-02: accepted");
        require(vault.acceptedNav() <= outcome.gross + outcome.fill.depositAssets, "V-02: after");
        bool loss = outcome.gross < before.bounds.accepted;
        if (loss) require(outcome.accepted <= before.bounds.accepted, "V-02: loss");
    }

    /// @dev V-06, V-12, V-18 at a settlement.
    function _settled(Before memory before, INavReporter.Outcome memory outcome) internal {
        IMarketMakingVault.Fill memory fill = outcome.fill;
        _v21(before.bounds, fill);
        _v29(before.bounds, outcome);
        _sharesSetAside += fill.depositShares;
        _assetsSetAside += fill.redeemAssets;
        _count(before, outcome);

        _prices(before.bounds, outcome);
        for (uint256 i; i < USERS; ++i) {
            uint256 left = vault.pendingDepositRequest(0, user(i)) - deposits[i].open;
            _sameRatio(before.depositing[i], left, fill.depositAssets, before.depositTotal);
            left = vault.pendingRedeemRequest(0, user(i)) - redeems[i].open;
            _sameRatio(before.leaving[i], left, fill.redeemShares, before.redeemTotal);
        }
    }

    /// @dev V-06: no price falls but by a loss or the fee. V-18: leavers get no unaccepted gain, newcomers pay for it.
    function _prices(Bounds memory before, INavReporter.Outcome memory outcome) private view {
        IMarketMakingVault.Fill memory fill = outcome.fill;
        uint256 shares = before.supply + vault.virtualShares() + fill.feeShares;
        uint256 sharesAfter = fill.supplyAfter + vault.virtualShares();
        require((fill.acceptedAfter + 1) * shares >= (fill.accepted + 1) * sharesAfter, "V-06");
        if (outcome.gross >= before.accepted) {
            require(fill.accepted >= before.accepted, "V-06: no loss");
        }

        require(fill.accepted == outcome.accepted || fill.wholeExit, "V-18: leavers");
        require(
            fill.redeemAssets * shares <= fill.redeemShares * fill.accepted + shares, "V-18: paid"
        );
        uint256 left = shares - fill.redeemShares;
        uint256 worth = outcome.grossAsk - fill.redeemAssets + 1;
        require(fill.depositShares * worth <= fill.depositAssets * left, "V-18: newcomers");
        require((fill.depositShares + 1) * worth > fill.depositAssets * left, "V-18: too few");
    }

    /// @dev V-20: a held cut settles nothing and publishes no gain.
    function _held(Before memory before, INavReporter.Outcome memory outcome) internal {
        require(vault.totalSupply() == before.bounds.supply, "V-20: supply");
        require(vault.acceptedNav() <= before.bounds.accepted, "V-20: gain");
        require(vault.redeemQueue().total == before.redeemTotal, "V-20: queue");
        require(!isCut() && outcome.hold != INavReporter.Hold.NONE, "V-20: state");
        counts.holds += 1;
    }

    /// @dev V-10: what can be claimed grows by settlements and shrinks by claims alone.
    function _v10(Claims memory before, bool mayFall) internal view {
        Claims memory current = _claims();
        bool settled = current.settledAt != before.settledAt || current.cuts != before.cuts;
        for (uint256 i; i < USERS; ++i) {
            _grewOnly(before.depositIn[i], current.depositIn[i], mayFall, settled);
            _grewOnly(before.depositOut[i], current.depositOut[i], mayFall, settled);
            _grewOnly(before.redeemIn[i], current.redeemIn[i], mayFall, settled);
            _grewOnly(before.redeemOut[i], current.redeemOut[i], mayFall, settled);
        }
    }

    /// @dev V-27: everybody is paid the same part of what was recovered.
    function _v27(uint256 who) internal view {
        uint256 recovered = end.recovered(address(token));
        uint256 due = (recovered * end.units(user(who))) / end.supplyAtStart();
        require(end.paid(user(who), address(token)) == due, "V-27");
        require(paidAtEnd <= recovered, "V-27: sum");
    }

    /* WHAT IS */

    function counted() external view returns (Counts memory) {
        return counts;
    }

    /// @dev Who may come to hold shares: the keeper, the fee's recipient, two who sign, and a depositor.
    function user(uint256 index) public pure returns (address) {
        if (index == 0) return KEEPER;
        if (index == 1) return TREASURY;
        return index == 4 ? address(0xB004) : VM.addr(FIRST_KEY + index - 2);
    }

    function ended() public view returns (bool) {
        return vault.state() == IMarketMakingVault.State.WINDDOWN;
    }

    function isCut() public view returns (bool) {
        return vault.state() == IMarketMakingVault.State.CUT;
    }

    function poolBid() public view returns (uint256 bid) {
        (bid,) = pool.value();
    }

    /// @dev At the cut [asset units].
    function owned() internal view returns (int256) {
        IMarketMakingVault.Cut memory cut = vault.cut();
        return int256(cut.idle + cut.legBid + atCut.out + atCut.home) + atCut.equity;
    }

    function owedToLeavers() internal view returns (uint256) {
        IMarketMakingVault.Queue memory queue = vault.redeemQueue();
        uint256 shares = vault.totalSupply() + vault.virtualShares();
        return ((queue.total + queue.open) * vault.acceptedNav() + shares - 1) / shares;
    }

    function _claims() internal view returns (Claims memory all) {
        for (uint256 i; i < USERS; ++i) {
            all.depositIn[i] = vault.maxDeposit(user(i));
            all.depositOut[i] = vault.maxMint(user(i));
            all.redeemIn[i] = vault.maxRedeem(user(i));
            all.redeemOut[i] = vault.maxWithdraw(user(i));
        }
        all.settledAt = vault.lastSettledAt() + counts.fills;
        all.cuts = counts.cuts;
    }

    function _before() internal view returns (Before memory before) {
        before.bounds = _bounds();
        before.depositTotal = vault.depositQueue().total;
        before.redeemTotal = vault.redeemQueue().total;
        for (uint256 i; i < USERS; ++i) {
            before.depositing[i] = vault.pendingDepositRequest(0, user(i)) - deposits[i].open;
            before.leaving[i] = vault.pendingRedeemRequest(0, user(i)) - redeems[i].open;
        }
    }

    /* INTERNAL: COMPARING */

    /// @dev V-12: one settlement fills everybody by the same ratio, within 2 units.
    function _sameRatio(uint256 was, uint256 left, uint256 filled, uint256 total) private pure {
        uint256 exact = total == 0 ? 0 : (was * filled) / total;
        uint256 part = was - left;
        require(part <= exact + 2 && exact <= part + 2, "V-12");
    }

    function _grewOnly(uint256 before, uint256 current, bool mayFall, bool settled) private pure {
        if (mayFall) return;
        require(settled ? current >= before : current == before, "V-10");
    }

    function _nearlyEqual(
        IMarketMakingVault.Queue memory queue,
        uint256 pending,
        uint256 dust,
        string memory law
    ) private pure {
        uint256 queued = queue.total + queue.open;
        require(queued >= pending && queued - pending <= dust, law);
    }

    function _count(Before memory before, INavReporter.Outcome memory outcome) private {
        IMarketMakingVault.Fill memory fill = outcome.fill;
        if (fill.depositAssets + fill.redeemShares != 0) counts.fills += 1;
        if (fill.redeemShares != 0 && fill.redeemShares < before.redeemTotal) counts.partials += 1;
        if (before.depositTotal != 0 && fill.depositAssets == 0) counts.carried += 1;
        if (outcome.accepted < outcome.gross) counts.gated += 1;
        if (outcome.gross < before.bounds.accepted) counts.losses += 1;
        if (fill.wholeExit) counts.wholeExits += 1;
        if (fill.feeShares != 0) counts.fees += 1;
    }
}
