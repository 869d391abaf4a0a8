"""What a running keeper would do under other parameters, or after a word: tried on a copy."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from keeper.core.fold import fold
from keeper.core.plausible import REFUSED, Surroundings, implausible
from keeper.core.pool_cuts import Cut, cuts
from keeper.core.quoting import desired_quotes
from keeper.core.state import State, state_bytes, state_from_bytes
from keeper.core.step import step
from keeper.core.views import account_equity
from keeper.domain import events as ev
from keeper.domain.approval import Refused
from keeper.domain.commands import CancelOrders, Command, NotePhase, NoteRefusal, RaiseAlert
from keeper.domain.orders import Quote
from keeper.domain.settings import StepSettings, params_hash

__all__ = ["Ladder", "cuts_under", "flattening_plan", "ladders", "ladders_under", "new_flaws"]


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """What a market should show now, front layers first, and the codes of what limits it."""

    market: str
    quotes: tuple[Quote, ...]
    refused: tuple[Refused, ...]


def ladders(state: State) -> tuple[Ladder, ...]:
    """Return every quoted market's ladder under the present parameters."""
    return _ladders(_copy(state))


def ladders_under(state: State, settings: StepSettings) -> tuple[Ladder, ...]:
    """Return every quoted market's ladder as if the parameters had just changed."""
    return _ladders(_changed(state, settings))


def cuts_under(state: State, settings: StepSettings) -> tuple[Cut, ...]:
    """Return what limits would keep out of pools' ranges as if the parameters had just changed."""
    return cuts(_changed(state, settings))


def new_flaws(state: State, settings: StepSettings) -> tuple[Refused, ...]:
    """Return what would be implausible under new parameters and is not under the present ones.

    Markets whose listing or oracle price is unknown are not judged.
    """
    known = {(flaw.code, flaw.subject) for flaw in _flaws(state, state.settings)}
    return tuple(
        flaw
        for flaw in _flaws(state, settings)
        if flaw.code in REFUSED and (flaw.code, flaw.subject) not in known
    )


def flattening_plan(state: State) -> tuple[Command, ...]:
    """Return the first commands a word to flatten would give rise to, in their order.

    Cancels follow the word at once; immediate orders the next venue block, and pool operations the
    next observation of a pool, both taken as what is known now. What is left after them (an order
    filled in part, a range's tokens still to be sold) is decided again block by block.
    """
    copy = _copy(state)
    word = ev.OperatorCommand(verb="exit", argument="", operator="preview")
    block = ev.VenueBlock(height=copy.height + 1, time_ns=copy.height_time_ns)
    observed: list[ev.Event] = [word, block]
    if (vault := copy.chain.vault) is not None:
        observed.append(replace(vault, block_number=vault.block_number + 1, block_hash="preview"))
    for pool in copy.pools.values():
        if (seen := pool.seen) is not None:
            following = seen.block_number + 1
            observed.append(replace(seen, block_number=following, block_hash="preview"))
    return tuple(_orders_of(copy, observed))


def _orders_of(copy: State, events: Iterable[ev.Event]) -> list[Command]:
    found: list[Command] = []
    for event in events:
        approved = step(copy, copy.t_ns, copy.seq + 1, event)
        commands = (item.value for item in approved)
        found += [
            each
            for each in commands
            if not (
                isinstance(each, NoteRefusal | RaiseAlert | NotePhase) or _is_repeated(each, found)
            )
        ]
    return found


def _is_repeated(command: Command, before: list[Command]) -> bool:
    """A cancel goes out again each block until the venue confirms it; once is enough here."""
    if not isinstance(command, CancelOrders):
        return False
    known = {i for each in before if isinstance(each, CancelOrders) for i in each.client_ids}
    return known.issuperset(command.client_ids)


def _copy(state: State) -> State:
    return state_from_bytes(state_bytes(state))


def _changed(state: State, settings: StepSettings) -> State:
    copy = _copy(state)
    fold(copy, ev.ParamsChanged(settings=settings, params_hash=params_hash(settings)))
    return copy


def _ladders(state: State) -> tuple[Ladder, ...]:
    if state.settings is None:
        return ()
    found = []
    for entry in state.settings.markets:
        wanted, refused = desired_quotes(state, entry.ticker, state.settings.limits)
        found.append(
            Ladder(market=entry.ticker, quotes=tuple(wanted.values()), refused=tuple(refused))
        )
    return tuple(found)


def _flaws(state: State, settings: StepSettings | None) -> list[Refused]:
    if settings is None:
        return []
    equity = account_equity(state)
    found: list[Refused] = []
    for entry in settings.markets:
        market = state.markets.get(entry.ticker)
        if market is None or market.listing is None:
            continue
        seen = Surroundings(
            listing=market.listing,
            oracle_price=market.oracle_price,
            equity=0 if equity is None else equity,
            maker_fee_ppm=None,
        )
        found += implausible(entry, settings.limits, seen)
    return found
