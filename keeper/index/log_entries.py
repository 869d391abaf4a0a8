"""Journal records as log lines: a level, a market, words, and every id that names the record."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final, get_args

import msgspec

from keeper.domain import commands as cm
from keeper.domain import events as ev
from keeper.domain.commands import CommandId
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side
from keeper.index.build import Index
from keeper.index.decimals import base_decimals, decimal_text, price_decimals, utc_text
from keeper.index.facts import command_text
from keeper.index.profit import listings, pool_settings
from keeper.journal import Step

__all__ = ["LEVELS", "LogContext", "LogEntry", "LogReader", "log_context"]

LEVELS: Final = ("debug", "info", "warn", "page")
_REMEMBERED: Final = 20_000
_CHAIN_COMMANDS: Final = get_args(cm.ChainCommand)
_USDC: Final = 6


Words = tuple[str, str, str, tuple[str, ...]]
"""Level, market, text, ids."""


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line: `seq` is the record's, `ids` everything it can be looked up by."""

    seq: int
    t_ns: int
    level: str
    kind: str
    market: str
    text: str
    ids: tuple[str, ...] = ()

    @property
    def time(self) -> str:
        """The record's time, UTC."""
        return utc_text(self.t_ns)

    def is_about(self, wanted: str) -> bool:
        """Whether an id names this record; of a hash six characters or more suffice."""
        by_prefix = wanted.startswith("0x") and len(wanted) >= 8
        return any(i == wanted or (by_prefix and i.startswith(wanted)) for i in self.ids)


class LogContext(msgspec.Struct, frozen=True, kw_only=True):
    """What lines need from before the place where reading starts.

    `hedged` are markets by pool adapter, `operations` kinds of chain commands by their id.
    """

    run: int = 0
    listings: dict[str, PerpetualMarket] = {}
    hedged: dict[str, str] = {}
    operations: dict[str, tuple[str, str]] = {}


def log_context(index: Index, run: int) -> LogContext:
    """Collect the context for reading from a place in a run."""
    hedged = {a: pool.hedge_market for a, pool in pool_settings(index).items()}
    rows = index.database.execute("SELECT command, kind, adapter FROM chain_commands")
    return LogContext(
        run=run,
        listings=listings(index),
        hedged=hedged,
        operations={command: (kind, adapter) for command, kind, adapter in rows},
    )


class LogReader:
    """Turns steps into entries, one journal in order; market data make none."""

    def __init__(self, context: LogContext) -> None:
        self._run = context.run
        self._listings = dict(context.listings)
        self._hedged = dict(context.hedged)
        self._operations = context.operations
        self._sent: dict[str, tuple[str, str, tuple[str, ...]]] = {}
        self._order: deque[str] = deque()

    def entries(self, step: Step) -> Iterator[LogEntry]:
        """Yield what a step has to say: its event, a failure, its commands."""
        if isinstance(step.event, ev.RunStarted):
            self._run = step.event.run
        if isinstance(step.event, ev.RunStarted | ev.ParamsChanged):
            self._hedged = {p.adapter: p.hedge_market for p in step.event.settings.pools}
        if isinstance(step.event, ev.MarketListed):
            self._listings[step.event.market.ticker] = step.event.market
        told = _EVENTS.get(type(step.event))
        if told is not None:
            yield self._entry(step, type(step.event).__name__, told(self, step.event), ())
        if step.error:
            failed: Words = ("page", "", f"the step failed: {step.error}", ())
            yield self._entry(step, "StepFailed", failed, ())
        for ordinal, command in enumerate(step.commands):
            name = command_text(CommandId(self._run, step.seq, ordinal))
            words = self._command(name, command)
            yield self._entry(step, type(command).__name__, words, (name,))

    def _entry(
        self,
        step: Step,
        kind: str,
        words: Words,
        ids: tuple[str, ...],
    ) -> LogEntry:
        level, market, text, more = words
        return LogEntry(
            seq=step.seq,
            t_ns=step.t_ns,
            level=level,
            kind=kind,
            market=market,
            text=text,
            ids=(str(step.seq), *ids, *(name for name in more if name)),
        )

    def _command(self, name: str, command: cm.Command) -> Words:
        match command:
            case cm.PlaceOrder():
                return self._place(name, command)
            case cm.CancelOrders(market=market, client_ids=ids):
                names = tuple(str(i) for i in ids)
                self._remember(name, market, f"cancel of {len(ids)} orders", names)
                return "debug", market, f"cancel {', '.join(names)}", names
            case cm.NoteRefusal(code=code, subject=subject, limit=limit, value=value):
                market = self._market_of(subject)
                return "warn", market, f"refused {code} {subject}: {value:,} against {limit:,}", ()
            case cm.CollectReport(epoch=epoch):
                return "info", "", f"ask the reporters about epoch {epoch}", ()
            case cm.SubmitReport(report=report, signatures=signatures):
                words = f"submit the report of epoch {report.epoch}: {len(signatures)} signatures"
                self._remember(name, "", words, ())
                return "info", "", words, ()
            case cm.NotePhase():
                return _phase_words(command)
            case cm.RaiseAlert(severity=severity, code=code, text=text):
                return severity, "", f"alert {code}: {text}", ()
        return self._chain_command(name, command)

    def _place(self, name: str, order: cm.PlaceOrder) -> Words:
        words = self._trade(order.market, order.side, order.quantums, order.subticks)
        ids = (str(order.client_id),)
        self._remember(name, order.market, f"{words} (order {order.client_id})", ids)
        until = f"order {order.client_id}, good until block {order.good_til_block}"
        return "debug", order.market, f"place {words}: {until}", ids

    def _chain_command(self, name: str, command: cm.Command) -> Words:
        fields = msgspec.structs.asdict(command)
        adapter = str(fields.pop("adapter", ""))
        market = self._hedged.get(adapter, "")
        words = " ".join(f"{key}={value}" for key, value in fields.items() if key != "deadline")
        self._remember(name, market, type(command).__name__, ())
        return "info", market, f"{type(command).__name__} {words} {adapter}".strip(), (adapter,)

    def _trade(self, ticker: str, side: Side, quantums: int, subticks: int) -> str:
        market = self._listings.get(ticker)
        if market is None:
            return f"{side.value.lower()} {quantums} quantums at {subticks} subticks"
        size = decimal_text(quantums, base_decimals(market))
        return f"{side.value.lower()} {size} at {decimal_text(subticks, price_decimals(market))}"

    def _about(self, name: str) -> tuple[str, str, tuple[str, ...]]:
        """Market, words and ids of a command that was read, or known to the index from before."""
        kind, adapter = self._operations.get(name, ("", ""))
        return self._sent.get(name, (self._hedged.get(adapter, ""), kind or "a command", ()))

    def _remember(self, name: str, market: str, words: str, ids: tuple[str, ...]) -> None:
        """Keep what a command was about for the result that names it."""
        self._sent[name] = (market, words, ids)
        self._order.append(name)
        if len(self._order) > _REMEMBERED:
            del self._sent[self._order.popleft()]

    def _market_of(self, subject: str) -> str:
        """The market a refusal is about: its subject begins with it, or is its pool's adapter."""
        name = subject.split("/")[0].removeprefix("hedge:")
        return self._hedged.get(name, name if "-" in name else "")

    def _result(self, event: ev.CommandResult) -> Words:
        name = command_text(event.command)
        market, words, ids = self._about(name)
        level = "debug" if event.outcome in ("ACK", "SHADOW") else "warn"
        code = f" {event.codespace} {event.code}".rstrip(" 0") if event.codespace else ""
        detail = f": {event.detail}" if event.detail else ""
        text = f"{event.outcome}{code} {words} [{name}]{detail}"
        return level, market, text, (name, event.tx_hash, *ids)

    def _mined(self, event: ev.TransactionMined) -> Words:
        name = command_text(event.command)
        market, words, ids = self._about(name)
        level = "warn" if not event.succeeded else "info" if event.final else "debug"
        how = "reverted" if not event.succeeded else "final" if event.final else "included"
        effects = ", ".join(effect.kind for effect in event.effects)
        text = f"{words} {how} in block {event.block_number} ({effects or 'no effect'}) [{name}]"
        return level, market, text, (name, event.tx_hash, *ids)

    def _signed(self, event: ev.TransactionSigned) -> Words:
        name = command_text(event.command)
        market, words, ids = self._about(name)
        text = f"{words} signed, nonce {event.nonce} [{name}]"
        return "debug", market, text, (name, event.tx_hash, *ids)

    def _filled(self, event: ev.FillReceived) -> Words:
        words = self._trade(event.market, event.side, event.quantums, event.subticks)
        money = decimal_text(event.quote_quantums, _USDC)
        fee = decimal_text(event.fee_quote_quantums, _USDC)
        text = f"filled {words} as {event.liquidity.value.lower()}: {money} USDC, fee {fee}"
        ids = (event.fill_id, "" if event.client_id is None else str(event.client_id))
        return "info", event.market, text, ids


_EventWords = Callable[[LogReader, Any], Words]


def _plain(level: str, words: Callable[[Any], str]) -> _EventWords:
    """An event whose text needs nothing else; its market is its own field, if it has one."""
    return lambda _reader, event: (level, getattr(event, "market", ""), words(event), ())


def _order_words(_reader: LogReader, event: ev.OrderUpdated) -> Words:
    text = f"order {event.client_id} {event.status} {event.removal_reason}".rstrip()
    return "debug", event.market, text, (str(event.client_id),)


def _operator_words(_reader: LogReader, event: ev.OperatorCommand) -> Words:
    market = event.argument if event.verb in ("pause", "resume") else ""
    text = f"{_who(event)}: {event.verb} {event.argument}".rstrip()
    return "info", market, _with_reason(text, event.reason), ()


def _who(event: ev.OperatorCommand | ev.ParamsChanged) -> str:
    """The name that was given, and the system's word on who gave it."""
    name = event.operator or "nobody named"
    return name if event.uid < 0 else f"{name} (uid {event.uid}, pid {event.pid})"


def _with_reason(text: str, reason: str) -> str:
    return f"{text}: {reason}" if reason else text


def _phase_words(note: cm.NotePhase) -> Words:
    turn = f"phase {note.before} -> {note.after}"
    if note.operator:
        return "info", "", _with_reason(f"{turn} by {note.operator}", note.reason), ()
    return "warn", "", f"{turn}, {note.code}: {note.value:,} against {note.limit:,}", ()


def _transfer_words(_reader: LogReader, event: ev.VenueTransfer) -> Words:
    amount = decimal_text(event.quote_quantums, _USDC)
    return "info", "", f"collateral {amount} USDC with {event.counterparty}", (event.transfer_id,)


def _report_words(_reader: LogReader, event: ev.ReportCollected) -> Words:
    signed = f"epoch {event.epoch}: {len(event.signatures)} of {event.quorum} signatures"
    level = "info" if event.signatures and len(event.signatures) >= event.quorum else "warn"
    return level, "", "; ".join((signed, *event.refusals)), ()


_EVENTS: Final[dict[type, _EventWords]] = {
    ev.RunStarted: _plain(
        "info", lambda e: f"run {e.run} of {e.package_version} ({e.wheel_hash[:12]}) for {e.vault}"
    ),
    ev.ParamsChanged: _plain(
        "info",
        lambda e: _with_reason(f"parameters changed by {_who(e)}, {e.params_hash[:12]}", e.reason),
    ),
    ev.OperatorCommand: _operator_words,
    ev.SourceUp: _plain("info", lambda e: f"source {e.source} is up"),
    ev.SourceDown: _plain("warn", lambda e: f"source {e.source} is down: {e.detail}"),
    ev.SourceGap: _plain("warn", lambda e: f"{e.source} skipped {e.expected} to {e.received}"),
    ev.Takeover: _plain("warn", lambda e: f"takeover from {e.former} above height {e.height}"),
    ev.BlockReverted: _plain("warn", lambda e: f"block {e.number} {e.hash} was reverted"),
    ev.Reconciled: _plain(
        "info", lambda e: f"reconciled at height {e.height}: {len(e.open_orders)} orders open"
    ),
    ev.FundingPaid: _plain(
        "info", lambda e: f"funding {decimal_text(e.quote_quantums, _USDC)} USDC"
    ),
    ev.FillReceived: LogReader._filled,
    ev.CommandResult: LogReader._result,
    ev.ReportCollected: _report_words,
    ev.TransactionMined: LogReader._mined,
    ev.TransactionSigned: LogReader._signed,
    ev.OrderUpdated: _order_words,
    ev.VenueTransfer: _transfer_words,
}
