"""The one entry point: fold an event, decide, check the limits, and return what may be sent."""

from keeper.core.fold import fold
from keeper.core.notes import fresh_notes
from keeper.core.quoting import desired_quotes, place_quotes, withdraw_unwanted
from keeper.core.state import State
from keeper.core.stops import sample_losses
from keeper.domain import events as ev
from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import Command, NoteRefusal, RaiseAlert
from keeper.domain.settings import RiskLimits
from keeper.risk.verdicts import approve_notice

__all__ = ["step"]

_QUIET = (ev.BlockSeen, ev.BlockReverted, ev.TransactionSigned, ev.TransactionMined, ev.Conflated)
"""Events that change nothing a quote depends on."""


def step(state: State, t_ns: int, seq: int, event: ev.Event) -> tuple[Approved[Command], ...]:
    """Advance `state` by one sequenced event and return approved commands in sending order.

    `t_ns` is the record's time (unix ns, never decreasing), `seq` its number. The ordinal of a
    command is its index in the returned tuple. Deterministic: no clock, no randomness, no I/O.
    """
    state.t_ns = t_ns
    state.seq = seq
    fold(state, event)
    if state.settings is None:
        return ()
    limits = state.settings.limits
    out: list[Approved[Command]] = []
    notices: list[NoteRefusal | RaiseAlert] = []
    if isinstance(event, ev.VenueBlock):
        notices += _check_losses(state, limits)
    notices += _quote(state, _scope(state, event), limits, out)
    out.extend(approve_notice(notice) for notice in notices)
    return tuple(out)


def _scope(state: State, event: ev.Event) -> tuple[str, ...]:
    """Markets whose quotes may differ after this event."""
    if isinstance(event, ev.BookUpdated | ev.OraclePriced | ev.OrderUpdated):
        return (event.market,) if event.market in state.markets else ()
    if isinstance(event, _QUIET):
        return ()
    if isinstance(event, ev.CommandResult) and event.outcome in ("ACK", "UNKNOWN"):
        return ()
    return tuple(state.markets)


def _quote(
    state: State, scope: tuple[str, ...], limits: RiskLimits, out: list[Approved[Command]]
) -> list[NoteRefusal]:
    """Bring the markets' orders to what is wanted, all cancels before the first place."""
    wanted = {ticker: desired_quotes(state, ticker, limits) for ticker in scope}
    for ticker, (ladder, _) in wanted.items():
        withdraw_unwanted(state, ticker, ladder, out)
    notes: list[NoteRefusal] = []
    for ticker, (ladder, refused) in wanted.items():
        reasons = refused + (place_quotes(state, ticker, ladder, out) if ladder else [])
        notes += fresh_notes(state, ticker, reasons)
    return notes


def _check_losses(state: State, limits: RiskLimits) -> list[RaiseAlert]:
    return [_trip_alert(entry) for entry in sample_losses(state, limits)]


def _trip_alert(entry: Refused) -> RaiseAlert:
    text = f"{entry.code}: {entry.value} beyond {entry.limit}; leaving all positions"
    return RaiseAlert(severity="page", code=entry.code, text=text)
