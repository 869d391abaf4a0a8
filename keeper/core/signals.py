"""What overlays are fed with: trend, volatility, order flow, funding and markouts, as integers.

Averages over time move by `elapsed / (constant + elapsed)` towards what stood meanwhile, those over
fills by one in so many. Prices come from the leader's book where a market has one, else from the
market's own without our orders, so that our quotes do not feed themselves. Nothing is measured for
a market without overlays.
"""

from typing import Final

import msgspec

from keeper.core.state import MarketState, PastFill, SignalState
from keeper.domain.events import FillReceived, FundingPaid, LeaderQuoted
from keeper.domain.orders import Liquidity, Side
from keeper.domain.strategies import Overlays
from keeper.domain.units import NS_PER_SECOND, PPM
from keeper.markets.fixed import sqrt_down
from keeper.markets.perpetual import value_trunc
from keeper.markets.reference import PPB, drifted_basis
from keeper.strategies.overlays import Signals

__all__ = [
    "Top",
    "learn_fill",
    "learn_funding",
    "learn_markouts",
    "learn_top",
    "signals_of",
    "top_of",
]

_AVERAGE_E6: Final = 10**6
_MARKOUT_E3: Final = 1_000
_FUNDINGS_A_DAY: Final = 24
_FUNDING_MAX_AGE_NS: Final = 3 * 3_600 * NS_PER_SECOND
_VOLATILITY_BUCKET_PPM: Final = 500
_SECONDS_PER_DAY: Final = 86_400
_MOST_FILLS: Final = 256


class Top(msgspec.Struct, frozen=True, array_like=True):
    """Best bid, its size, best ask, its size, in any units; two-sided and not crossed."""

    bid: int
    bid_size: int
    ask: int
    ask_size: int


def top_of(event: LeaderQuoted) -> Top | None:
    """The leader's best levels, None where they are no basis."""
    if not 0 < event.bid_e8 < event.ask_e8:
        return None
    return Top(event.bid_e8, event.bid_size_e8, event.ask_e8, event.ask_size_e8)


def learn_top(market: MarketState, top: Top | None, t_ns: int) -> None:
    """Take the best levels as they are from now on; None: they are unknown for a while."""
    overlays = None if market.settings is None else market.settings.overlays
    if overlays is None:
        return
    known = market.signals
    if top is None:
        known.top_t_ns = -1
        return
    middle = (top.bid + top.ask) * _AVERAGE_E6
    if known.top_t_ns < 0:
        _begin(known, top, middle, t_ns)
    else:
        elapsed_ns = t_ns - known.top_t_ns
        _average(known, overlays, elapsed_ns)
        _count_flow(known, overlays, top, elapsed_ns)
        _sample(known, overlays, middle, t_ns)
    known.top_t_ns = t_ns
    known.bid, known.bid_size = top.bid, top.bid_size
    known.ask, known.ask_size = top.ask, top.ask_size


def learn_funding(market: MarketState, event: FundingPaid, quantums: int, t_ns: int) -> None:
    """Take what a position paid as the rate of a day; nothing is learnt without a position."""
    if market.settings is None or market.settings.overlays is None or market.listing is None:
        return
    value = value_trunc(market.listing, quantums, market.oracle_price)
    if value == 0:
        return
    paid = -event.quote_quantums * _FUNDINGS_A_DAY * PPM
    market.signals.funding_ppm = paid // value
    market.signals.funding_t_ns = t_ns


def learn_fill(market: MarketState, event: FillReceived, t_ns: int) -> None:
    """Remember a fill of a resting order until its horizon has passed."""
    if market.settings is None or market.settings.overlays is None:
        return
    if market.settings.overlays.toxicity is None or event.liquidity is not Liquidity.MAKER:
        return
    market.signals.fills.append(PastFill(t_ns, event.side, event.subticks))
    del market.signals.fills[:-_MOST_FILLS]


def learn_markouts(market: MarketState, t_ns: int) -> None:
    """Judge the fills whose horizon has passed by the oracle price of now."""
    overlays = None if market.settings is None else market.settings.overlays
    if overlays is None or overlays.toxicity is None or market.listing is None:
        return
    horizon_ns = overlays.toxicity.horizon_seconds * NS_PER_SECOND
    price = market.listing.subticks_down(market.oracle_price)
    waiting: list[PastFill] = []
    for fill in market.signals.fills:
        if t_ns - fill.t_ns < horizon_ns:
            waiting.append(fill)
            continue
        gain = (price - fill.subticks) * fill.side.sign
        markout_e3 = gain * PPM * _MARKOUT_E3 // fill.subticks
        _add_markout(market.signals, fill.side, markout_e3, overlays.toxicity.fills)
    market.signals.fills[:] = waiting


def signals_of(market: MarketState, t_ns: int) -> Signals:
    """Return what is known now; volatility in buckets, so that quotes do not follow its noise."""
    known = market.signals
    volatility_ppm = sqrt_down(known.variance_ppb2 * _SECONDS_PER_DAY, PPM, 1)
    funding_old = known.funding_t_ns < 0 or t_ns - known.funding_t_ns > _FUNDING_MAX_AGE_NS
    has_price = known.top_t_ns >= 0 and known.slow_e6 > 0
    trend = (known.fast_e6 - known.slow_e6) * PPM
    return Signals(
        now_s=t_ns // NS_PER_SECOND,
        trend_ppm=_toward_zero(trend, known.slow_e6) if has_price else 0,
        imbalance_ppm=_imbalance(known) if has_price else 0,
        volatility_ppm=volatility_ppm - volatility_ppm % _VOLATILITY_BUCKET_PPM,
        funding_ppm=0 if funding_old else known.funding_ppm,
        bid_markout_ppm=_toward_zero(known.bid_markout_e3, _MARKOUT_E3),
        ask_markout_ppm=_toward_zero(known.ask_markout_e3, _MARKOUT_E3),
    )


def _begin(known: SignalState, top: Top, middle: int, t_ns: int) -> None:
    """Measure anew: averages of before go on, changes since then count nowhere."""
    if known.fast_e6 == 0:
        known.fast_e6 = known.slow_e6 = middle
        known.depth_e6 = _depth_e6(top)
    known.sample_e6, known.sample_t_ns = middle, t_ns
    known.flow_e6 = 0


def _depth_e6(top: Top) -> int:
    return (top.bid_size + top.ask_size) * _AVERAGE_E6 // 2


def _average(known: SignalState, overlays: Overlays, elapsed_ns: int) -> None:
    """Let the middle that stood since the last update count for that time."""
    if overlays.trend is None:
        return
    stood = (known.bid + known.ask) * _AVERAGE_E6
    fast_ns = overlays.trend.fast_seconds * NS_PER_SECOND
    slow_ns = overlays.trend.slow_seconds * NS_PER_SECOND
    known.fast_e6 = drifted_basis(known.fast_e6, stood, elapsed_ns, fast_ns)
    known.slow_e6 = drifted_basis(known.slow_e6, stood, elapsed_ns, slow_ns)


def _count_flow(known: SignalState, overlays: Overlays, top: Top, elapsed_ns: int) -> None:
    """Add the change of the best levels to a decaying sum (Cont, Kukanov and Stoikov's e_n)."""
    if overlays.imbalance is None:
        return
    constant_ns = overlays.imbalance.seconds * NS_PER_SECOND
    change = 0
    if top.bid >= known.bid:
        change += top.bid_size
    if top.bid <= known.bid:
        change -= known.bid_size
    if top.ask <= known.ask:
        change -= top.ask_size
    if top.ask >= known.ask:
        change += known.ask_size
    faded = _toward_zero(known.flow_e6 * constant_ns, constant_ns + elapsed_ns)
    known.flow_e6 = faded + change * _AVERAGE_E6
    known.depth_e6 = drifted_basis(known.depth_e6, _depth_e6(top), elapsed_ns, constant_ns)


def _sample(known: SignalState, overlays: Overlays, middle: int, t_ns: int) -> None:
    """Add a squared return once a second, so that the bounce between bid and ask counts little."""
    elapsed_ns = t_ns - known.sample_t_ns
    if overlays.volatility is None or elapsed_ns < NS_PER_SECOND:
        return
    move_ppb = (middle - known.sample_e6) * PPB // known.sample_e6
    constant_ns = overlays.volatility.seconds * NS_PER_SECOND
    faded = known.variance_ppb2 * constant_ns + move_ppb * move_ppb * NS_PER_SECOND
    known.variance_ppb2 = faded // (constant_ns + elapsed_ns)
    known.sample_e6, known.sample_t_ns = middle, t_ns


def _imbalance(known: SignalState) -> int:
    """Flow against twice the depth, which is the predicted move in half spreads, within one."""
    if known.depth_e6 <= 0:
        return 0
    return max(-PPM, min(PPM, _toward_zero(known.flow_e6 * PPM, 2 * known.depth_e6)))


def _add_markout(known: SignalState, side: Side, markout_e3: int, fills: int) -> None:
    if side is Side.BUY:
        known.bid_markout_e3 += _toward_zero(markout_e3 - known.bid_markout_e3, fills)
    else:
        known.ask_markout_e3 += _toward_zero(markout_e3 - known.ask_markout_e3, fills)


def _toward_zero(numerator: int, denominator: int) -> int:
    return numerator // denominator if numerator >= 0 else -(-numerator // denominator)
