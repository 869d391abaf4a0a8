"""Folds the venue's side of the index over periods and settles it with what the venue said."""

import heapq
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from keeper.accounting.profit import (
    Movement,
    Observation,
    Trade,
    Unexplained,
    VenueFold,
    VenuePeriod,
)
from keeper.domain.errors import AthanorError
from keeper.domain.instruments import PerpetualMarket

__all__ = [
    "ProfitUnexplained",
    "height_before",
    "opening_height",
    "read_listings",
    "settled_periods",
    "single",
    "top_height",
]

_SETTLING_BLOCKS: Final = 20
"""A fill may be logged after the balance it changed: so long the books of a live keeper settle."""


class ProfitUnexplained(AthanorError):
    """Raised when the books do not lead to what the venue says; the command line shows it."""


def settled_periods(
    database: sqlite3.Connection, from_height: int | None, ends: list[int]
) -> tuple[list[VenuePeriod], tuple[Unexplained, ...]]:
    """Fold (from_height, ends[0]], (ends[0], ends[1]] and so on, one period each.

    What is unexplained at the very end of all that is known is set aside and told. Raises
    ProfitUnexplained.
    """
    found = _venue_periods(database, from_height, ends)
    unexplained = [entry for period in found for entry in period.unexplained]
    top = top_height(database)
    pending: tuple[Unexplained, ...] = ()
    if unexplained and top is not None and unexplained[0].height > top - _SETTLING_BLOCKS:
        pending, before = tuple(unexplained), unexplained[0].height - 1
        found = _venue_periods(database, from_height, [min(end, before) for end in ends])
        unexplained = []
    _require_explained(found, unexplained)
    return found, pending


def _require_explained(found: list[VenuePeriod], unexplained: list[Unexplained]) -> None:
    if unexplained:
        first = unexplained[0]
        raise ProfitUnexplained(
            f"at height {first.height} the venue holds {first.amount:+,} "
            f"{f'base quantums of {first.market}' if first.market else 'quote quantums'} more than "
            f"all fills, payments and transfers lead to ({len(unexplained)} such differences)",
            next_step="compare with: keeper export fills --format csv, and the venue's own history",
        )
    for period in found:
        if period.gap:
            raise ProfitUnexplained(
                f"the causes miss the change of equity by {period.gap:+,} quote quantums over "
                f"heights {period.from_height + 1} to {period.to_height}",
                next_step="keeper journal verify FOLDER; report it with that output",
            )


def _venue_periods(
    database: sqlite3.Connection, from_height: int | None, ends: list[int]
) -> list[VenuePeriod]:
    if from_height is None:
        return []
    opening = _observation(database, from_height)
    if opening.height < (valued := opening_height(database) or 0):
        opening = opening._replace(height=valued)
    fold = VenueFold(read_listings(database), _price_at(database), opening)
    found: list[VenuePeriod] = []
    waiting = [from_height, *ends]
    for height, kind, item in _stream(database, opening.height, ends[-1] if ends else 0):
        while height > waiting[0]:
            found.append(fold.close(waiting.pop(0)))
        _TAKERS[kind](fold, item)
    found += [fold.close(height) for height in waiting]
    if fold.missing is not None:
        raise ProfitUnexplained(
            f"no oracle price or listing of {fold.missing.market} is known at height "
            f"{fold.missing.height}",
            next_step="choose a later --since; nothing is valued by a guess",
        )
    return found[1:]


_Item = Trade | Movement | Observation
_TAKERS: Final[tuple[Callable[[VenueFold, Any], None], ...]] = (
    VenueFold.trade,
    VenueFold.funding,
    VenueFold.transfer,
    VenueFold.observe,
)


def _stream(
    database: sqlite3.Connection, after: int, up_to: int
) -> Iterator[tuple[int, int, _Item]]:
    """Everything in (after, up_to] by height, observations last at each."""
    ends = (after, up_to)
    trades = (
        (height, 0, Trade(height, market, sign * base, sign * quote, fee, price))
        for height, market, sign, base, quote, fee, price in database.execute(_TRADES, ends)
    )
    paid = ((row[0], 1, Movement(*row)) for row in database.execute(_FUNDING, ends))
    moved = ((row[0], 2, Movement(row[0], "", row[1])) for row in database.execute(_MOVED, ends))
    seen = (
        (height, 3, Observation(height, cash, _positions(raw)))
        for height, cash, raw in database.execute(_OBSERVED, ends)
    )
    return heapq.merge(trades, paid, moved, seen, key=lambda item: item[:2])


_TRADES: Final = """
SELECT height, market, CASE side WHEN 'BUY' THEN 1 ELSE -1 END, quantums, quote, fee, (
    SELECT price FROM prices WHERE prices.market = fills.market AND prices.height <= fills.height
    ORDER BY prices.height DESC LIMIT 1
) FROM fills WHERE height > ? AND height <= ? ORDER BY height
"""
_FUNDING: Final = """
SELECT height, market, quote FROM funding WHERE height > ? AND height <= ? ORDER BY height
"""
_MOVED: Final = """
SELECT height, quote FROM transfers WHERE height > ? AND height <= ? ORDER BY height
"""
_OBSERVED: Final = """
SELECT height, cash, positions FROM observations WHERE height > ? AND height <= ? ORDER BY height
"""


def _positions(raw: bytes) -> tuple[tuple[str, int], ...]:
    return msgspec.json.decode(raw, type=tuple[tuple[str, int], ...])


def _observation(database: sqlite3.Connection, height: int) -> Observation:
    row = database.execute(
        "SELECT height, cash, positions FROM observations WHERE height <= ?"
        " ORDER BY height DESC LIMIT 1",
        (height,),
    ).fetchone()
    return Observation(row[0], row[1], _positions(row[2]))


def opening_height(database: sqlite3.Connection) -> int | None:
    """Return the first height at which all that the account held can be valued; None without one.

    The first word on an account may be older than the first price: it counts from that price's
    height if nothing changed the account in between, else the next word does.
    """
    first_price: dict[str, int | None] = {}
    for height, raw in database.execute("SELECT height, positions FROM observations ORDER BY 1"):
        held = [market for market, quantums in _positions(raw) if quantums]
        for market in held:
            if market not in first_price:
                query = "SELECT MIN(height) FROM prices WHERE market = ?"
                first_price[market] = single(database, query, market)
        known = [price for market in held if (price := first_price[market]) is not None]
        if len(known) == len(held):
            first = max(int(height), *known) if known else int(height)
            if next(_stream(database, height, first), None) is None:
                return first
    return None


def read_listings(database: sqlite3.Connection) -> dict[str, PerpetualMarket]:
    rows = database.execute("SELECT ticker, listing FROM markets")
    return {ticker: msgspec.json.decode(raw, type=PerpetualMarket) for ticker, raw in rows}


class _PriceLookup:
    """Oracle prices by market and height, asked of the index once each."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._known: dict[tuple[str, int], int | None] = {}

    def __call__(self, market: str, height: int) -> int | None:
        key = (market, height)
        if key not in self._known:
            row = self._database.execute(
                "SELECT price FROM prices WHERE market = ? AND height <= ?"
                " ORDER BY height DESC LIMIT 1",
                key,
            ).fetchone()
            self._known[key] = None if row is None else int(row[0])
        return self._known[key]


def _price_at(database: sqlite3.Connection) -> _PriceLookup:
    return _PriceLookup(database)


def height_before(database: sqlite3.Connection, time_ns: int) -> int | None:
    return single(database, "SELECT MAX(height) FROM heights WHERE time_ns < ?", time_ns)


def top_height(database: sqlite3.Connection) -> int | None:
    """The highest venue height anything is known of."""
    return single(
        database,
        "SELECT MAX(height) FROM (SELECT MAX(height) AS height FROM heights"
        " UNION ALL SELECT MAX(height) FROM observations UNION ALL SELECT MAX(height) FROM fills"
        " UNION ALL SELECT MAX(height) FROM funding UNION ALL SELECT MAX(height) FROM transfers)",
    )


def single(database: sqlite3.Connection, query: str, *values: int | str) -> int | None:
    row = database.execute(query, values).fetchone()
    return None if row is None or row[0] is None else int(row[0])
