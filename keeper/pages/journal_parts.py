"""Reads a journal into the page's charts: quotes as sent, oracle, fills, inventory, ranges."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from keeper.domain import commands as cm
from keeper.domain import events as ev
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side, TimeInForce
from keeper.domain.settings import PoolSettings
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.journal import JournalReader, Step
from keeper.markets.univ3 import sqrt_price_at_tick
from keeper.pages.report_data import (
    Figure,
    FillPoint,
    FillSummary,
    JournalParts,
    MarketChart,
    PoolChart,
)

__all__ = ["build_report_data_from_journal"]

_USDC_DECIMALS: Final = 6
_BASE_SCALE: Final = 9
_MOST_POINTS: Final = 1_200
_Q192: Final = 1 << 192

Points = list[tuple[int, Any]]


def build_report_data_from_journal(folder: Path) -> JournalParts:
    """Read every step of a journal. Raises JournalCorrupt, OSError."""
    reading = _Reading()
    for step in JournalReader(folder).steps():
        reading.take(step)
    return reading.parts()


@dataclass(slots=True)
class _Quote:
    side: Side
    subticks: int
    good_til_block: int


@dataclass(slots=True)
class _Market:
    listing: PerpetualMarket | None = None
    oracle: Points = field(default_factory=list)
    bid: Points = field(default_factory=list)
    ask: Points = field(default_factory=list)
    quotes: dict[int, _Quote] = field(default_factory=dict)
    fills: dict[str, tuple[int, ev.FillReceived]] = field(default_factory=dict)
    first_position: tuple[int, int, int] | None = None
    """(unix ms, venue height, base quantums) when the venue first told the position."""


@dataclass(slots=True)
class _Pool:
    settings: PoolSettings
    price: Points = field(default_factory=list)
    mark: Points = field(default_factory=list)
    lower: Points = field(default_factory=list)
    upper: Points = field(default_factory=list)


class _Reading:
    """One pass over a journal."""

    def __init__(self) -> None:
        self._markets: dict[str, _Market] = {}
        self._pools: dict[str, _Pool] = {}
        self._events: Counter[str] = Counter()
        self._commands: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()
        self._gas: dict[str, int] = {}
        self._runs = 0
        self._first_ns = self._last_ns = 0
        self._height = -1

    def take(self, step: Step) -> None:
        """Fold one step."""
        self._first_ns = self._first_ns or step.t_ns
        self._last_ns = step.t_ns
        self._events[type(step.event).__name__] += 1
        at_ms = step.t_ns // NS_PER_MS
        handler = _HANDLERS.get(type(step.event))
        if handler is not None:
            handler(self, at_ms, step.event)
        for command in step.commands:
            self._commands[type(command).__name__] += 1
            self._issue(command)
        for market in self._markets.values():
            _note_quotes(market, at_ms)

    def parts(self) -> JournalParts:
        """Return what was read."""
        quoted = {name: m for name, m in self._markets.items() if m.listing is not None}
        return JournalParts(
            markets=tuple(
                _chart(name, market, self._last_ns // NS_PER_MS)
                for name, market in sorted(quoted.items())
            ),
            pools=tuple(_pool_chart(pool) for _, pool in sorted(self._pools.items())),
            fills=tuple(s for name, m in sorted(quoted.items()) for s in _summaries(name, m)),
            refusals=tuple(self._refusals.most_common()),
            figures=self._figures(),
        )

    def _figures(self) -> tuple[Figure, ...]:
        seconds = (self._last_ns - self._first_ns) // NS_PER_SECOND
        orders = self._commands["PlaceOrder"]
        gas_wei = sum(self._gas.values())
        return (
            Figure(name="Events in the log", value=f"{sum(self._events.values()):,}"),
            Figure(name="Commands", value=f"{sum(self._commands.values()):,}"),
            Figure(name="Orders sent or replaced", value=f"{orders:,}"),
            Figure(name="Cancel messages", value=f"{self._commands['CancelOrders']:,}"),
            Figure(name="Time covered", value=f"{seconds // 3600} h {seconds % 3600 // 60} min"),
            Figure(name="Runs", value=f"{self._runs}"),
            Figure(
                name="Gas paid by the keeper",
                value=f"{gas_wei // 10**9:,} gwei",
                note=f"{len(self._gas)} transactions; its own cost, outside NAV",
            ),
        )

    # Events

    def _started(self, _at_ms: int, event: ev.RunStarted) -> None:
        self._runs += 1
        for pool in event.settings.pools:
            self._pools.setdefault(pool.adapter, _Pool(settings=pool)).settings = pool
        for market in self._markets.values():
            market.quotes.clear()

    def _listed(self, _at_ms: int, event: ev.MarketListed) -> None:
        self._market(event.market.ticker).listing = event.market

    def _priced(self, at_ms: int, event: ev.OraclePriced) -> None:
        market = self._market(event.market)
        if market.listing is not None:
            price = _scaled(event.price, market.listing.oracle_exponent + _USDC_DECIMALS)
            _append(market.oracle, at_ms, price)

    def _venue_block(self, _at_ms: int, event: ev.VenueBlock) -> None:
        self._height = max(self._height, event.height)
        for market in self._markets.values():
            dead = [i for i, q in market.quotes.items() if q.good_til_block < self._height]
            for client_id in dead:
                del market.quotes[client_id]

    def _filled(self, at_ms: int, event: ev.FillReceived) -> None:
        self._market(event.market).fills.setdefault(event.fill_id, (at_ms, event))

    def _order(self, _at_ms: int, event: ev.OrderUpdated) -> None:
        if event.status in ("FILLED", "CANCELED"):
            self._market(event.market).quotes.pop(event.client_id, None)

    def _observed(self, at_ms: int, event: ev.SubaccountObserved) -> None:
        held = {position.market: position.quantums for position in event.positions}
        for name, market in self._markets.items():
            if market.first_position is None:
                market.first_position = (at_ms, event.height, held.get(name, 0))

    def _reconciled(self, at_ms: int, event: ev.Reconciled) -> None:
        self._observed(at_ms, event.subaccount)

    def _pool(self, at_ms: int, event: ev.PoolObserved) -> None:
        pool = self._pools.get(event.adapter)
        if pool is None:
            return
        _append(pool.price, at_ms, _pool_price(pool.settings, event.sqrt_price_x96))
        mark = _scaled(event.mark_price, _USDC_DECIMALS - event.mark_decimals)
        _append(pool.mark, at_ms, mark)
        ticks = [tick for held in event.ranges for tick in (held.tick_lower, held.tick_upper)]
        prices = [_pool_price(pool.settings, sqrt_price_at_tick(tick)) for tick in ticks]
        _append(pool.lower, at_ms, min(prices, default=None))
        _append(pool.upper, at_ms, max(prices, default=None))

    def _mined(self, _at_ms: int, event: ev.TransactionMined) -> None:
        if event.final:
            self._gas.setdefault(event.tx_hash, event.gas_used * event.effective_gas_price)

    # Commands

    def _issue(self, command: cm.Command) -> None:
        if isinstance(command, cm.PlaceOrder):
            if command.time_in_force is not TimeInForce.IOC:
                self._market(command.market).quotes[command.client_id] = _Quote(
                    command.side, command.subticks, command.good_til_block
                )
        elif isinstance(command, cm.CancelOrders):
            for client_id in command.client_ids:
                self._market(command.market).quotes.pop(client_id, None)
        elif isinstance(command, cm.NoteRefusal):
            self._refusals[command.code] += 1

    def _market(self, ticker: str) -> _Market:
        return self._markets.setdefault(ticker, _Market())


_HANDLERS: Final[dict[type, Callable[[_Reading, int, Any], None]]] = {
    ev.RunStarted: _Reading._started,
    ev.MarketListed: _Reading._listed,
    ev.OraclePriced: _Reading._priced,
    ev.VenueBlock: _Reading._venue_block,
    ev.FillReceived: _Reading._filled,
    ev.OrderUpdated: _Reading._order,
    ev.SubaccountObserved: _Reading._observed,
    ev.Reconciled: _Reading._reconciled,
    ev.PoolObserved: _Reading._pool,
    ev.TransactionMined: _Reading._mined,
}


def _scaled(value: int, exponent: int) -> int:
    """value * 10^exponent, towards minus infinity."""
    factor: int = 10 ** abs(exponent)
    return value * factor if exponent >= 0 else value // factor


def _price(listing: PerpetualMarket, subticks: int) -> int:
    """Subticks in 1e-6 USDC, down."""
    return _scaled(subticks, listing.quantum_conversion_exponent - listing.atomic_resolution)


def _base(listing: PerpetualMarket, quantums: int) -> int:
    """Base quantums in 1e-9 of the base asset, down."""
    return _scaled(quantums, listing.atomic_resolution + _BASE_SCALE)


def _pool_price(pool: PoolSettings, sqrt_price_x96: int) -> int:
    """Price of the pool's base in 1e-6 of the asset, down."""
    scale: int = 10 ** (pool.base_decimals - pool.asset_decimals + _USDC_DECIMALS)
    squared = sqrt_price_x96 * sqrt_price_x96
    if pool.asset_is_token0:
        return _Q192 * scale // squared
    return squared * scale // _Q192


def _append(points: Points, at_ms: int, value: int | None) -> None:
    """Add a step unless nothing changed; a second value of one instant replaces the first."""
    if points and points[-1][0] == at_ms:
        points[-1] = (at_ms, value)
    elif not points or points[-1][1] != value:
        points.append((at_ms, value))


def _note_quotes(market: _Market, at_ms: int) -> None:
    if market.listing is None:
        return
    bids = [q.subticks for q in market.quotes.values() if q.side is Side.BUY]
    asks = [q.subticks for q in market.quotes.values() if q.side is Side.SELL]
    bid, ask = max(bids, default=None), min(asks, default=None)
    _append(market.bid, at_ms, None if bid is None else _price(market.listing, bid))
    _append(market.ask, at_ms, None if ask is None else _price(market.listing, ask))


def _chart(name: str, market: _Market, end_ms: int) -> MarketChart:
    listing = _listing(market)
    fills = sorted(market.fills.values(), key=lambda item: item[0])
    return MarketChart(
        market=name,
        oracle=_thinned(market.oracle),
        bid=_thinned(market.bid),
        ask=_thinned(market.ask),
        fills=tuple(
            FillPoint(
                at_ms=at_ms,
                side=fill.side.value,
                price_usdc_e6=_price(listing, fill.subticks),
                base_e9=_base(listing, fill.quantums),
            )
            for at_ms, fill in fills
        ),
        position=_thinned(_position(market, listing, end_ms)),
    )


def _position(market: _Market, listing: PerpetualMarket, end_ms: int) -> Points:
    """Inventory from the venue's first word and the fills above its height, held to the end."""
    if market.first_position is None:
        return []
    start_ms, height, quantums = market.first_position
    points: Points = [(start_ms, _base(listing, quantums))]
    for at_ms, fill in sorted(market.fills.values(), key=lambda item: (item[1].height, item[0])):
        if fill.height > height:
            quantums += fill.side.sign * fill.quantums
            _append(points, max(at_ms, points[-1][0]), _base(listing, quantums))
    return [*points, (end_ms, points[-1][1])]


def _summaries(name: str, market: _Market) -> list[FillSummary]:
    groups: dict[tuple[str, str], list[ev.FillReceived]] = {}
    for _, fill in market.fills.values():
        groups.setdefault((fill.side.value, fill.liquidity.value), []).append(fill)
    return [
        FillSummary(
            market=name,
            side=side,
            liquidity=liquidity,
            count=len(fills),
            base_e9=sum(_base(_listing(market), fill.quantums) for fill in fills),
            quote_usdc_e6=sum(fill.quote_quantums for fill in fills),
            fee_usdc_e6=sum(fill.fee_quote_quantums for fill in fills),
        )
        for (side, liquidity), fills in sorted(groups.items())
    ]


def _listing(market: _Market) -> PerpetualMarket:
    if market.listing is None:
        raise ValueError("a market without its listing has no units")
    return market.listing


def _pool_chart(pool: _Pool) -> PoolChart:
    return PoolChart(
        pool=pool.settings.pool,
        price=_thinned(pool.price),
        mark=_thinned(pool.mark),
        lower=_thinned(pool.lower),
        upper=_thinned(pool.upper),
    )


def _thinned(points: Points) -> tuple[tuple[int, Any], ...]:
    """Keep at most _MOST_POINTS steps, the value in force at evenly spaced times, and the last."""
    if len(points) <= _MOST_POINTS:
        return tuple(points)
    times = [at for at, _ in points]
    first, span = times[0], times[-1] - times[0]
    chosen = {
        bisect_right(times, first + span * n // (_MOST_POINTS - 1)) - 1 for n in range(_MOST_POINTS)
    }
    return tuple(points[index] for index in sorted(chosen))
