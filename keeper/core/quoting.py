"""What each market should have on the book now: the rule's ladder, fitted into every limit."""

from functools import lru_cache
from typing import Final, NamedTuple

from msgspec.structs import replace

from keeper.core.bounds import bounds_of
from keeper.core.exposures import Others, others
from keeper.core.plausible import Surroundings, kept_back, unusable
from keeper.core.reference import reference_of
from keeper.core.signals import signals_of
from keeper.core.state import State
from keeper.core.views import account_equity, bare_exposure, gate_view
from keeper.domain.approval import Refused
from keeper.domain.orders import Quote, Side, TimeInForce
from keeper.domain.settings import MarketSettings, RiskLimits
from keeper.domain.units import NS_PER_SECOND
from keeper.execution.orders import slot_key
from keeper.markets.book import Book
from keeper.risk.bounds import Bounds, gap_beyond
from keeper.risk.exposure import MarketExposure
from keeper.risk.gates import market_gate
from keeper.risk.margin import fit_margin, margin_bound
from keeper.risk.phase import Phase
from keeper.risk.sizing import fit_ladder
from keeper.risk.stress import StressLosses, fit_stress, ladder_losses, stress_limit
from keeper.strategies import rules
from keeper.strategies.overlays import bent
from keeper.strategies.snapshot import MarketSnapshot, moved_out

__all__ = ["Ladder", "desired_quotes"]

_NO_LOSSES: Final = StressLosses(0, 0)
_GTT: Final = TimeInForce.GTT  # a member costs three times a name, and this is read for every quote

Ladder = dict[str, Quote]
"""Wanted quotes by slot."""


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
    seen = Surroundings(
        listing=snapshot.market, oracle_price=snapshot.oracle_price, equity=snapshot.equity
    )
    answer = unusable(settings.strategy, settings.overlays, seen) or rules.quote(
        settings.strategy, snapshot
    )
    if isinstance(answer, Refused):
        return _Fitted((), (answer,), 0, _NO_LOSSES)
    moved = moved_out(answer, snapshot)
    sound, given = kept_back(moved, snapshot, settings.hedge_max_slippage_ppm)
    quotes, shrunk = fit_ladder(sound, bare, settings, limits, phase, bounds)
    most = margin_bound(quotes, bare, limits.price_band_ppm)
    shock_ppm = limits.stress_shock_ppm
    losses = ladder_losses(quotes, bare, shock_ppm) if shock_ppm else _NO_LOSSES
    return _Fitted(quotes, given + shrunk, most, losses)


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
    if quote.side is Side.BUY:
        crosses = quote.subticks >= book.best_ask
    else:
        crosses = quote.subticks <= book.best_bid
    return quote if crosses else replace(quote, time_in_force=TimeInForce.POST_ONLY)
