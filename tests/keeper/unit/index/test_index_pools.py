"""Settled minutes and recent events of pools add up to the ledger's periods, reverts included."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from keeper.accounting.ledger import Ledger
from keeper.domain import events as ev
from keeper.index import open_index
from keeper.index import pools as index_pools
from keeper.index.pools import pool_minutes, recent_observations
from tests.keeper import builders
from tests.keeper.builders import POOL, SECOND, USDC
from tests.keeper.ledger_story import SETTINGS
from tests.keeper.samples import Written, open_writer, write_steps

BLOCKS = 90
START = 1_795_305_600
AMOUNTS = ("flow", "fees", "execution", "inventory")


def blocks() -> list[ev.Event]:
    """A chain of ninety blocks, ten seconds apart, with a fork of three blocks at 50."""
    both = (builders.pool_settings(), builders.pool_settings(adapter=OTHER))
    found: list[ev.Event] = [builders.run_started(replace(SETTINGS, pools=both))]
    for number in range(1, BLOCKS):
        if number == 53:
            found += [ev.BlockReverted(number=n, hash=f"0xa{n}") for n in (52, 51, 50)]
            for again in (50, 51, 52):
                found += block(again, "b", 7 * USDC)
        found += block(number, "a" if number < 53 else "b", number * USDC)
    return found


OTHER = "0xother-pool-adapter"


def block(number: int, fork: str, idle: int) -> list[ev.Event]:
    """A block with our pool; another one is heard of in the first five blocks only."""
    name, seconds = f"0x{fork}{number}", START + number * 10
    adapters = (builders.adapter(POOL, sent=idle // 2), builders.adapter(OTHER, sent=5 * USDC))
    vault = builders.vault(number, block_hash=name, adapters=adapters)
    pool = builders.pool_seen(number, block_hash=name, amount0=idle, amount1=number * 10**15)
    mark = (3_000 + number % 7) * 10**8
    seen = replace(pool, block_timestamp=seconds, mark_price=mark)
    return [
        ev.BlockSeen(number=number, hash=name, timestamp=seconds),
        replace(vault, block_timestamp=seconds),
        seen,
        *([replace(seen, adapter=OTHER)] if number <= 5 else []),
    ]


@pytest.mark.parametrize("depth", [10, 1_000])
@pytest.mark.parametrize("every", [7, 1_000])
def test_pool_minutes__settled_or_recent__add_up_to_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: int, every: int
) -> None:
    monkeypatch.setattr(index_pools, "_DEPTH", depth)
    events = blocks()
    ledger = Ledger()
    writer = open_writer(tmp_path / "journal")
    for at in range(0, len(events), every):
        part = events[at : at + every]
        steps: list[Written] = [((at + n) * SECOND, event, ()) for n, event in enumerate(part)]
        write_steps(writer, steps)
        open_index(tmp_path / "journal", tmp_path / "index").close()
        for event in part:
            ledger.apply(event)
    writer.close()
    index = open_index(tmp_path / "journal", tmp_path / "index")

    minutes = [m for m in pool_minutes(index.database) if m.adapter == POOL]
    periods = list(ledger.pools.periods(POOL))

    assert [sum(getattr(m, name) for m in minutes) for name in AMOUNTS] == [
        sum(getattr(p, name) for p in periods) for name in AMOUNTS
    ]
    assert minutes[0].opening_value == periods[0].opening_value
    assert minutes[-1].closing_value == periods[-1].closing_value
    settled = index.database.execute("SELECT COUNT(*) FROM pool_minutes").fetchone()[0]
    assert (settled > 5) == (depth == 10)
    assert recent_observations(index.database)[-1].block_number == BLOCKS - 1
    index.close()
