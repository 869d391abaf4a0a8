"""The phase: what changes it, what is remembered of why, and what the log is told."""

import pytest
from msgspec.structs import replace

from keeper.core.state import State, Turn, state_bytes, state_from_bytes
from keeper.domain.commands import CancelOrders, NotePhase, PlaceOrder, RaiseAlert
from keeper.domain.events import OperatorCommand
from keeper.pages.risk import risk_of
from keeper.risk.phase import Phase
from tests.keeper.builders import (
    ALLOCATION,
    LIMITS,
    USDC,
    Keeper,
    of,
    pool_settings,
    run_started,
    settings,
    subaccount,
    vault,
)

LOST = 6_000 * USDC


def word(verb: str, argument: str = "", reason: str = "") -> OperatorCommand:
    return OperatorCommand(
        verb=verb, argument=argument, operator="ada", reason=reason, uid=1_000, pid=7
    )


def quoting() -> Keeper:
    keeper = Keeper()
    keeper.start()
    keeper.answer()
    return keeper


def losing() -> tuple[Keeper, list[NotePhase]]:
    """Lost more than a day may, for as many blocks as a stop waits."""
    keeper, notes = quoting(), []
    for number in range(6):
        usdc = 100_000 * USDC - (LOST if number > 2 else 0)
        keeper.feed(subaccount(keeper.height + 1, usdc=usdc))
        notes += of(keeper.block(), NotePhase)
    return keeper, notes


def test_exit__with_a_reason__is_remembered_and_noted() -> None:
    keeper = quoting()

    (note,) = of(keeper.feed(word("exit", reason="key on a lost laptop")), NotePhase)

    assert (note.before, note.after, note.code) == ("ACTIVE", "EXITING", "OPERATOR")
    assert (note.operator, note.reason) == ("ada", "key on a lost laptop")
    assert keeper.state.guard.turn == Turn(
        t_ns=keeper.now, code="OPERATOR", operator="ada", reason="key on a lost laptop"
    )


def test_daily_loss__trips__note_has_both_numbers() -> None:
    keeper, (note,) = losing()

    assert keeper.state.guard.phase is Phase.EXITING
    assert (note.before, note.after, note.code) == ("ACTIVE", "EXITING", "DAILY_LOSS")
    assert (note.limit, note.value) == (LIMITS.daily_loss_quote_quantums, LOST)
    assert keeper.state.guard.turn.value == LOST


def test_exit__after_a_stop__keeps_the_stops_cause() -> None:
    keeper, _ = losing()

    assert of(keeper.feed(word("exit")), NotePhase) == []

    assert keeper.state.guard.turn.code == "DAILY_LOSS"


@pytest.mark.parametrize("verb", ["pause", "cancel", "exit", "halt", "resume"])
def test_word__phase_does_not_change__notes_nothing(verb: str) -> None:
    keeper = quoting()
    if verb in ("exit", "halt"):
        keeper.feed(word(verb))

    assert of(keeper.feed(word(verb)), NotePhase) == []


def test_resume__vault_wound_down__goes_from_halted_to_exiting_in_one_step() -> None:
    keeper = Keeper(settings(pools=(pool_settings(),), allocation=ALLOCATION))
    keeper.start()
    keeper.feed(word("halt"))
    keeper.feed(vault(1, state="WINDDOWN"))

    commands = keeper.feed(word("resume"))

    (note,) = of(commands, NotePhase)
    assert (note.before, note.after, note.code) == ("HALTED", "EXITING", "WIND_DOWN")
    assert of(commands, PlaceOrder) == []


def test_restart__phase_and_its_cause__stay() -> None:
    keeper, _ = losing()
    before = keeper.state.guard.turn
    state: State = state_from_bytes(state_bytes(keeper.state))

    keeper.state = state
    keeper.feed(replace(run_started(settings()), run=2))

    assert (keeper.state.guard.phase, keeper.state.guard.turn) == (Phase.EXITING, before)


def test_vault_observed__another_keeper_named__halts_until_this_one_is_named_and_resumed() -> None:
    keeper = Keeper(settings(pools=(pool_settings(),), allocation=ALLOCATION))
    keeper.start()
    keeper.feed(vault(1))
    assert keeper.state.orders.working

    stopped = keeper.feed(vault(2, other_keeper="0xother"))
    refused = keeper.feed(word("resume"))
    again = keeper.feed(vault(3, other_keeper="0xother"))

    (note,) = of(stopped, NotePhase)
    assert (note.before, note.after, note.code) == ("ACTIVE", "HALTED", "NOT_KEEPER")
    assert of(again, NotePhase) == of(again, RaiseAlert) == []
    assert of(stopped, CancelOrders)
    assert [(it.severity, it.code) for it in of(stopped, RaiseAlert)] == [("page", "NOT_KEEPER")]
    assert keeper.state.guard.phase is Phase.HALTED
    assert of(refused, PlaceOrder) == []
    assert [entry["code"] for entry in risk_of(keeper.state)["standing"]] == ["NOT_KEEPER"]

    keeper.feed(vault(4))
    assert keeper.state.guard.phase is Phase.HALTED
    keeper.feed(word("resume"))
    assert keeper.state.guard.phase is Phase.ACTIVE
    assert of(keeper.block(), PlaceOrder)


def test_vault_observed__another_keeper_in_a_shadow_run__watches_on() -> None:
    keeper = Keeper(settings(pools=(pool_settings(),), allocation=ALLOCATION))
    keeper.start()
    keeper.state.mode = "shadow"

    keeper.feed(vault(1, other_keeper="0xother"))

    assert keeper.state.guard.phase is Phase.ACTIVE
