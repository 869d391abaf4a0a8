"""Profit of the day, as the keeper itself counts it, is the ledger's."""

from pathlib import Path

import pytest

from keeper.core.day import profit_today
from keeper.core.state import State, initial_state, state_bytes, state_from_bytes
from keeper.core.step import step
from keeper.domain.events import OperatorCommand
from keeper.index import open_index
from keeper.index.periods import calendar_periods
from keeper.index.profit import profit_of, window_of
from tests.keeper.builders import ONE_ETH, SECOND, USDC, Keeper
from tests.keeper.ledger_story import DAY, START, story, write_story
from tests.keeper.samples import Written


def told(steps: list[Written]) -> State:
    state = initial_state()
    for seq, (t_ns, event, _) in enumerate(steps, start=1):
        step(state, t_ns, seq, event)
    return state


def ledgers(folder: Path, steps: list[Written]) -> int:
    """Profit of the last day, by the index of the journal."""
    write_story(folder / "journal", steps)
    index = open_index(folder / "journal", folder / "index")
    try:
        window = window_of(index, None, None)
        days = calendar_periods("day", window.start_ns, window.end_ns)
        rows = profit_of(index, window, days).rows
        return sum(row.causes.total for row in rows if row.period == days[-1])
    finally:
        index.close()


@pytest.mark.parametrize("days", [1, 2, 3])
def test_profit_today__day_of_fills_funding_transfers_and_a_pool__is_the_ledgers(
    tmp_path: Path, days: int
) -> None:
    end_ns = (START + days * DAY) * SECOND
    steps = [written for written in story() if written[0] < end_ns]

    found = profit_today(told(steps))

    assert found == ledgers(tmp_path, steps) != 0


def test_profit_today__stopped_for_a_loss_and_resumed__goes_on() -> None:
    keeper = Keeper()
    keeper.start(ETH=ONE_ETH)
    keeper.block(price=2_990 * 10**6)
    keeper.feed(OperatorCommand(verb="exit", argument="", operator="me"))
    keeper.feed(OperatorCommand(verb="resume", argument="", operator="me"))

    keeper.block(price=2_985 * 10**6)

    assert profit_today(keeper.state) == -15 * USDC


def test_profit_today__state_of_a_restart__is_the_same() -> None:
    keeper = Keeper()
    keeper.start(ETH=ONE_ETH)
    keeper.block(price=2_990 * 10**6)

    restored = state_from_bytes(state_bytes(keeper.state))

    assert profit_today(restored) == profit_today(keeper.state) == -10 * USDC


def test_profit_today__nothing_known_of_the_account__is_unknown() -> None:
    assert profit_today(Keeper().state) is None
