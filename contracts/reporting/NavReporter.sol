// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {TransientSlot} from "@openzeppelin/contracts/utils/TransientSlot.sol";

import {IAdapter} from "../interfaces/IAdapter.sol";
import {ILegs} from "../interfaces/ILegs.sol";
import {IMandate} from "../interfaces/IMandate.sol";
import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {INavReporter} from "../interfaces/INavReporter.sol";
import {IWindDown} from "../interfaces/IWindDown.sol";
import {Constants} from "../libraries/Constants.sol";
import {GainGate} from "./GainGate.sol";
import {PerformanceFee} from "./PerformanceFee.sol";
import {ReporterSet} from "./ReporterSet.sol";

/// @title NAV reports of one vault
/// @notice Accounting: a leg is worth its attested equity plus what the vault sent and the venue has not credited,
/// minus what came back and the venue had not debited; a transfer in flight therefore changes no NAV. The change in
/// equity, net of transfers, must be the sum of its named causes.
///
/// Trust: fewer than `quorum` reporters can do nothing. A colluding quorum can misstate the attested legs; the gate
/// bounds what a false gain is worth, and the rest of NAV is measured on-chain at the cut. The relayer is nobody.
/// @dev Invariants V-02, V-11, V-16, V-17, V-19, V-20, V-21, V-24.
contract NavReporter is PerformanceFee, ReentrancyGuardTransient {
    using GainGate for INavReporter.Gate;
    using GainGate for GainGate.History;
    using SafeCast for uint256;
    using TransientSlot for *; // inherited already; slither keeps one parent's "for *" only, EIP712's

    /// @inheritdoc INavReporter
    bytes32 public lastReportHash;

    Leg[] private _lastLegs;
    Gate private _gate;
    GainGate.History private _history;

    /// @dev What is known before the gate: sums over the legs [asset units].
    struct LegSums {
        int256 venue;
        int256 change;
        uint256 stale;
    }

    /// @dev An outcome on its way, with what to store and whether the price history starts anew.
    struct Assessment {
        Outcome outcome;
        Gate gate;
        uint256 exempt;
        bool reset;
    }

    constructor(address vault_, address[] memory initialReporters, uint256 initialQuorum)
        ReporterSet(vault_, initialReporters, initialQuorum)
    {
        _gate = GainGate.fresh(0);
    }

    /* ANYONE */

    /// @inheritdoc INavReporter
    /// @dev A cut settles once: the vault refuses a second report of the same cut. The one call before the last
    /// write goes to the vault, whose settlement calls the silo and the asset alone.
    // slither-disable-next-line reentrancy-no-eth
    function submitReport(Report calldata report, bytes[] calldata signatures)
        external
        nonReentrant
        returns (Outcome memory outcome)
    {
        Assessment memory assessed = _assess(report);
        bytes32 digest_ = digest(report);
        address[] memory signers = _requireQuorum(digest_, signatures);

        lastReportHash = digest_;
        _storeLegs(report);
        outcome = assessed.outcome;
        _emitReport(report, digest_, outcome);

        if (outcome.hold == Hold.INSOLVENT) {
            IWindDown(IMarketMakingVault(vault).windDown()).startInsolvent();
            return outcome;
        }
        _chargeKeeper(assessed);
        if (outcome.hold != Hold.NONE) {
            _gate = assessed.gate;
            _storeMark(report.epoch, outcome.mark, assessed.exempt, _shares());
            IMarketMakingVault(vault).hold(outcome.accepted);
            return outcome;
        }
        outcome.fill = IMarketMakingVault(vault).settle(_pricing(outcome));
        _storeSettled(assessed, report.epoch);
        _bookFee(report.epoch, outcome.fill.feeShares, signers);
    }

    /* GUARDIAN OF THE VAULT AND REPORTERS */

    /// @inheritdoc INavReporter
    /// @dev Invariant V-20.
    function object() external {
        IMarketMakingVault vault_ = IMarketMakingVault(vault);
        require(vault_.state() == IMarketMakingVault.State.CUT, NoOpenCut());
        _spendObjection();

        emit Object(msg.sender, vault_.cut().epoch);
        vault_.hold(vault_.acceptedNav());
    }

    /// @inheritdoc INavReporter
    function vetoSlot() external {
        uint256 amount = _gate.slotAmount;
        require(amount != 0, SlotEmpty());
        _spendObjection();

        _gate.slotAmount = 0;
        _gate.slotReleaseAt = 0;

        emit VetoSlot(msg.sender, amount);
    }

    /* VIEWS */

    /// @inheritdoc INavReporter
    function previewReport(Report calldata report) external view returns (Outcome memory outcome) {
        outcome = _assess(report).outcome;
        if (outcome.hold != Hold.NONE) return outcome;
        outcome.fill = IMarketMakingVault(vault).previewSettle(_pricing(outcome));
    }

    /// @inheritdoc INavReporter
    function attestedValue() external view returns (uint256 value) {
        address[] memory legs = ILegs(IMarketMakingVault(vault).legs()).attested();
        for (uint256 i; i < legs.length; ++i) {
            int256 worth =
                _venueValue(_lastLeg(i), IAdapter(legs[i]).sent(), IAdapter(legs[i]).returned());
            if (worth > 0) value += uint256(worth);
        }
    }

    /// @inheritdoc INavReporter
    function lastLegs() external view returns (Leg[] memory) {
        return _lastLegs;
    }

    /// @inheritdoc INavReporter
    function gate() external view returns (Gate memory) {
        return _gate;
    }

    /// @inheritdoc INavReporter
    function highPrice(uint64 time) external view returns (uint256) {
        return _history.high(time);
    }

    /* INTERNAL: REPORT */

    /// @dev Everything but signatures and settlement; the same for preview and submission.
    function _assess(Report calldata report) private view returns (Assessment memory assessed) {
        IMarketMakingVault vault_ = IMarketMakingVault(vault);
        require(vault_.state() == IMarketMakingVault.State.CUT, NoOpenCut());
        IMarketMakingVault.Cut memory cut = vault_.cut();
        _requireIdentity(report, cut.epoch);
        LegSums memory sums = _sumLegs(report, cut.epoch);
        _requireExplained(report, sums.change);

        uint256 shares = _shares();
        assessed.reset = shares <= (Constants.NEAR_EMPTY_FACTOR + 1) * vault_.virtualShares();
        Outcome memory outcome = assessed.outcome;
        outcome.staleTransit = sums.stale;
        int256 gross = cut.idle.toInt256() + cut.legBid.toInt256() + sums.venue;
        if (gross < 0 || (gross == 0 && !assessed.reset)) {
            outcome.hold = Hold.INSOLVENT;
            return assessed;
        }
        outcome.gross = uint256(gross); // safe: not negative
        outcome.grossAsk = outcome.gross + (cut.legAsk - cut.legBid);
        require(outcome.grossAsk <= type(uint128).max, GrossTooLarge(outcome.grossAsk));

        _passGate(assessed, vault_.acceptedNav(), shares, cut.time);
        _liftMark(assessed, report.externalFlow, shares);
    }

    /// @dev Nearly without shares nobody owns a difference between accepted and gross: gate and high start anew.
    function _passGate(
        Assessment memory assessed,
        uint256 acceptedBefore,
        uint256 shares,
        uint64 time
    ) private view {
        Outcome memory outcome = assessed.outcome;
        bool overdrawn = false;
        if (assessed.reset) {
            assessed.gate = GainGate.fresh(time);
            outcome.accepted = outcome.gross;
        } else {
            assessed.gate = _gate;
            (outcome.accepted, overdrawn) =
                assessed.gate.step(acceptedBefore, outcome.gross, shares, time);
        }

        uint256 staleMax = Math.mulDiv(outcome.accepted, Constants.STALE_MAX, Constants.ONE);
        if (outcome.staleTransit > staleMax) {
            _holdStale(assessed, acceptedBefore);
        } else if (overdrawn) {
            outcome.hold = Hold.LOSS;
        } else {
            uint256 high = assessed.reset ? 0 : _history.high(time);
            outcome.depositsOpen = outcome.staleTransit == 0 && _depositsOpen(outcome, shares, high);
        }
    }

    /// @dev Nearly without shares nobody has a gain to charge: the mark starts anew.
    function _liftMark(Assessment memory assessed, int256 externalFlow, uint256 shares)
        private
        view
    {
        Outcome memory outcome = assessed.outcome;
        if (assessed.reset) {
            outcome.mark = _priceUp(outcome.gross, shares);
            return;
        }
        (outcome.mark, assessed.exempt) = _lifted(externalFlow, outcome.gross, shares);
        assessed.exempt = Math.min(assessed.exempt, outcome.gross - outcome.accepted);
    }

    /// @dev A loss is published by a held report as well; a gain passes the gate at a settlement only.
    function _holdStale(Assessment memory assessed, uint256 acceptedBefore) private view {
        assessed.outcome.hold = Hold.STALE_TRANSIT;
        if (assessed.outcome.gross > acceptedBefore) {
            assessed.outcome.accepted = acceptedBefore;
            assessed.gate = _gate;
        }
    }

    /// @dev Invariant V-16: chain and contract are in the digest, the rest is here.
    function _requireIdentity(Report calldata report, uint64 epoch) private view {
        require(report.epoch == epoch, EpochMismatch(report.epoch, epoch));
        require(report.setId == setId, SetMismatch(report.setId, setId));
        require(
            report.prevHash == lastReportHash, PrevHashMismatch(report.prevHash, lastReportHash)
        );
    }

    function _requireExplained(Report calldata report, int256 change) private pure {
        int256 explained = report.externalFlow;
        for (uint256 i; i < report.pnl.length; ++i) {
            explained += report.pnl[i];
        }
        require(change == explained, PnlIdentityBroken(change, explained));
    }

    /// @dev The cut before this one is at least a day older: what it had sent and is not credited yet is stale, and
    /// so is what the last report had debited and has not come back yet. First in, first out.
    function _sumLegs(Report calldata report, uint64 epoch)
        private
        view
        returns (LegSums memory sums)
    {
        ILegs legs = ILegs(IMarketMakingVault(vault).legs());
        (uint256[] memory sent, uint256[] memory returned) = legs.transfersAt(epoch);
        (uint256[] memory sentBefore,) = legs.transfersAt(epoch - 1);
        require(
            report.legs.length == sent.length, LegCountMismatch(report.legs.length, sent.length)
        );

        for (uint256 i; i < sent.length; ++i) {
            Leg calldata leg = report.legs[i];
            Leg memory last = _lastLeg(i);
            _requireInBounds(i, leg, last, sent[i], returned[i]);

            sums.venue += _venueValue(leg, sent[i], returned[i]);
            sums.change += leg.equity - last.equity;
            sums.change -= _difference(leg.credited, last.credited);
            sums.change += _difference(leg.debited, last.debited);
            sums.stale += Math.saturatingSub(sentBefore[i], leg.credited);
            sums.stale += Math.saturatingSub(last.debited, returned[i]);
        }
    }

    function _requireInBounds(
        uint256 index,
        Leg calldata leg,
        Leg memory last,
        uint256 sent,
        uint256 returned
    ) private pure {
        require(
            leg.credited >= last.credited && leg.credited <= sent,
            CreditedOutOfRange(index, leg.credited, last.credited, sent)
        );
        uint256 leastDebited = Math.min(last.debited, returned);
        require(leg.debited >= leastDebited, DebitedTooLow(index, leg.debited, leastDebited));
        require(
            leg.venueHeight > last.venueHeight,
            VenueHeightNotNewer(index, leg.venueHeight, last.venueHeight)
        );
    }

    /// @dev Invariant V-19.
    function _venueValue(Leg memory leg, uint256 sent, uint256 returned)
        private
        pure
        returns (int256)
    {
        return leg.equity + _difference(sent, leg.credited) - _difference(returned, leg.debited);
    }

    function _difference(uint256 x, uint256 y) private pure returns (int256) {
        return x.toInt256() - y.toInt256();
    }

    function _depositsOpen(Outcome memory outcome, uint256 shares, uint256 high)
        private
        view
        returns (bool)
    {
        uint256 price = GainGate.price(outcome.accepted, shares);
        uint256 initialPrice = Constants.PRICE_ONE / IMarketMakingVault(vault).virtualShares();
        return price >= Math.mulDiv(high, Constants.HIGH_MIN, Constants.ONE)
            && price * Constants.PRICE_FLOOR_FACTOR >= initialPrice
            && _within(outcome.gross, outcome.accepted) && _within(outcome.grossAsk, outcome.gross);
    }

    function _within(uint256 larger, uint256 smaller) private pure returns (bool) {
        return larger <= Math.mulDiv(smaller, Constants.GAP_MAX, Constants.ONE);
    }

    function _pricing(Outcome memory outcome)
        private
        view
        returns (IMarketMakingVault.Pricing memory)
    {
        return IMarketMakingVault.Pricing({
            accepted: outcome.accepted,
            gross: outcome.gross,
            grossAsk: outcome.grossAsk,
            depositsOpen: outcome.depositsOpen,
            mark: outcome.mark,
            feeBps: IMandate(IMarketMakingVault(vault).mandate()).limits().feeBps
        });
    }

    /* INTERNAL: STORAGE */

    function _lastLeg(uint256 index) private view returns (Leg memory leg) {
        if (index < _lastLegs.length) leg = _lastLegs[index];
    }

    function _storeLegs(Report calldata report) private {
        bool first = _lastLegs.length == 0;
        for (uint256 i; i < report.legs.length; ++i) {
            if (first) _lastLegs.push(report.legs[i]);
            else _lastLegs[i] = report.legs[i];
        }
    }

    function _storeSettled(Assessment memory assessed, uint64 epoch) private {
        IMarketMakingVault.Fill memory fill = assessed.outcome.fill;
        uint64 time = assessed.gate.time;
        _gate = fill.wholeExit ? GainGate.fresh(time) : assessed.gate;
        if (assessed.reset || fill.wholeExit) _history.clear();

        uint256 shares = _shares();
        uint256 exemptAfter = fill.wholeExit ? 0 : assessed.exempt;
        uint256 markAfter = _markAfter(assessed.outcome.mark, exemptAfter, fill, shares);
        _history.push(GainGate.price(fill.acceptedAfter, shares), time);
        _storeMark(epoch, markAfter, exemptAfter, shares);
    }

    /// @dev Invariant V-24: before accepted NAV falls. Nearly without shares a loss is nobody's.
    function _chargeKeeper(Assessment memory assessed) private {
        IMarketMakingVault vault_ = IMarketMakingVault(vault);
        uint256 loss =
            assessed.reset ? 0 : Math.saturatingSub(vault_.acceptedNav(), assessed.outcome.gross);
        IMandate(vault_.mandate()).chargeReported(loss);
    }

    function _emitReport(Report calldata report, bytes32 digest_, Outcome memory outcome) private {
        for (uint256 i; i < report.legs.length; ++i) {
            Leg calldata leg = report.legs[i];
            emit LegReported(
                report.epoch, i, leg.equity, leg.credited, leg.debited, leg.venueHeight
            );
        }
        emit SubmitReport(
            report.epoch,
            digest_,
            outcome.gross,
            outcome.accepted,
            report.pnl,
            report.externalFlow,
            report.dataRoot,
            report.dataCid
        );
    }
}
