"""Which pauses a start may undo: the engine's own, and only while nobody else has spoken."""

import pytest

from keeper.domain.events import OperatorCommand, TimerFired
from keeper.engine.leftovers import left_over, own_command
from keeper.journal.carried import Carried, CarryOver


def said(verb: str, market: str) -> OperatorCommand:
    return OperatorCommand(verb=verb, argument=market, operator="alice")


def test_undone__own_pauses__are_resumed_in_order() -> None:
    pauses = CarryOver(Carried())
    for event in (own_command("pause", "B"), own_command("pause", "A"), TimerFired(name="s")):
        pauses.note(event)

    assert left_over(pauses.frozen()) == [own_command("resume", "B"), own_command("resume", "A")]


@pytest.mark.parametrize(
    "word", [said("pause", "A"), said("resume", "A"), said("pause", ""), own_command("resume", "A")]
)
def test_undone__a_later_word_on_the_market_or_all__stands(word: OperatorCommand) -> None:
    pauses = CarryOver(Carried())
    pauses.note(own_command("pause", "A"))

    pauses.note(word)

    assert left_over(pauses.frozen()) == []


def test_undone__exit_by_a_person__leaves_the_pause() -> None:
    pauses = CarryOver(Carried())
    pauses.note(own_command("pause", "A"))

    pauses.note(said("exit", ""))

    assert left_over(pauses.frozen()) == [own_command("resume", "A")]
