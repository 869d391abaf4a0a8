"""Stops tripped on running keepers, and two broken keepers that the same look has to catch."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from keeper.domain.commands import NoteRefusal
from keeper.domain.orders import Side
from tests.keeper.builders import ONE_ETH, Keeper
from tests.stops.broken import forgets_the_phase, goes_on_quoting
from tests.stops.judging import ANY, Expected, Match, Proof, Seen, differences
from tests.stops.local import TRIPS, prove
from tests.stops.table import BOOK, VAULT, page_with, section
from tests.stops.told import Told

pytestmark = pytest.mark.filterwarnings("error")

SHORT = ("operator exit", "daily loss", "stale oracle", "source down")
"""A word, a loss, a gate, a venue that a restarted keeper does not find; `make stops` has all."""
BY_NAME = {trip.name: trip for trip in TRIPS}


@pytest.mark.parametrize("name", SHORT)
def test_stop__tripped_with_cancels_lost_and_killed__nothing_matches_that_may_not(
    tmp_path: Path, name: str
) -> None:
    proof = asyncio.run(prove(tmp_path / "journal", 1, BY_NAME[name]))

    assert proof.wrong == ()
    assert proof.seen.matches
    assert proof.seen.matches_after == 0 or proof.expected.phase == "EXITING"


@pytest.mark.parametrize(
    ("breaks", "signs"),
    [
        (goes_on_quoting, ("orders rest after the stop", "a match at")),
        (forgets_the_phase, ("phase ACTIVE after the restart, not HALTED",)),
    ],
)
def test_stop__broken_keeper__is_caught(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    breaks: Callable[[pytest.MonkeyPatch], None],
    signs: tuple[str, ...],
) -> None:
    breaks(monkeypatch)

    proof = asyncio.run(prove(tmp_path / "journal", 1, BY_NAME["operator halt"]))

    found = "; ".join(proof.wrong)
    assert all(sign in found for sign in signs), found


STOPPED = Seen(
    codes=frozenset({"DAILY_LOSS", "CHAIN_FAILS"}),
    codes_after=frozenset({"DAILY_LOSS"}),
    phase="EXITING",
    phase_after="EXITING",
    tripped=100,
    last=110,
    killed=130,
    last_after=110,
    matches=(Match(105, False), Match(112, True)),
    resting=0,
    resting_after=0,
    position=0,
    ranges=0,
    resumed=140,
)
LEFT = Expected(
    *("DAILY_LOSS", "EXITING"),
    is_flat=True,
    has_left_pool=True,
    alert="CHAIN_FAILS",
    resumes=True,
)
REDUCED = Expected("DEPEG", "ACTIVE", orders=ANY, only_reduces=True)


def test_differences__as_it_has_to_be__none() -> None:
    assert differences(LEFT, STOPPED) == []
    assert (STOPPED.matches_until, STOPPED.matches_after) == (1, 1)


@pytest.mark.parametrize(
    ("seen", "sign"),
    [
        (replace(STOPPED, codes=frozenset({"DRAWDOWN", "CHAIN_FAILS"})), "code DAILY_LOSS"),
        (replace(STOPPED, phase="ACTIVE"), "phase ACTIVE, not EXITING"),
        (replace(STOPPED, phase_after="ACTIVE"), "phase ACTIVE after the restart"),
        (replace(STOPPED, codes_after=frozenset()), "nothing is in force after the restart"),
        (replace(STOPPED, resting=1), "1 orders rest after the stop"),
        (replace(STOPPED, resting_after=2), "2 orders rest after the restart"),
        (replace(STOPPED, position=-1), "the position is still -1"),
        (replace(STOPPED, ranges=1), "1 ranges are left"),
        (replace(STOPPED, ranges=None), "None ranges are left"),
        (replace(STOPPED, matches=(Match(111, False),)), "a match at 111"),
        (replace(STOPPED, matches=(Match(131, False),)), "a match at 131"),
        (replace(STOPPED, noted=("it did not end",)), "it did not end"),
        (replace(STOPPED, codes=frozenset({"DAILY_LOSS"})), "code CHAIN_FAILS"),
        (replace(STOPPED, resumed=None), "it did not go on"),
    ],
)
def test_differences__one_thing_wrong__is_said(seen: Seen, sign: str) -> None:
    (found,) = differences(LEFT, seen)

    assert sign in found


def test_differences__halted__not_even_a_reducing_match() -> None:
    halted = replace(STOPPED, phase="HALTED", phase_after="HALTED")

    assert any(
        "a match at 112" in it for it in differences(Expected("DAILY_LOSS", "HALTED"), halted)
    )


def test_differences__sent_before_the_next_keeper_knew__is_no_late_match() -> None:
    gate = replace(
        STOPPED, phase="ACTIVE", phase_after="ACTIVE", last_after=140, matches=(Match(139, False),)
    )

    assert differences(Expected("DAILY_LOSS", "ACTIVE"), gate) == []
    late = replace(gate, matches=(Match(141, False),))
    assert differences(Expected("DAILY_LOSS", "ACTIVE"), late) != []


@pytest.mark.parametrize(("position", "side"), [(1, Side.BUY), (-1, Side.SELL), (0, Side.BUY)])
def test_told__order_raises_net_delta_after_a_stop_that_forbids_it__is_noted(
    position: int, side: Side
) -> None:
    keeper = Keeper()
    keeper.start(ETH=position * ONE_ETH // 10)
    orders = {place.side: place for place in keeper.places()}
    told = Told(REDUCED, asset_is_token0=True, since=0, height=7)

    told.take(orders[side], keeper.state)
    told.take(NoteRefusal(code="DEPEG", subject="ETH-USD", limit=1, value=2), keeper.state)
    before = list(told.noted)
    for place in orders.values():
        told.take(place, keeper.state)

    assert (before, told.tripped, told.last) == ([], 7, orders[side].good_til_block)
    assert told.noted == ["PlaceOrder at 7, after the stop"] * (1 if position else 2)


def test_told__the_same_code_before_the_fault__is_no_trip() -> None:
    told = Told(REDUCED, asset_is_token0=True, since=8, height=7)

    told.take(NoteRefusal(code="DEPEG", subject="ETH-USD", limit=1, value=2), Keeper().state)

    assert told.tripped == -1


def test_page_with__one_half_made_again__keeps_the_other() -> None:
    proof = Proof("daily loss", "a fault", LEFT, STOPPED, ())
    first = {head: section(head, [proof], "once") for head in (BOOK, VAULT)}
    page = page_with("", first)

    again = page_with(page, {VAULT: section(VAULT, [proof], "again")})

    assert page.count("`once`") == 2
    assert (again.count("`once`"), again.count("`again`")) == (1, 1)
    assert page_with(again, {}) == again
    assert "| daily loss | a fault | `DAILY_LOSS`, `CHAIN_FAILS` | EXITING, EXITING |" in again


def test_section__broken_keepers__what_was_found_is_below_the_table() -> None:
    caught = Proof("keeps its hedge", "a word", LEFT, STOPPED, ("the position is still 5",))

    made = section(VAULT, [], "once", [caught])

    assert made.endswith("wrong:\n\n- keeps its hedge: the position is still 5\n")
    assert page_with(made, {}).endswith(made)
