"""Orders out of the journal alone are the core's own, whatever it did and wherever it stopped."""

from pathlib import Path

import pytest

from benchmarks.tape import record
from keeper.core.state import initial_state
from keeper.core.step import step
from keeper.index import open_index
from keeper.index.holdings import entries, held, open_orders
from keeper.journal import JournalOptions, JournalReader
from keeper.pages.working import held_of, orders_of

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
