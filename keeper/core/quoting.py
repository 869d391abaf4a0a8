"""What each market should have on the book right now, and the messages that get it there."""

from functools import lru_cache
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from keeper.core.bounds import bounds_of
from keeper.core.exposures import Others, others
from keeper.core.fold import pending_key
from keeper.core.reference import reference_of
from keeper.core.signals import signals_of
from keeper.core.state import State
from keeper.core.traffic import cap_spent, note_cancel, note_order
from keeper.core.views import (
    account_equity,
    bare_exposure,
    exposure,
    gate_view,
)
from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import Command, PlaceOrder
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Quote, Side, TimeInForce
from keeper.domain.settings import MarketSettings, RiskLimits
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.execution.orders import Leg, WorkingOrder, slot_key
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
from keeper.markets.book import Book
from keeper.markets.perpetual import fill_cost
from keeper.risk.bounds import Bounds, gap_beyond
from keeper.risk.exposure import MarketExposure
from keeper.risk.gates import market_gate
from keeper.risk.margin import fit_margin, margin_bound
from keeper.risk.orders import OrderView, approve_cancel, approve_place
from keeper.risk.phase import Phase
from keeper.risk.sizing import fit_ladder
from keeper.risk.stress import StressLosses, fit_stress, ladder_losses, stress_limit
from keeper.strategies import rules
from keeper.strategies.overlays import bent
from keeper.strategies.snapshot import MarketSnapshot, moved_out

__all__ = ["Ladder", "desired_quotes", "place_quotes", "send_order", "withdraw_unwanted"]

_NO_LOSSES: Final = StressLosses(0, 0)
# A member costs three times a name, and these are read for every order.
_ADVANCE: Final = Purpose.ADVANCE
_BUY: Final = Side.BUY
_GTT: Final = TimeInForce.GTT
Ladder = dict[str, Quote]
"""Wanted quotes by slot."""


class _Basis(msgspec.Struct, kw_only=True):
    """What the orders of one market are judged against within a step, in quote quantums.

    Nothing but its own orders changes a market's exposure during a step: `exposure` follows them.
    """

    settings: MarketSettings
    limits: RiskLimits
    exposure: MarketExposure
    rest: Others
    bounds: Bounds
    equity: int


def desired_quotes(state: State, ticker: str, limits: RiskLimits) -> tuple[Ladder, list[Refused]]:
    """Return the ladder a market should show, and every reason for less than the rule asks for."""
    market = state.markets[ticker]
    settings, listing = market.settings, market.listing
    if settings is None:
        return {}, []
    equity = account_equity(state)
    refused = list(market_gate(gate_view(state, ticker, market, limits, equity)))
    phase = state.guard.phase
    if phase in (Phase.EXITING, Phase.HALTED):
        refused.append(Refused(code=phase.value, subject=ticker, limit=0, value=1))
    breaches = state.guard.loss.breaches
    refused += [Refused(code=code, subject=ticker, limit=0, value=1) for code in breaches]
    if refused or listing is None or equity is None:
        return {}, refused
    around, noted = reference_of(state, ticker, market)
    if around is None:
        return {}, noted
    bare = bare_exposure(state, listing, market.oracle_price)
    snapshot = MarketSnapshot(
        market=listing,
        oracle_price=market.oracle_price,
        usdc=state.account.usdc,
        equity=equity,
        inventory=bare.net,
        close_only=phase is Phase.REDUCING,
        reference_price=around.price,
        widen_ppm=around.widen_ppm,
        now_s=state.t_ns // NS_PER_SECOND if rules.has_horizon(settings.strategy) else 0,
    )
    if settings.overlays is not None:
        seen = bent(settings.overlays, signals_of(market, state.t_ns), snapshot)
        if isinstance(seen, Refused):
            return {}, [*noted, seen]
        snapshot = seen
    bounds = bounds_of(state, market, listing, limits)
    elsewhere = bounds.elsewhere
    if elsewhere:
        bounds = replace(bounds, elsewhere=())
    fitted = _fitted(settings, limits, phase, snapshot, bare, bounds)
    fitted = _fit_money(fitted, bare, limits, equity, others(state, ticker, limits))
    if elsewhere:
        fitted = _within(fitted, elsewhere, limits.other_venue_band_ppm)
    ladder = _by_slot(ticker, fitted.quotes, market.book)
    if not elsewhere:
        return ladder, [*noted, *fitted.shrunk]
    far = _stranded(state, ladder, elsewhere, limits.other_venue_band_ppm)
    kept = {slot: quote for slot, quote in ladder.items() if slot not in far}
    return kept, [*noted, *fitted.shrunk, *far.values()]


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


class _Fitted(NamedTuple):
    """A ladder, why it is less than the rule asks for, and what filling all of it takes: no less
    than its margin, and the stress losses of both sides; in quote quantums."""

    quotes: tuple[Quote, ...]
    shrunk: tuple[Refused, ...]
    margin: int
    losses: StressLosses


@lru_cache(maxsize=64)
def _fitted(
    settings: MarketSettings,
    limits: RiskLimits,
    phase: Phase,
    snapshot: MarketSnapshot,
    bare: MarketExposure,
    bounds: Bounds,
) -> _Fitted:
    """Apply the rule and fit its quotes into the limits of its own market.

    Remembered, because most events change none of the arguments and nothing else is read.
    """
    answer = rules.quote(settings.strategy, snapshot)
    if isinstance(answer, Refused):
        return _Fitted((), (answer,), 0, _NO_LOSSES)
    moved = moved_out(answer, snapshot)
    quotes, shrunk = fit_ladder(moved, bare, settings, limits, phase, bounds)
    most = margin_bound(quotes, bare, limits.price_band_ppm)
    shock_ppm = limits.stress_shock_ppm
    losses = ladder_losses(quotes, bare, shock_ppm) if shock_ppm else _NO_LOSSES
    return _Fitted(quotes, shrunk, most, losses)


def _fit_money(
    ladder: _Fitted, bare: MarketExposure, limits: RiskLimits, equity: int, rest: Others
) -> _Fitted:
    """Fit a ladder into the margin, and into the stress loss, that all other markets leave."""
    available = equity - rest.margin
    if ladder.margin > available:
        quotes, short = fit_margin(ladder.quotes, bare, available)
        ladder = ladder._replace(quotes=quotes, shrunk=(*ladder.shrunk, *short))
    if not limits.stress_shock_ppm:
        return ladder
    limit = stress_limit(limits)
    spare = StressLosses(limit - rest.fall, limit - rest.rise)
    if ladder.losses.fall > spare.fall or ladder.losses.rise > spare.rise:
        quotes, short = fit_stress(ladder.quotes, bare, spare, limits.stress_shock_ppm)
        ladder = ladder._replace(quotes=quotes, shrunk=(*ladder.shrunk, *short))
    return ladder


def _within(ladder: _Fitted, elsewhere: tuple[int, ...], band_ppm: int) -> _Fitted:
    """Leave out what is too far from other venues' prices: what rests there is taken back."""
    kept: list[Quote] = []
    far: list[Refused] = []
    for quote in ladder.quotes:
        gap = gap_beyond(quote.subticks, elsewhere, band_ppm)
        if gap is None:
            kept.append(quote)
        else:
            subject = f"{quote.market}/{quote.side.value}"
            far.append(Refused(code="VENUE_BAND", subject=subject, limit=band_ppm, value=gap))
    if not far:
        return ladder
    return ladder._replace(quotes=tuple(kept), shrunk=(*ladder.shrunk, *far))


def _stranded(
    state: State, ladder: Ladder, elsewhere: tuple[int, ...], band_ppm: int
) -> dict[str, Refused]:
    """Slots whose order rests too far from other venues' prices, though what is wanted is not.

    A replacement may be held back by tolerance or by the least time of rest; a cancel never is.
    """
    far: dict[str, Refused] = {}
    for slot in ladder:
        held = state.orders.slots.get(slot)
        order = None if held is None else state.orders.working.get(held.client_id)
        if order is None or order.ended:
            continue
        gap = gap_beyond(order.versions[-1].subticks, elsewhere, band_ppm)
        if gap is not None:
            subject = f"{order.market}/{order.side.value}"
            far[slot] = Refused(code="VENUE_BAND", subject=subject, limit=band_ppm, value=gap)
    return far


def _by_slot(ticker: str, quotes: tuple[Quote, ...], book: Book) -> Ladder:
    return {
        slot_key(ticker, quote.side, quote.layer): (
            quote if quote.time_in_force is not _GTT else _resting(quote, book)
        )
        for quote in quotes
    }


def _resting(quote: Quote, book: Book) -> Quote:
    """Send a good-til-time quote that would rest anyway as post-only.

    In the book it is the same order; but time in force is fixed for an id, and the rule's would
    flip with the sign of inventory and cost the id, and its queue place, each time.
    """
    if quote.side is _BUY:
        crosses = quote.subticks >= book.best_ask
    else:
        crosses = quote.subticks <= book.best_bid
    return quote if crosses else replace(quote, time_in_force=TimeInForce.POST_ONLY)


def _basis(
    state: State, listing: PerpetualMarket, settings: MarketSettings, limits: RiskLimits
) -> _Basis:
    rest = others(state, listing.ticker, limits)
    equity = account_equity(state)
    return _Basis(
        settings=settings,
        limits=limits,
        exposure=exposure(state, listing, state.markets[listing.ticker].oracle_price),
        rest=rest,
        bounds=bounds_of(state, state.markets[listing.ticker], listing, limits),
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
    commit_place(state.orders, place, slot, Moment(state.height, state.t_ns), key)
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
