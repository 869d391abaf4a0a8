"""The messages that bring a market's orders to what is wanted, each checked and then booked."""

from typing import Final

import msgspec
from msgspec.structs import replace

from keeper.core.bounds import bounds_of
from keeper.core.exposures import Others, others
from keeper.core.fold import pending_key
from keeper.core.quoting import Ladder
from keeper.core.state import State
from keeper.core.traffic import cap_spent, note_cancel, note_order
from keeper.core.views import account_equity, exposure
from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import Command, PlaceOrder
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side
from keeper.domain.settings import MarketSettings, RiskLimits
from keeper.domain.units import NS_PER_MS
from keeper.execution.orders import Leg, WorkingOrder
from keeper.execution.reconcile import (
    Moment,
    Proposal,
    Purpose,
    Rules,
    commit_cancel,
    commit_place,
    due_slots,
    own_bounds,
    propose,
    uncrossed,
    widened,
    withdrawals,
)
from keeper.markets.perpetual import fill_cost
from keeper.risk.bounds import Bounds
from keeper.risk.exposure import MarketExposure
from keeper.risk.orders import OrderView, approve_cancel, approve_place

__all__ = ["place_quotes", "send_order", "withdraw_unwanted"]

# A member costs three times a name, and these are read for every order.
_ADVANCE: Final = Purpose.ADVANCE
_BUY: Final = Side.BUY


class _Basis(msgspec.Struct, kw_only=True):
    """What the orders of one market are judged against within a step, in quote quantums.

    Nothing but its own orders changes a market's exposure during a step: `exposure` follows them.
    """

    settings: MarketSettings
    limits: RiskLimits
    now: Moment
    exposure: MarketExposure
    rest: Others
    bounds: Bounds
    equity: int


def withdraw_unwanted(
    state: State, ticker: str, ladder: Ladder, out: list[Approved[Command]]
) -> None:
    """Cancel what rests in a market and belongs to no wanted quote."""
    if not state.orders.working:
        return
    for cancel in withdrawals(state.orders, ticker, ladder, state.height):
        commit_cancel(state.orders, cancel, state.height)
        _count_message(state)
        if ladder:
            note_cancel(state, state.markets[ticker])
        out.append(approve_cancel(cancel))


def place_quotes(
    state: State, ticker: str, ladder: Ladder, out: list[Approved[Command]]
) -> list[Refused]:
    """Send what the ladder still lacks; returns what the limits refused.

    An id that a slot gave up for another is taken back in the same step: of one intent there are
    never two orders that nobody cancels.
    """
    market = state.markets[ticker]
    settings, listing = market.settings, market.listing
    if settings is None or listing is None or state.settings is None:
        return []
    due = due_slots(state.orders, ladder, state.height)
    if not due:
        return []
    limits, rules = state.settings.limits, _rules(settings)
    now = Moment(state.height, state.t_ns)
    refused: list[Refused] = []
    basis: _Basis | None = None
    is_new = False
    bounds = own_bounds(state.orders, ticker, state.height)
    for key, quote in due:
        subticks = uncrossed(quote.side, quote.subticks, bounds, listing.subticks_per_tick)
        if subticks <= 0:
            continue
        kept = quote if subticks == quote.subticks else replace(quote, subticks=subticks)
        proposal = propose(state.orders, key, kept, now, rules)
        if proposal is not None and proposal.purpose is _ADVANCE:
            spent = cap_spent(state, market)
            if spent is not None:
                refused.append(spent)
                proposal = propose(state.orders, key, kept, replace(now, is_spent=True), rules)
        if proposal is None:
            continue
        if basis is None:
            basis = _basis(state, listing, settings, limits)
        is_new = is_new or proposal.place.client_id not in state.orders.working
        verdict = _send(state, basis, proposal, key, out)
        if verdict is None:
            bounds = widened(bounds, proposal.place)
        else:
            refused.append(verdict)
    if is_new:
        withdraw_unwanted(state, ticker, ladder, out)
    return refused


def send_order(
    state: State, place: PlaceOrder, slot: str, out: list[Approved[Command]]
) -> Refused | None:
    """Check one order against every limit; book and append it, or return why not."""
    market = state.markets[place.market]
    if market.listing is None or market.settings is None or state.settings is None:
        return Refused(code="MARKET_UNKNOWN", subject=place.market, limit=0, value=1)
    basis = _basis(state, market.listing, market.settings, state.settings.limits)
    return _send(state, basis, Proposal(place, _ADVANCE), slot, out)


def _rules(settings: MarketSettings) -> Rules:
    resting = settings.resting
    return Rules(
        good_til_block_offset=settings.good_til_block_offset,
        refresh_blocks=settings.refresh_blocks,
        price_tolerance_ppm=settings.price_tolerance_ppm,
        size_tolerance_ppm=settings.size_tolerance_ppm,
        min_resting_ns=0 if resting is None else resting.min_resting_ms * NS_PER_MS,
        urgent_ppm=0 if resting is None else resting.urgent_ppm,
    )


def _basis(
    state: State, listing: PerpetualMarket, settings: MarketSettings, limits: RiskLimits
) -> _Basis:
    market, equity = state.markets[listing.ticker], account_equity(state)
    return _Basis(
        settings=settings,
        limits=limits,
        now=Moment(state.height, state.t_ns),
        exposure=exposure(state, listing, market.oracle_price),
        rest=others(state, listing.ticker, limits),
        bounds=bounds_of(state, market, listing, limits),
        equity=0 if equity is None else equity,
    )


def _send(
    state: State, basis: _Basis, proposal: Proposal, slot: str, out: list[Approved[Command]]
) -> Refused | None:
    place = proposal.place
    order = state.orders.working.get(place.client_id)
    after = _with_order(basis.exposure, place, order)
    view = OrderView(
        phase=state.guard.phase,
        limits=basis.limits,
        settings=basis.settings,
        before=basis.exposure,
        after=after,
        other_gross=basis.rest.gross,
        other_margin=basis.rest.margin,
        other_fall=basis.rest.fall,
        other_rise=basis.rest.rise,
        equity=basis.equity,
        messages=state.guard.messages if state.guard.messages_height == state.height else 0,
        filled=0 if order is None else order.filled,
        bounds=basis.bounds,
    )
    verdict = approve_place(place, view)
    if isinstance(verdict, Refused):
        return verdict
    key = pending_key(state.seq, len(out))
    commit_place(state.orders, place, slot, basis.now, key)
    _count_message(state)
    note_order(state, state.markets[place.market], proposal.purpose, place.quantums - view.filled)
    out.append(verdict)
    basis.exposure = after
    return None


def _with_order(
    before: MarketExposure, place: PlaceOrder, order: WorkingOrder | None
) -> MarketExposure:
    """Worst case after the order: an id counts with its largest version and its worst price.

    It is `before` itself when the new version is no worse than those that still live.
    """
    former = None if order is None else order.leg
    quantums = max(0, place.quantums - (0 if order is None else order.fill_sum))
    leg = (place.side, quantums, place.subticks)
    added, loss = quantums, 0
    if former is not None:
        leg = _worse(former, leg)
        if leg == former:
            return before
        added, loss = leg[1] - former[1], -_loss(before, former)
    loss += _loss(before, leg)
    if place.side is _BUY:
        return replace(before, buys=before.buys + added, buy_loss=before.buy_loss + loss)
    return replace(before, sells=before.sells + added, sell_loss=before.sell_loss + loss)


def _worse(former: Leg, new: Leg) -> Leg:
    """An id's worst case over its live versions and a new one."""
    side, quantums, subticks = new
    worst = max if side is _BUY else min
    return side, max(quantums, former[1]), worst(subticks, former[2])


def _loss(before: MarketExposure, leg: Leg) -> int:
    return fill_cost(before.market, *leg, before.oracle_price)


def _count_message(state: State) -> None:
    guard = state.guard
    if guard.messages_height != state.height:
        guard.messages_height, guard.messages = state.height, 0
    guard.messages += 1
