"""Orders out of the journal alone are the core's own, whatever it did and wherever it stopped."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from benchmarks.tape import record
from keeper.core.state import initial_state
from keeper.core.step import step
from keeper.domain import commands as cm
from keeper.domain import events as ev
from keeper.domain.orders import Side, TimeInForce
from keeper.index import open_index
from keeper.index.exports import rows_of
from keeper.index.holdings import entries, held, open_orders
from keeper.index.profit import window_of
from keeper.journal import JournalOptions, JournalReader
from keeper.pages.working import held_of, orders_of
from tests.keeper.builders import (
    ONE_ETH,
    fill,
    run_started,
    settings,
)
from tests.keeper.ledger_story import write_story
from tests.keeper.markets import ETH
from tests.keeper.samples import Written

FIELDS = (
    *("client_id", "market", "side", "subticks", "quantums", "filled_quantums"),
    *("good_til_block", "time_in_force", "reduce_only", "state"),
)
OF_HELD = ("height", "cash", "positions", "oracle")


@pytest.mark.parametrize(("blocks", "seed"), [(7, 1), (40, 2), (33, 3)])
def test_open_orders__of_a_recorded_run__are_those_the_core_works_with(
    tmp_path: Path, blocks: int, seed: int
) -> None:
    folder = tmp_path / "journal"
    record(folder, JournalOptions(max_segment_steps=500), blocks=blocks, seed=seed)
    state = initial_state()
    for recorded in JournalReader(folder).steps():
        step(state, recorded.t_ns, recorded.seq, recorded.event)
    index = open_index(folder, tmp_path / "index")

    found = [{name: order[name] for name in FIELDS} for order in open_orders(index)]
    ours = orders_of(state)["orders"]
    word, journalled = held_of(state), held(index)

    assert len(found) > 5
    assert sorted(found, key=_id) == [{name: order[name] for name in FIELDS} for order in ours]
    assert {name: getattr(journalled, name) for name in OF_HELD} == {n: word[n] for n in OF_HELD}
    for market, quantums in word["positions"].items():
        assert entries(index)[market].quantums == quantums
    index.close()


def _id(order: dict[str, int]) -> int:
    return order["client_id"]


def test_orders__id_that_comes_again__has_the_fills_of_each_life(tmp_path: Path) -> None:
    place = cm.PlaceOrder(
        market="ETH-USD",
        client_id=7,
        side=Side.BUY,
        quantums=ONE_ETH,
        subticks=2_990_000_000,
        good_til_block=1_001,
        time_in_force=TimeInForce.POST_ONLY,
        reduce_only=False,
    )
    again = replace(place, good_til_block=2_000)
    steps: list[Written] = [
        (1, run_started(settings()), ()),
        (2, ev.MarketListed(market=ETH), ()),
        (3, ev.TimerFired(name="second"), (place,)),
        (4, fill(1, place, ONE_ETH // 4, 1_001), ()),
        (5, ev.VenueBlock(height=1_002, time_ns=5), ()),
        (6, ev.TimerFired(name="second"), (again,)),
        (7, fill(2, again, ONE_ETH, 1_003), ()),
        (8, ev.VenueBlock(height=2_001, time_ns=8), ()),
    ]
    write_story(tmp_path / "journal", steps)
    index = open_index(tmp_path / "journal", tmp_path / "index")

    rows = list(rows_of(index, "orders", window_of(index, None, None)))

    assert [(r["state"], r["filled"]) for r in rows] == [("EXPIRED", "0.25"), ("FILLED", "1")]
    index.close()
