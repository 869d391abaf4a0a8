"""Profit since midnight UTC as the ledger counts it: the venue account and each pool, on their own.

Unlike the loss stops it is no limit: a person who resumes accepts a loss, and the day keeps it.
"""

from typing import Final

from keeper.core.state import DayProfit, State
from keeper.core.views import account_equity
from keeper.domain import events as ev
from keeper.domain.units import NS_PER_SECOND

__all__ = ["close_height", "note_pools", "profit_today"]

_VENUE: Final = ""
_SECONDS_PER_DAY: Final = 86_400
_NS_PER_DAY: Final = _SECONDS_PER_DAY * NS_PER_SECOND
_OF_A_HEIGHT: Final = (
    *(ev.VenueBlock, ev.OraclePriced, ev.FillReceived, ev.FundingPaid, ev.VenueTransfer),
    *(ev.SubaccountObserved, ev.Reconciled),
)


def close_height(state: State, event: ev.Event) -> None:
    """Before the first event of a venue height: what came of all up to the height before it."""
    if not isinstance(event, _OF_A_HEIGHT):
        return
    leg = state.days.get(_VENUE)
    if leg is not None and event.height <= leg.place:
        return
    profit = _venue_profit(state)
    if profit is None or state.height < 0:
        return
    _note(state, _VENUE, state.height_time_ns // _NS_PER_DAY, profit)
    state.days[_VENUE].place = event.height


def note_pools(state: State, event: ev.Event) -> None:
    """After an observation of the chain: what each pool that was seen in the vault's block made."""
    vault = state.chain.vault
    if vault is None or not isinstance(event, ev.VaultObserved | ev.PoolObserved):
        return
    for entry in vault.adapters:
        pool = state.pools.get(entry.adapter)
        seen = None if pool is None else pool.seen
        if pool is None or seen is None or seen.mark_price <= 0:
            continue
        if seen.block_hash == vault.block_hash:
            profit = pool.value - (entry.sent - entry.returned)
            _note(state, entry.adapter, seen.block_timestamp // _SECONDS_PER_DAY, profit)


def profit_today(state: State) -> int | None:
    """Profit of the venue's day so far, in quote quantums; None before the account is known."""
    venue = state.days.get(_VENUE)
    profit = _venue_profit(state)
    if venue is None or profit is None:
        return None
    today = state.height_time_ns // _NS_PER_DAY
    total = profit - (venue.opening if venue.day == today else venue.latest)
    for adapter, leg in state.days.items():
        if adapter != _VENUE and leg.day == today:
            total += leg.latest - leg.opening
    return total


def _venue_profit(state: State) -> int | None:
    equity, account = account_equity(state), state.account
    if equity is None:
        return None
    return equity - (account.transferred_in - account.transferred_out)


def _note(state: State, name: str, day: int, profit: int) -> None:
    leg = state.days.get(name)
    if leg is None:
        leg = state.days[name] = DayProfit(day=day, opening=profit, latest=profit)
    elif day > leg.day:
        leg.day, leg.opening = day, leg.latest
    leg.latest = profit
