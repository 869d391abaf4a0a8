"""The one entry point: fold an event, decide, check the limits, and return what may be sent."""

from typing import Final

from keeper.core.alerts import alerts
from keeper.core.bounds import sample_depth
from keeper.core.capital import manage_vault
from keeper.core.day import close_height, note_pools
from keeper.core.fold import fold
from keeper.core.hedging import rebalance
from keeper.core.housekeeping import deadlines, keep_house
from keeper.core.notes import fresh_notes
from keeper.core.phases import phase_note
from keeper.core.placing import place_quotes, withdraw_unwanted
from keeper.core.pools import manage_pool
from keeper.core.quoting import desired_quotes
from keeper.core.state import State
from keeper.core.stops import watch_losses
from keeper.domain import events as ev
from keeper.domain.approval import Approved
from keeper.domain.commands import Command, NoteRefusal, RaiseAlert
from keeper.domain.settings import RiskLimits, StepSettings
from keeper.risk.verdicts import approve_notice

__all__ = ["step"]

_QUIET = (
    *(ev.BlockSeen, ev.BlockReverted, ev.TransactionSigned, ev.TransactionMined, ev.Conflated),
    *(ev.DutiesObserved, ev.ReportCollected),
)
"""Events that change nothing a quote depends on."""

_NO_NEWS = ("ACK", "UNKNOWN", "SHADOW")
"""Results after which a market's wishes are what they were."""

_OF_THE_HOUSE = (ev.VaultObserved, ev.DutiesObserved, ev.ReportCollected)

_OF_ONE_MARKET = (
    *(ev.BookUpdated, ev.OraclePriced, ev.LeaderQuoted, ev.OrderUpdated, ev.MarketFacts),
)

_OF_QUOTES_ALONE: Final = frozenset(
    (ev.BookUpdated, ev.LeaderQuoted, ev.OrderUpdated, ev.MarketFacts)
)
"""Events that move neither money, height, chain nor phase: all but quotes is as they found it."""


def step(state: State, t_ns: int, seq: int, event: ev.Event) -> tuple[Approved[Command], ...]:
    """Advance `state` by one sequenced event and return approved commands in sending order.

    `t_ns` is the record's time (unix ns, never decreasing), `seq` its number. The ordinal of a
    command is its index in the returned tuple. Deterministic: no clock, no randomness, no I/O.
    """
    state.t_ns = t_ns
    state.seq = seq
    if type(event) in _OF_QUOTES_ALONE:
        return _requote(state, event)
    phase = state.guard.phase
    close_height(state, event)
    fold(state, event)
    note_pools(state, event)
    if state.settings is None:
        return ()
    if isinstance(event, ev.VenueBlock):
        sample_depth(state, state.settings.limits)
    out: list[Approved[Command]] = []
    raised = alerts(state, event, watch_losses(state, event, state.settings.limits))
    if isinstance(event, ev.OperatorCommand) and event.verb == "cancel":
        _cancel_all(state, event.argument, out)
        return tuple(out)
    notes = _quote(state, _scope(state, event), state.settings.limits, out)
    notes += _hedge(state, event, state.settings.limits, out)
    notes += _keep_house(state, event, state.settings, raised, out)
    notes += _move_capital(state, event, state.settings, out)
    if (turned := phase_note(state, phase)) is not None:
        out.append(approve_notice(turned))
    out.extend(approve_notice(alert) for alert in raised)
    out.extend(approve_notice(note) for note in notes)
    return tuple(out)


def _requote(state: State, event: ev.Event) -> tuple[Approved[Command], ...]:
    """What `step` comes to for an event of a market's quotes alone, the most frequent by far."""
    fold(state, event)
    if state.settings is None:
        return ()
    out: list[Approved[Command]] = []
    notes = _quote(state, _scope(state, event), state.settings.limits, out)
    out.extend(approve_notice(note) for note in notes)
    return tuple(out)


def _scope(state: State, event: ev.Event) -> tuple[str, ...]:
    """Markets whose quotes may differ after this event."""
    if isinstance(event, _OF_ONE_MARKET):
        return (event.market,) if event.market in state.markets else ()
    if isinstance(event, _QUIET):
        return ()
    if isinstance(event, ev.CommandResult) and event.outcome in _NO_NEWS:
        return ()
    return tuple(sorted(state.markets))


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


def _cancel_all(state: State, argument: str, out: list[Approved[Command]]) -> None:
    """Cancel whatever rests, wanted or not; quoting goes on with the next event."""
    for ticker in sorted(state.markets):
        if argument in ("", ticker):
            withdraw_unwanted(state, ticker, {}, out)


def _hedge(
    state: State, event: ev.Event, limits: RiskLimits, out: list[Approved[Command]]
) -> list[NoteRefusal]:
    """Once a venue block: bring net delta home where quotes alone are too slow or too dear."""
    if not isinstance(event, ev.VenueBlock):
        return []
    notes: list[NoteRefusal] = []
    for ticker in sorted(state.markets):
        refused = rebalance(state, ticker, limits, out)
        notes += fresh_notes(state, f"hedge:{ticker}", refused)
    return notes


def _keep_house(
    state: State,
    event: ev.Event,
    settings: StepSettings,
    raised: list[RaiseAlert],
    out: list[Approved[Command]],
) -> list[NoteRefusal]:
    """Do what is due for depositors, and add to the alerts which deadlines are near."""
    house = settings.housekeeping
    if house is None or not isinstance(event, _OF_THE_HOUSE):
        return []
    raised += deadlines(state, event, house)
    refused = keep_house(state, event, house, out)
    return fresh_notes(state, f"house:{type(event).__name__}", refused)


def _move_capital(
    state: State, event: ev.Event, settings: StepSettings, out: list[Approved[Command]]
) -> list[NoteRefusal]:
    """The slow loop: at most one command under way per adapter, each on a fresh observation."""
    if settings.allocation is None:
        return []
    if isinstance(event, ev.VaultObserved):
        buffer_ppm = (
            0 if settings.housekeeping is None else (settings.housekeeping.redemption_buffer_ppm)
        )
        refused = manage_vault(state, settings.allocation, buffer_ppm, out)
        return fresh_notes(state, "vault", refused)
    if isinstance(event, ev.PoolObserved):
        refused = manage_pool(state, event.adapter, settings.allocation, out)
        return fresh_notes(state, event.adapter, refused)
    return []
