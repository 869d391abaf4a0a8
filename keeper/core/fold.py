"""Apply one event to the state: idempotent by natural key, confluent across sources."""

from collections.abc import Callable
from typing import Any

from keeper.core import account, chain
from keeper.core.phases import obey
from keeper.core.reference import learn_basis, others_top, take_leader
from keeper.core.signals import Top, learn_fill, learn_funding, learn_markouts, learn_top, top_of
from keeper.core.state import MarketState, PoolState, State
from keeper.core.traffic import note_fill
from keeper.domain import events as ev
from keeper.domain.orders import Liquidity
from keeper.domain.settings import StepSettings
from keeper.domain.units import PPM
from keeper.execution import updates
from keeper.markets.book import Book, apply_update
from keeper.risk.phase import Phase

__all__ = ["EVM_SOURCE_PREFIX", "fold", "pending_key"]

EVM_SOURCE_PREFIX = "evm"
"""Sources named so feed the slow loop: losing one does not stop quoting by itself; a pool whose
state grows too old stops the market that hedges it."""

_PRUNE_EVERY_BLOCKS = 64
_ORDINAL_BITS = 10


def fold(state: State, event: ev.Event) -> None:
    """Change `state` by what `event` says; a second delivery changes nothing."""
    handler = _HANDLERS.get(type(event))
    if handler is not None:
        handler(state, event)


def pending_key(seq: int, ordinal: int) -> int:
    """Key of a command of this run in `Orders.pending`."""
    return seq << _ORDINAL_BITS | ordinal


def _start_run(state: State, event: ev.RunStarted) -> None:
    """A restart keeps phase, orders and exposure; results of the former run can only be UNKNOWN."""
    if event.run <= state.run:
        return
    state.run = event.run
    state.subaccount, state.vault = event.subaccount, event.vault
    state.mode = event.mode
    state.venue_chain_id, state.evm_chain_id = event.venue_chain_id, event.evm_chain_id
    state.orders.client_id_base = event.client_id_base
    state.orders.pending.clear()
    state.sources.clear()
    state.duties.asked_t_ns = -1
    for market in state.markets.values():
        _lose_book(market)
        market.oracle_t_ns = market.facts_t_ns = -1
        _lose_leader(market)
    _configure(state, event.settings)


def _configure(state: State, settings: StepSettings) -> None:
    state.settings = settings
    for market in state.markets.values():
        market.settings = None
    for entry in settings.markets:
        _market(state, entry.ticker).settings = entry
    former = state.pools
    state.pools = {}
    for pool in settings.pools:
        known = former.get(pool.adapter)
        state.pools[pool.adapter] = PoolState(settings=pool) if known is None else known
        state.pools[pool.adapter].settings = pool


def _change_params(state: State, event: ev.ParamsChanged) -> None:
    _configure(state, event.settings)


def _list_market(state: State, event: ev.MarketListed) -> None:
    _market(state, event.market.ticker).listing = event.market


def _take_facts(state: State, event: ev.MarketFacts) -> None:
    market = _market(state, event.market)
    market.open_interest = event.open_interest
    market.volume_quote_quantums = event.volume_quote_quantums
    market.funding_ppb_per_hour = event.funding_ppb_per_hour
    market.facts_t_ns = state.t_ns


def _update_book(state: State, event: ev.BookUpdated) -> None:
    market = _market(state, event.market)
    if not apply_update(market.book, event):
        return
    market.book_t_ns = state.t_ns
    if _is_bent(market) and not _has_leader(market):
        found = others_top(state, event.market, market) if market.book.ready else None
        learn_top(market, None if found is None else Top(*found), state.t_ns)


def _price_oracle(state: State, event: ev.OraclePriced) -> None:
    market = _market(state, event.market)
    fresh = event.height > market.oracle_height
    if not fresh and (market.oracle_t_ns >= 0 or event.height < market.oracle_height):
        return
    market.oracle_price, market.oracle_height = event.price, event.height
    market.oracle_source, market.oracle_t_ns = event.source, state.t_ns
    if fresh:
        learn_basis(market, state.t_ns)
        learn_markouts(market, state.t_ns)


def _quote_leader(state: State, event: ev.LeaderQuoted) -> None:
    market = _market(state, event.market)
    if take_leader(market, event, state.t_ns) and _has_leader(market):
        learn_top(market, top_of(event), state.t_ns)


def _see_venue_block(state: State, event: ev.VenueBlock) -> None:
    if event.height <= state.height:
        return
    state.height, state.height_time_ns = event.height, event.time_ns
    state.height_t_ns = state.t_ns
    updates.advance_height(state.orders, event.height)
    if event.height % _PRUNE_EVERY_BLOCKS == 0:
        account.prune(state.account, event.height)


def _receive_fill(state: State, event: ev.FillReceived) -> None:
    if not account.add_fill(state.account, event):
        return
    learn_fill(_market(state, event.market), event, state.t_ns)
    if event.client_id is not None:
        updates.apply_fill(state.orders, event.client_id, event.quantums, event.height)
        note_fill(state, _market(state, event.market), event.quantums)
    if event.liquidity is Liquidity.TAKER and event.quote_quantums > 0:
        fee_ppm = event.fee_quote_quantums * PPM // event.quote_quantums
        _market(state, event.market).taker_fee_ppm = max(0, fee_ppm)


def _update_order(state: State, event: ev.OrderUpdated) -> None:
    updates.apply_update(state.orders, event, state.height)


def _observe_account(state: State, event: ev.SubaccountObserved) -> None:
    account.observe(state.account, event)


def _reconcile(state: State, event: ev.Reconciled) -> None:
    account.observe(state.account, event.subaccount)
    for found in event.open_orders:
        if found.good_til_block >= state.height:
            updates.adopt(state.orders, found, event.height)


def _pay_funding(state: State, event: ev.FundingPaid) -> None:
    account.add_funding(state.account, event)
    position = state.account.positions.get(event.market)
    quantums = 0 if position is None else position.quantums
    learn_funding(_market(state, event.market), event, quantums, state.t_ns)


def _transfer(state: State, event: ev.VenueTransfer) -> None:
    account.add_transfer(state.account, event)


def _result(state: State, event: ev.CommandResult) -> None:
    command = event.command
    if command.run == state.run:
        key = pending_key(command.seq, command.ordinal)
        if key in state.orders.pending:
            updates.apply_result(state.orders, key, event, state.height)
            return
    chain.apply_result(state, event)


def _source_up(state: State, event: ev.SourceUp) -> None:
    """Connected and complete from here on: what it said since the loss is its new word."""
    state.sources[event.source] = True


def _source_lost(state: State, event: ev.SourceDown) -> None:
    state.sources[event.source] = False
    for market in state.markets.values():
        if market.book.source == event.source:
            _lose_book(market)
        if market.oracle_source == event.source:
            market.oracle_t_ns = -1
        if market.leader.source == event.source:
            _lose_leader(market)


def _source_gap(state: State, event: ev.SourceGap) -> None:
    for market in state.markets.values():
        if market.book.source == event.source:
            _lose_book(market)
        if market.leader.source == event.source:
            _lose_leader(market)


def _operate(state: State, event: ev.OperatorCommand) -> None:
    """Verbs: pause and resume MARKET (empty: all, and resume trading), exit, halt, set PHASE.

    `cancel` changes nothing here: it withdraws what rests in its own step.
    """
    verb, argument = event.verb, event.argument
    if verb in ("pause", "resume"):
        for ticker, market in state.markets.items():
            if argument in ("", ticker):
                market.paused = verb == "pause"
        if verb == "resume" and argument == "":
            obey(state, Phase.ACTIVE, event)
    elif verb == "exit":
        obey(state, Phase.EXITING, event)
    elif verb == "halt":
        obey(state, Phase.HALTED, event)
    elif verb == "set" and argument.upper() in Phase.__members__:
        obey(state, Phase[argument.upper()], event)


def _take_over(state: State, event: ev.Takeover) -> None:
    state.guard.quiet_until_height = max(state.guard.quiet_until_height, event.height)


def _market(state: State, ticker: str) -> MarketState:
    market = state.markets.get(ticker)
    if market is None:
        market = state.markets[ticker] = MarketState(book=Book())
    return market


def _is_bent(market: MarketState) -> bool:
    return market.settings is not None and market.settings.overlays is not None


def _has_leader(market: MarketState) -> bool:
    return market.settings is not None and market.settings.leader is not None


def _lose_leader(market: MarketState) -> None:
    """Forget its quote; its basis stays, for it is an average over minutes."""
    market.leader.t_ns = market.leader.seq = -1
    if _has_leader(market):
        market.signals.top_t_ns = -1


def _lose_book(market: MarketState) -> None:
    market.book.ready = False
    market.book.seq = -1
    market.book_t_ns = -1
    if not _has_leader(market):
        market.signals.top_t_ns = -1


_HANDLERS: dict[type, Callable[[State, Any], None]] = {
    ev.RunStarted: _start_run,
    ev.ParamsChanged: _change_params,
    ev.MarketListed: _list_market,
    ev.MarketFacts: _take_facts,
    ev.BookUpdated: _update_book,
    ev.OraclePriced: _price_oracle,
    ev.LeaderQuoted: _quote_leader,
    ev.VenueBlock: _see_venue_block,
    ev.FillReceived: _receive_fill,
    ev.OrderUpdated: _update_order,
    ev.SubaccountObserved: _observe_account,
    ev.Reconciled: _reconcile,
    ev.FundingPaid: _pay_funding,
    ev.VenueTransfer: _transfer,
    ev.BlockSeen: chain.see_block,
    ev.BlockReverted: chain.revert_block,
    ev.VaultObserved: chain.observe_vault,
    ev.DutiesObserved: chain.observe_duties,
    ev.ReportCollected: chain.collect_report,
    ev.PoolObserved: chain.observe_pool,
    ev.CommandResult: _result,
    ev.TransactionMined: chain.mine,
    ev.SourceUp: _source_up,
    ev.SourceDown: _source_lost,
    ev.SourceGap: _source_gap,
    ev.OperatorCommand: _operate,
    ev.Takeover: _take_over,
}
