"""What `step` does for depositors: the cut, the report, claims, alerts before deadlines."""

from typing import Any

from msgspec.structs import replace

from keeper.core.dispatch import EPOCH
from keeper.core.housekeeping import CLAIM, REPORT
from keeper.core.state import state_bytes, state_from_bytes
from keeper.domain.commands import (
    Allocate,
    Claim,
    CloseEpoch,
    CollectReport,
    Command,
    NoteRefusal,
    RaiseAlert,
    SubmitReport,
)
from keeper.domain.events import (
    BlockReverted,
    Claimable,
    DutiesObserved,
    OperatorCommand,
    ReportCollected,
    TransactionMined,
    VaultObserved,
)
from keeper.domain.settings import HousekeepingSettings
from keeper.inventory.duties import wait_seconds
from tests.keeper.builders import (
    ALLOCATION,
    CLIENT_ID_BASE,
    HOUR,
    HOUSEKEEPING,
    SECOND,
    START_NS,
    USDC,
    Keeper,
    of,
    pool_settings,
    result,
    run_started,
    settings,
    signed_report,
    vault,
)

NOW = START_NS // SECOND
DAY = 24 * HOUR
HOUSE = (Claim, CloseEpoch, CollectReport, SubmitReport)
SEAT = f"0xvault/dydx1keeper/0/{CLIENT_ID_BASE}"


def keeping(house: HousekeepingSettings | None = HOUSEKEEPING) -> Keeper:
    """A keeper that has reached its venue."""
    keeper = Keeper(settings(housekeeping=house))
    keeper.start()
    keeper.answer()
    return keeper


def wait(epoch: int) -> int:
    return wait_seconds(HOUSEKEEPING, SEAT, epoch)


def done(commands: list[Command]) -> list[Any]:
    return [command for command in commands if isinstance(command, HOUSE)]


def seen(block: int, after_cut: int, **changes: Any) -> VaultObserved:
    """The vault so many seconds after the cut of epoch 1, in a block of its own."""
    return vault(
        block,
        cut_at=NOW,
        next_cut_at=NOW + DAY,
        last_settled_at=NOW + 60,
        block_timestamp=NOW + after_cut,
        **changes,
    )


def settle(keeper: Keeper, kind: type, block: int, *, succeeded: bool = True) -> None:
    """A receipt for the newest command of a kind."""
    command_id = next(i for i, command in reversed(keeper.sent) if isinstance(command, kind))
    keeper.feed(
        TransactionMined(
            command=command_id,
            tx_hash=f"0x{command_id.seq}",
            block_number=block,
            block_hash=f"0xb{block}",
            succeeded=succeeded,
            gas_used=1,
            effective_gas_price=1,
            final=True,
        )
    )


def test_vault_observed__cut_due__left_to_others_for_its_own_wait() -> None:
    keeper = keeping()

    early = done(keeper.feed(seen(1, DAY + wait(1) - 1)))
    due = done(keeper.feed(seen(2, DAY + wait(1))))

    assert (early, due) == ([], [CloseEpoch(epoch=2)])


def test_vault_observed__cut_under_way__not_taken_twice() -> None:
    keeper = keeping()
    keeper.feed(seen(1, 2 * DAY))

    assert done(keeper.feed(seen(2, 2 * DAY))) == []
    assert EPOCH in keeper.state.chain.outstanding


def test_vault_observed__another_keeper_took_the_cut__nothing_to_take() -> None:
    keeper = keeping()

    assert of(keeper.feed(seen(1, 2 * DAY, state="CUT")), CloseEpoch) == []


def test_vault_observed__two_runs__draw_different_waits() -> None:
    waits = {wait_seconds(HOUSEKEEPING, f"0xvault/dydx1keeper/0/{n}", 1) for n in range(20)}

    assert len(waits) > 10


def test_vault_observed__no_reporter_configured__cut_refused_and_said_once() -> None:
    keeper = keeping(replace(HOUSEKEEPING, reporters=0))

    first = keeper.feed(seen(1, 2 * DAY))
    second = keeper.feed(seen(2, 2 * DAY))

    assert done(first) == done(second) == []
    assert [note.code for note in of(first, NoteRefusal)] == ["NO_REPORTERS"]
    assert of(second, NoteRefusal) == []


def test_vault_observed__no_housekeeping__no_cut() -> None:
    keeper = keeping(None)

    assert done(keeper.feed(seen(1, 2 * DAY))) == []


def test_vault_observed__venue_never_connected__no_cut() -> None:
    keeper = keeping()
    keeper.state.sources.clear()

    assert done(keeper.feed(seen(1, 2 * DAY))) == []


def test_vault_observed__empty_vault__cut_only_for_a_request() -> None:
    keeper = keeping()

    empty = done(keeper.feed(seen(1, 2 * DAY, supply=0)))
    asked = done(keeper.feed(seen(2, 2 * DAY, supply=0, deposits_waiting=1)))

    assert (empty, asked) == ([], [CloseEpoch(epoch=2)])


def test_vault_observed__first_cut_of_all__taken() -> None:
    keeper = keeping()
    first = seen(1, 0, epoch=0, supply=0, deposits_waiting=5, state="OPEN")

    commands = done(keeper.feed(replace(first, cut_at=0, next_cut_at=DAY, last_settled_at=0)))

    assert commands == [CloseEpoch(epoch=1)]


def test_vault_observed__halted__nothing_at_all() -> None:
    keeper = keeping()
    keeper.feed(OperatorCommand(verb="halt", argument="", operator="me"))

    due = keeper.feed(seen(1, 2 * DAY)) + keeper.feed(seen(2, HOUR, state="CUT"))

    assert done(due) == []
    assert {note.subject for note in of(due, NoteRefusal)} <= {"ETH-USD"}


def test_vault_observed__exiting__depositors_are_served_all_the_same() -> None:
    keeper = keeping()
    keeper.feed(OperatorCommand(verb="exit", argument="", operator="me"))

    assert done(keeper.feed(seen(1, 2 * DAY))) == [CloseEpoch(epoch=2)]


def test_vault_observed__open_cut__reporters_asked_after_the_wait_and_again_after_a_pause() -> None:
    keeper = keeping()

    early = done(keeper.feed(seen(1, wait(1) - 1, state="CUT")))
    asked = done(keeper.feed(seen(2, wait(1), state="CUT")))
    keeper.now += 15 * SECOND - 1
    soon = done(keeper.feed(seen(3, wait(1) + 14, state="CUT")))
    keeper.now += 1
    again = done(keeper.feed(seen(4, wait(1) + 15, state="CUT")))

    assert (early, soon) == ([], [])
    assert asked == again == [CollectReport(epoch=1)]


def test_vault_observed__open_cut_but_no_reporter__nobody_asked() -> None:
    keeper = keeping(replace(HOUSEKEEPING, reporters=0))

    assert done(keeper.feed(seen(1, HOUR, state="CUT"))) == []


def test_vault_observed__next_cut__asked_at_once() -> None:
    keeper = keeping()
    keeper.feed(seen(1, HOUR, state="CUT"))

    assert done(keeper.feed(seen(2, HOUR, state="CUT", epoch=2))) == [CollectReport(epoch=2)]


def test_run_started__cut_still_open__asked_again_at_once() -> None:
    keeper = keeping()
    keeper.feed(seen(1, HOUR, state="CUT"))
    keeper.feed(run_started(settings(housekeeping=HOUSEKEEPING), run=2))

    assert done(keeper.feed(seen(2, HOUR, state="CUT"))) == [CollectReport(epoch=1)]


def collected(signatures: tuple[str, ...], epoch: int = 1, quorum: int = 2) -> ReportCollected:
    report = signed_report(epoch=epoch) if signatures else None
    return ReportCollected(
        epoch=epoch, report=report, signatures=signatures, quorum=quorum, refusals=("c lags",)
    )


def asked() -> Keeper:
    """A keeper that has asked the reporters about epoch 1."""
    keeper = keeping()
    assert done(keeper.feed(seen(1, HOUR, state="CUT"))) == [CollectReport(epoch=1)]
    return keeper


def test_report_collected__quorum__submitted_once() -> None:
    keeper = asked()

    first = done(keeper.feed(collected(("0x01", "0x02"))))
    second = done(keeper.feed(collected(("0x01", "0x02"))))

    assert first == [SubmitReport(report=signed_report(epoch=1), signatures=("0x01", "0x02"))]
    assert second == []
    assert (keeper.state.duties.signed, keeper.state.duties.quorum) == (2, 2)


def test_report_collected__submission_under_way__nobody_asked_meanwhile() -> None:
    keeper = asked()
    keeper.feed(collected(("0x01", "0x02")))
    keeper.now += 60 * SECOND

    assert done(keeper.feed(seen(2, HOUR + 60, state="CUT"))) == []


def test_report_collected__too_few_or_none__nothing_sent() -> None:
    keeper = asked()

    assert keeper.feed(collected(("0x01",))) == []
    assert keeper.feed(collected(())) == []


def test_report_collected__cut_has_settled_meanwhile__nothing_sent() -> None:
    keeper = asked()
    keeper.feed(seen(2, HOUR))

    assert keeper.feed(collected(("0x01", "0x02"))) == []


def test_report_collected__of_another_cut__refused() -> None:
    keeper = asked()
    keeper.feed(seen(2, HOUR, state="CUT", epoch=2))

    commands = keeper.feed(collected(("0x01", "0x02")))

    assert done(commands) == []
    assert [note.code for note in of(commands, NoteRefusal)] == ["OTHER_CUT"]


def test_report_collected__submission_refused_by_the_contract__asked_again_after_a_pause() -> None:
    keeper = asked()
    keeper.feed(collected(("0x01", "0x02")))
    keeper.feed(result(keeper.state.chain.outstanding[REPORT].command, "REJECTED"))
    keeper.now += 60 * SECOND

    soon = done(keeper.feed(seen(2, HOUR + 60, state="CUT")))
    later = done(keeper.feed(seen(9, HOUR + 70, state="CUT")))

    assert (soon, later) == ([], [CollectReport(epoch=1)])


def duties(block: int, *claims: Claimable, unpaid_since: int = 0) -> DutiesObserved:
    return DutiesObserved(
        block_number=block,
        block_hash=f"0xd{block}",
        block_timestamp=NOW + block,
        unpaid_since=unpaid_since,
        claims=claims,
    )


def due_to(name: str, deposit: int = 0, redeem: int = 0) -> Claimable:
    return Claimable(
        controller=name,
        deposit_assets=deposit * USDC,
        redeem_shares=redeem * 10**18,
        redeem_assets=redeem * USDC,
    )


def open_house() -> Keeper:
    keeper = keeping()
    keeper.feed(seen(1, HOUR))
    return keeper


def test_duties_observed__claims_worth_their_gas__sent_for_both_sides() -> None:
    keeper = open_house()

    commands = done(keeper.feed(duties(2, due_to("ada", 500, 300), due_to("bob", 99))))

    assert commands == [
        Claim(side="deposit", controller="ada", amount=500 * USDC),
        Claim(side="redeem", controller="ada", amount=300 * 10**18),
    ]


def test_duties_observed__claim_under_way__not_sent_twice() -> None:
    keeper = open_house()
    keeper.feed(duties(2, due_to("ada", 500)))

    assert done(keeper.feed(duties(7, due_to("ada", 500)))) == []


def test_duties_observed__many_claims__four_under_way_at_a_time() -> None:
    keeper = open_house()
    claims = [due_to(f"c{n}", 500 + n) for n in range(6)]

    first = done(keeper.feed(duties(2, *claims)))
    settle(keeper, Claim, block=3)
    second = done(keeper.feed(duties(7, *claims[:2])))

    assert [claim.controller for claim in first] == ["c5", "c4", "c3", "c2"]
    assert [claim.controller for claim in second] == ["c1"]


def test_duties_observed__claim_reverted__tried_again_after_a_pause_only() -> None:
    keeper = open_house()
    keeper.feed(duties(2, due_to("ada", 500)))
    settle(keeper, Claim, block=3, succeeded=False)

    soon = done(keeper.feed(duties(4, due_to("ada", 500))))
    later = done(keeper.feed(duties(9, due_to("ada", 500))))

    assert soon == []
    assert [claim.controller for claim in later] == ["ada"]


def test_duties_observed__nothing_left_of_a_claim__nothing_is_remembered_of_it() -> None:
    keeper = open_house()
    keeper.feed(duties(2, due_to("ada", 500)))
    settle(keeper, Claim, block=3)
    assert any(key.startswith(CLAIM) for key in keeper.state.chain.not_before)

    keeper.feed(duties(7))

    assert not any(key.startswith(CLAIM) for key in keeper.state.chain.not_before)


def test_duties_observed__older_block__changes_nothing() -> None:
    keeper = open_house()
    keeper.feed(duties(5))

    assert done(keeper.feed(duties(4, due_to("ada", 500)))) == []


def test_duties_observed__halted__no_claim() -> None:
    keeper = open_house()
    keeper.feed(OperatorCommand(verb="halt", argument="", operator="me"))

    assert keeper.feed(duties(2, due_to("ada", 500))) == []


def test_duties_observed__wind_down__claims_go_on() -> None:
    keeper = keeping()
    keeper.feed(seen(1, HOUR, state="WINDDOWN"))

    commands = done(keeper.feed(duties(2, due_to("ada", redeem=500))))

    assert [claim.side for claim in commands] == ["redeem"]


def test_block_reverted__duties_of_it__are_forgotten() -> None:
    keeper = open_house()
    keeper.feed(duties(5, unpaid_since=NOW))

    keeper.feed(BlockReverted(number=5, hash="0xd5"))

    assert keeper.state.duties.seen is None


def codes(commands: list[Command]) -> list[str]:
    return [alert.code for alert in of(commands, RaiseAlert)]


def test_vault_observed__report_missing__page_once_until_it_is_there() -> None:
    keeper = keeping()

    told = keeper.feed(seen(1, 5 * HOUR, state="CUT"))
    again = keeper.feed(seen(2, 5 * HOUR + 60, state="CUT"))
    keeper.feed(seen(3, 5 * HOUR + 90))
    next_day = keeper.feed(seen(4, 5 * HOUR, state="CUT"))

    assert [(a.severity, a.code) for a in of(told, RaiseAlert)] == [("page", "REPORT_MISSING")]
    assert codes(again) == []
    assert codes(next_day) == ["REPORT_MISSING"]


def test_duties_observed__cut_unpaid_for_two_days__told() -> None:
    keeper = open_house()

    told = keeper.feed(duties(2, unpaid_since=NOW - 2 * DAY))

    assert codes(told) == ["PAYMENT_LATE"]


def test_duties_observed__stake_low_and_penalty_near__told_once_each_by_its_weight() -> None:
    keeper = open_house()
    found = replace(duties(2), penalty_due_at=NOW + HOUR, stake_bound=1)

    told = of(keeper.feed(found), RaiseAlert)
    again = keeper.feed(replace(found, block_number=3, block_hash="0xd3"))

    assert [(a.severity, a.code) for a in told] == [
        ("page", "PENALTY_NEAR"),
        ("warn", "STAKE_LOW"),
    ]
    assert codes(again) == []


def test_vault_observed__nothing_settled_for_days__told_even_while_halted() -> None:
    keeper = keeping()
    keeper.feed(OperatorCommand(verb="halt", argument="", operator="me"))

    assert codes(keeper.feed(seen(1, 5 * DAY + 60))) == ["NOTHING_SETTLED"]


def test_vault_observed__deadlines_but_no_housekeeping__not_told() -> None:
    keeper = keeping(None)

    assert codes(keeper.feed(seen(1, 30 * DAY))) == []


def test_state__with_duties_and_claims_under_way__survives_its_bytes() -> None:
    keeper = asked()
    keeper.feed(duties(2, due_to("ada", 500), unpaid_since=NOW))

    again = state_from_bytes(state_bytes(keeper.state))

    assert again == keeper.state


def test_vault_observed__cut_on_its_way__no_capital_leaves_until_it_is_settled() -> None:
    keeper = Keeper(
        settings(pools=(pool_settings(),), allocation=ALLOCATION, housekeeping=HOUSEKEEPING)
    )
    keeper.start()
    keeper.now += 2 * DAY * SECOND

    commands = keeper.feed(seen(1, 2 * DAY))

    assert done(commands) == [CloseEpoch(epoch=2)]
    assert of(commands, Allocate) == []
