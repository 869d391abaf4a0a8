"""Apply one event to the state: idempotent by natural key, confluent across sources."""

from keeper.core.state import MarketState, PoolState, State
from keeper.domain.events import Event, ParamsChanged, RunStarted
from keeper.domain.settings import StepSettings
from keeper.markets.book import Book

__all__ = ["fold"]


def fold(state: State, event: Event) -> None:
    """Change `state` by what `event` says; a second delivery changes nothing."""
    if isinstance(event, RunStarted):
        _start_run(state, event)
    elif isinstance(event, ParamsChanged):
        _configure(state, event.settings)


def _start_run(state: State, event: RunStarted) -> None:
    if event.run <= state.run:
        return
    state.run = event.run
    state.subaccount, state.vault = event.subaccount, event.vault
    state.client_id_base = event.client_id_base
    state.orders.pending.clear()
    _configure(state, event.settings)


def _configure(state: State, settings: StepSettings) -> None:
    state.settings = settings
    for market in state.markets.values():
        market.settings = None
    for entry in settings.markets:
        state.markets.setdefault(entry.ticker, MarketState(book=Book())).settings = entry
    kept = {pool.adapter: state.pools.get(pool.adapter) for pool in settings.pools}
    state.pools = {}
    for pool in settings.pools:
        former = kept[pool.adapter]
        state.pools[pool.adapter] = former if former is not None else PoolState(settings=pool)
        state.pools[pool.adapter].settings = pool
