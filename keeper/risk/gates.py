"""May this market be quoted at all right now: data ages, clock, book, margin basis, phase."""

from collections.abc import Callable

import msgspec

from keeper.domain.approval import Refused
from keeper.domain.units import NS_PER_MS

__all__ = ["GateView", "market_gate"]

Refuse = Callable[[str, int, int], None]

_QUOTABLE = ("ACTIVE", "POST_ONLY")
_ABSURD = 2  # an oracle this many times the book, or that part of it, is no price of this market


class GateView(msgspec.Struct, frozen=True, kw_only=True):
    """What decides whether a market is quoted. Times in unix ns (-1: never seen or lost).

    `oracle_subticks` is the oracle price in the book's unit, rounded down; 0 while unknown.
    `pool_ages_ms` are (age, largest allowed) of every pool whose delta counts in this market, ms.
    """

    ticker: str
    now_ns: int
    status: str
    paused: bool
    oracle_price: int
    oracle_subticks: int
    oracle_t_ns: int
    oracle_max_age_ms: int
    book_ready: bool
    book_t_ns: int
    book_max_age_ms: int
    best_bid: int
    best_ask: int
    height: int
    height_t_ns: int
    height_time_ns: int
    max_height_age_ms: int
    max_clock_skew_ms: int
    quiet_until_height: int
    account_known: bool
    equity: int
    sources_down: int
    pool_ages_ms: tuple[tuple[int, int], ...] = ()


def market_gate(view: GateView) -> tuple[Refused, ...]:
    """Return every reason not to quote this market; empty when it may be quoted."""
    refused: list[Refused] = []

    def refuse(code: str, limit: int, value: int) -> None:
        refused.append(Refused(code=code, subject=view.ticker, limit=limit, value=value))

    _check_feeds(view, refuse)
    _check_book(view, refuse)
    if view.status not in _QUOTABLE:
        refuse("MARKET_STATUS", 0, 1)
    if view.paused:
        refuse("PAUSED", 0, 1)
    if view.sources_down:
        refuse("SOURCE_DOWN", 0, view.sources_down)
    for age, most in view.pool_ages_ms:
        if age > most:
            refuse("SNAPSHOT_AGE", most, age)
    if not view.account_known:
        refuse("ACCOUNT_UNKNOWN", 0, 1)
    elif view.equity <= 0:
        refuse("NO_EQUITY", 1, view.equity)
    if view.quiet_until_height >= 0 and view.height <= view.quiet_until_height:
        refuse("TAKEOVER", view.quiet_until_height, view.height)
    return tuple(refused)


def _check_feeds(view: GateView, refuse: Refuse) -> None:
    age = _age_ms(view.now_ns, view.oracle_t_ns)
    if age > view.oracle_max_age_ms or view.oracle_t_ns < 0:
        refuse("STALE_ORACLE", view.oracle_max_age_ms, age)
    elif view.oracle_price <= 0:
        refuse("ZERO_ORACLE", 1, view.oracle_price)
    age = _age_ms(view.now_ns, view.height_t_ns)
    if age > view.max_height_age_ms or view.height_t_ns < 0:
        refuse("STALE_HEIGHT", view.max_height_age_ms, age)
        return
    skew = abs(view.height_t_ns - view.height_time_ns) // NS_PER_MS
    if skew > view.max_clock_skew_ms:
        refuse("CLOCK_SKEW", view.max_clock_skew_ms, skew)


def _check_book(view: GateView, refuse: Refuse) -> None:
    age = _age_ms(view.now_ns, view.book_t_ns)
    if not view.book_ready or view.book_t_ns < 0 or age > view.book_max_age_ms:
        refuse("STALE_BOOK", view.book_max_age_ms, age)
    elif view.best_bid == 0 or view.best_ask == 0:
        refuse("BOOK_ONE_SIDED", 1, 0)
    elif view.best_bid >= view.best_ask:
        refuse("BOOK_CROSSED", view.best_ask, view.best_bid)
    elif view.oracle_subticks > _ABSURD * view.best_ask:
        refuse("PRICE_ABSURD", _ABSURD * view.best_ask, view.oracle_subticks)
    elif 0 < view.oracle_subticks * _ABSURD < view.best_bid:
        refuse("PRICE_ABSURD", view.best_bid // _ABSURD, view.oracle_subticks)


def _age_ms(now_ns: int, then_ns: int) -> int:
    """Age in milliseconds; -1 for something never seen."""
    return -1 if then_ns < 0 else (now_ns - then_ns) // NS_PER_MS
