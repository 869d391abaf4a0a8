"""Pool profit in the index: settled minutes as rows, the last blocks as the events themselves.

A reorganisation may take back the last blocks, so their events are kept and folded when asked;
what lies deeper than any reorganisation is folded once and summed by minute.
"""

import sqlite3
from typing import Any, Final

import msgspec

from keeper.accounting.pool_leg import PoolLegs, PoolPeriod
from keeper.domain import events as ev

__all__ = ["PoolMinute", "RecentPools", "pool_minutes", "recent_observations"]

_DEPTH: Final = 256
"""Blocks below the head that stay as events; the head's follower remembers no more."""
_SECONDS: Final = 60
_KINDS: Final = (
    ev.RunStarted | ev.ParamsChanged | ev.BlockSeen | ev.BlockReverted | ev.VaultObserved
) | ev.PoolObserved
_SETTINGS: Final = (ev.RunStarted, ev.ParamsChanged)
_DECODER: Final = msgspec.json.Decoder(_KINDS)


class PoolMinute(msgspec.Struct, frozen=True, kw_only=True):
    """One adapter over the blocks of a minute (unix minutes); amounts in asset units."""

    adapter: str
    minute: int
    from_block: int
    to_block: int
    opening_value: int
    closing_value: int
    flow: int
    fees: int
    execution: int
    inventory: int


class RecentPools:
    """Folds pool events, writes what is settled, and keeps the rest for the next one."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._legs = _restored(database)
        self._head = -1
        self._waiting: list[tuple[int, int, bytes]] = []

    def take(self, seq: int, event: ev.Event) -> None:
        """Fold one event of the EVM chain, or of the settings."""
        if not isinstance(event, _KINDS):
            return
        self._legs.apply(event)
        block = _block_of(event)
        self._head = max(self._head, block)
        self._waiting.append((seq, block, msgspec.json.encode(event)))

    def flush(self) -> None:
        """Settle what no reorganisation reaches, and keep the events of what one may."""
        self._database.executemany("INSERT OR REPLACE INTO recent VALUES (?, ?, ?)", self._waiting)
        self._waiting = []
        settled = self._legs.settle(self._head - _DEPTH)
        if not settled:
            return
        _add_up(self._database, settled)
        ends = {period.adapter: period.to_block for period in settled}
        self._database.executemany(
            "INSERT OR REPLACE INTO settled VALUES (?, ?)", sorted(ends.items())
        )
        known = dict(self._database.execute("SELECT adapter, block FROM settled"))
        oldest = min(known.get(adapter, 0) for adapter in self._legs.adapters())
        self._database.execute("DELETE FROM recent WHERE block >= 0 AND block < ?", (oldest,))


def pool_minutes(database: sqlite3.Connection) -> list[PoolMinute]:
    """Return every minute of every pool, settled or not, by time."""
    found = [
        PoolMinute(
            adapter=row[0],
            minute=row[1],
            from_block=row[2],
            to_block=row[3],
            **dict(zip(_AMOUNTS, (int(amount) for amount in row[4:]), strict=True)),
        )
        for row in database.execute("SELECT * FROM pool_minutes ORDER BY adapter, minute")
    ]
    legs = _restored(database)
    for adapter in legs.adapters():
        found += [_minute(database, period) for period in legs.periods(adapter)]
    return sorted(found, key=lambda part: (part.minute, part.adapter, part.to_block))


def recent_observations(database: sqlite3.Connection) -> list[ev.PoolObserved]:
    """Return the last observations of every pool that no reorganisation took back, in order."""
    found: dict[str, list[ev.PoolObserved]] = {}
    for (raw,) in database.execute("SELECT event FROM recent ORDER BY seq"):
        event = _DECODER.decode(raw)
        if isinstance(event, ev.PoolObserved):
            found.setdefault(event.block_hash, []).append(event)
        elif isinstance(event, ev.BlockReverted):
            found.pop(event.hash, None)
    return [seen for observations in found.values() for seen in observations]


_AMOUNTS: Final = ("opening_value", "closing_value", "flow", "fees", "execution", "inventory")


def _restored(database: sqlite3.Connection) -> PoolLegs:
    legs = PoolLegs()
    for (event,) in database.execute("SELECT event FROM recent ORDER BY seq"):
        legs.apply(_DECODER.decode(event))
    for adapter, block in database.execute("SELECT adapter, block FROM settled"):
        legs.forget(adapter, block)
    return legs


def _block_of(event: Any) -> int:
    """The block an event is about; -1 for settings, which stay for ever."""
    if isinstance(event, _SETTINGS):
        return -1
    number: int = event.number if hasattr(event, "number") else event.block_number
    return number


def _minute(database: sqlite3.Connection, period: PoolPeriod) -> PoolMinute:
    row = database.execute(
        "SELECT seconds FROM evm_blocks WHERE number = ?", (period.to_block,)
    ).fetchone()
    amounts = {name: getattr(period, name) for name in _AMOUNTS}
    return PoolMinute(
        adapter=period.adapter,
        minute=row[0] // _SECONDS,
        from_block=period.from_block,
        to_block=period.to_block,
        **amounts,
    )


def _add_up(database: sqlite3.Connection, settled: list[PoolPeriod]) -> None:
    for period in settled:
        part = _minute(database, period)
        row = database.execute(
            "SELECT from_block, opening_value, flow, fees, execution, inventory FROM pool_minutes"
            " WHERE adapter = ? AND minute = ?",
            (part.adapter, part.minute),
        ).fetchone()
        if row is not None:
            part = msgspec.structs.replace(
                part,
                from_block=row[0],
                opening_value=int(row[1]),
                flow=part.flow + int(row[2]),
                fees=part.fees + int(row[3]),
                execution=part.execution + int(row[4]),
                inventory=part.inventory + int(row[5]),
            )
        database.execute(
            "INSERT OR REPLACE INTO pool_minutes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(part.adapter, part.minute, part.from_block, part.to_block),
                *(str(getattr(part, name)) for name in _AMOUNTS),
            ),
        )
