"""Reads a journal into the page's charts: quotes, prices, fills, inventory, ranges, profit."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from keeper.accounting.ledger import Ledger
from keeper.accounting.markouts import JournalMarkouts, ReferenceMarkout
from keeper.domain import commands as cm
from keeper.domain import events as ev
from keeper.domain.orders import TimeInForce
from keeper.domain.settings import MarketSettings, StepSettings
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.journal import JournalReader, Step
from keeper.pages.market_reading import MarketReading, Quoted
from keeper.pages.messages import MessageReading
from keeper.pages.parameters import parameter_rows
from keeper.pages.pool_reading import PoolReading
from keeper.pages.profit import profit_over_time
from keeper.pages.report_data import Figure, JournalParts, Markout
from keeper.pages.series import Points, append, steps_of

__all__ = ["JournalReading", "build_report_data_from_journal"]

_GWEI: Final = 10**9


def build_report_data_from_journal(folder: Path) -> JournalParts:
    """Read every step of a journal. Raises JournalCorrupt, OSError."""
    reading = JournalReading()
    for step in JournalReader(folder).steps():
        reading.take(step)
    return reading.parts()


class JournalReading:
    """One pass over a journal."""

    def __init__(self) -> None:
        self._markets: dict[str, MarketReading] = {}
        self._pools: dict[str, PoolReading] = {}
        self._events: Counter[str] = Counter()
        self._commands: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()
        self._gas: dict[str, int] = {}
        self._settings: StepSettings | None = None
        self._runs = 0
        self._first_ns = self._last_ns = 0
        self._height = -1
        self._time_ms_of: dict[int, int] = {}
        self._ledger = Ledger()
        self._markouts = JournalMarkouts()
        self._messages = MessageReading()

    def take(self, step: Step) -> None:
        """Fold one step."""
        self._first_ns = self._first_ns or step.t_ns
        self._last_ns = step.t_ns
        self._events[type(step.event).__name__] += 1
        self._ledger.apply(step.event)
        self._markouts.take(step.t_ns, step.event)
        at_ms = step.t_ns // NS_PER_MS
        handler = _HANDLERS.get(type(step.event))
        if handler is not None:
            handler(self, at_ms, step.event)
        for command in step.commands:
            self._commands[type(command).__name__] += 1
            self._issue(command)
        for market in self._markets.values():
            market.tick(at_ms)

    def parts(self) -> JournalParts:
        """Return what was read."""
        quoted = sorted((n, m) for n, m in self._markets.items() if m.listing is not None)
        end_ms = self._last_ns // NS_PER_MS
        self._markouts.finish(self._last_ns)
        return JournalParts(
            markets=tuple(
                market.chart(name, end_ms, self._pool_delta(name)) for name, market in quoted
            ),
            pools=tuple(pool.chart() for _, pool in sorted(self._pools.items())),
            fills=tuple(row for name, market in quoted for row in market.summaries(name)),
            profit=profit_over_time(self._ledger, self._time_ms_of),
            parameters=parameter_rows(self._settings) if self._settings else (),
            refusals=tuple(self._refusals.most_common()),
            markouts=tuple(map(_markout, self._markouts.rows())),
            figures=self._figures(),
        )

    def _pool_delta(self, ticker: str) -> Points:
        """What the pools hold that a market hedges, summed."""
        held = [p.base for p in self._pools.values() if p.settings.hedge_market == ticker]
        total: Points = []
        for at_ms, values in steps_of(*held):
            append(total, at_ms, sum(value or 0 for value in values))
        return total

    def _figures(self) -> tuple[Figure, ...]:
        seconds = (self._last_ns - self._first_ns) // NS_PER_SECOND
        gas_wei = sum(self._gas.values())
        return (
            Figure(name="Events in the log", value=f"{sum(self._events.values()):,}"),
            Figure(name="Commands decided", value=f"{sum(self._commands.values()):,}"),
            *self._messages.figures(),
            Figure(name="Time covered", value=f"{seconds // 3600} h {seconds % 3600 // 60} min"),
            Figure(name="Runs", value=f"{self._runs}"),
            Figure(
                name="Gas paid by the keeper",
                value=f"{gas_wei // _GWEI:,} gwei",
                note=f"{len(self._gas)} transactions; its own cost, outside NAV",
            ),
        )

    # Events

    def _started(self, _at_ms: int, event: ev.RunStarted) -> None:
        self._runs += 1
        self._set(event.settings)
        for market in self._markets.values():
            for client_id in list(market.quotes):
                market.drop(client_id)

    def _changed(self, _at_ms: int, event: ev.ParamsChanged) -> None:
        self._set(event.settings)

    def _set(self, settings: StepSettings) -> None:
        self._settings = settings
        for pool in settings.pools:
            self._pools.setdefault(pool.adapter, PoolReading(settings=pool)).settings = pool
        for market in settings.markets:
            self._market(market.ticker).leader = market.leader

    def _listed(self, _at_ms: int, event: ev.MarketListed) -> None:
        self._market(event.market.ticker).listing = event.market

    def _priced(self, at_ms: int, event: ev.OraclePriced) -> None:
        self._market(event.market).price(at_ms, event.price)

    def _led(self, at_ms: int, event: ev.LeaderQuoted) -> None:
        self._market(event.market).lead(at_ms, event)

    def _venue_block(self, at_ms: int, event: ev.VenueBlock) -> None:
        self._height = max(self._height, event.height)
        self._time_ms_of.setdefault(event.height, at_ms)
        for market in self._markets.values():
            market.drop_before(self._height)

    def _filled(self, at_ms: int, event: ev.FillReceived) -> None:
        at_ms = event.happened_ns(at_ms * NS_PER_MS) // NS_PER_MS
        self._messages.fill(event)
        self._market(event.market).fills.setdefault(event.fill_id, (at_ms, event))

    def _order(self, _at_ms: int, event: ev.OrderUpdated) -> None:
        if event.status in ("FILLED", "CANCELED"):
            self._market(event.market).drop(event.client_id)

    def _observed(self, at_ms: int, event: ev.SubaccountObserved) -> None:
        held = {position.market: position.quantums for position in event.positions}
        for name, market in self._markets.items():
            if market.first_position is None:
                market.first_position = (at_ms, event.height, held.get(name, 0))

    def _reconciled(self, at_ms: int, event: ev.Reconciled) -> None:
        self._observed(at_ms, event.subaccount)

    def _pool(self, at_ms: int, event: ev.PoolObserved) -> None:
        if event.adapter in self._pools:
            self._pools[event.adapter].take(at_ms, event)

    def _mined(self, _at_ms: int, event: ev.TransactionMined) -> None:
        if event.final:
            self._gas.setdefault(event.tx_hash, event.gas_used * event.effective_gas_price)

    # Commands

    def _issue(self, command: cm.Command) -> None:
        if isinstance(command, cm.PlaceOrder):
            self._messages.place(command, self._settings_of(command.market))
            if command.time_in_force is not TimeInForce.IOC:
                quoted = Quoted(command.side, command.subticks, command.good_til_block)
                self._market(command.market).quote(command.client_id, quoted)
        elif isinstance(command, cm.CancelOrders):
            self._messages.cancel()
            for client_id in command.client_ids:
                self._market(command.market).drop(client_id)
        elif isinstance(command, cm.NoteRefusal):
            self._refusals[command.code] += 1

    def _settings_of(self, ticker: str) -> MarketSettings | None:
        known = () if self._settings is None else self._settings.markets
        return next((market for market in known if market.ticker == ticker), None)

    def _market(self, ticker: str) -> MarketReading:
        return self._markets.setdefault(ticker, MarketReading())


def _markout(row: ReferenceMarkout) -> Markout:
    """Rows without a judged fill have been left out."""
    found = row.markout
    return Markout(
        market=row.market,
        reference=row.reference,
        side=found.side.value,
        liquidity=found.liquidity.value,
        horizon_s=found.horizon_ns // NS_PER_SECOND,
        count=found.fills,
        usdc_e6=row.quote_quantums,
        ppm=row.ppm or 0,
    )


_HANDLERS: Final[dict[type, Callable[[JournalReading, int, Any], None]]] = {
    ev.RunStarted: JournalReading._started,
    ev.ParamsChanged: JournalReading._changed,
    ev.MarketListed: JournalReading._listed,
    ev.OraclePriced: JournalReading._priced,
    ev.LeaderQuoted: JournalReading._led,
    ev.VenueBlock: JournalReading._venue_block,
    ev.FillReceived: JournalReading._filled,
    ev.OrderUpdated: JournalReading._order,
    ev.SubaccountObserved: JournalReading._observed,
    ev.Reconciled: JournalReading._reconciled,
    ev.PoolObserved: JournalReading._pool,
    ev.TransactionMined: JournalReading._mined,
}
