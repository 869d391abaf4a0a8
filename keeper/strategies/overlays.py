"""Overlays: what bends a market's rule, whichever it is, before it is asked for quotes.

Each is a pure change of what the rule sees, so any of them compose; they apply in this order:
    session      outside its windows nothing is quoted, or only the reducing side
    target       inventory counts from a target instead of from nothing
    trend, imbalance, funding   move the price quotes stand around
    volatility, fee             widen both sides, toxicity the side whose fills lost
    reduce-only  from an inventory of this worth on, only the reducing side is quoted
Shifts and widths are whole ppm, rounded towards zero and bounded by their parameters.
Sources: trend as the drift of Gueant, Lehalle and Fernandez-Tapia (2013); order-flow imbalance of
Cont, Kukanov and Stoikov (2014); widening with adverse selection after Glosten and Milgrom (1985).
"""

import msgspec
from msgspec.structs import replace

from keeper.domain.approval import Refused
from keeper.domain.strategies import Overlays, SessionGate
from keeper.domain.units import PPM
from keeper.markets.perpetual import quantums_for_value_down, value_abs_up
from keeper.strategies.snapshot import MarketSnapshot

__all__ = [
    "MINUTES_PER_WEEK",
    "Signals",
    "bent",
    "greatest_shift_ppm",
    "minute_of_week",
    "problems",
]

MINUTES_PER_WEEK = 7 * 1_440
SECONDS_PER_DAY = 86_400
_EPOCH_MINUTE = 3 * 1_440  # unix time began on a Thursday


class Signals(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of a market; 0 where nothing was.

    `trend_ppm`: fast less slow average of the price. `imbalance_ppm`: order flow against the depth
    of the best levels, from -1,000,000 (all selling) to 1,000,000. `volatility_ppm`: standard
    deviation of a day's move. `funding_ppm`: what a long position pays a day. `bid_markout_ppm` and
    `ask_markout_ppm`: what our buys and sells gained, on average, a horizon later (below 0: lost).
    """

    now_s: int = 0
    trend_ppm: int = 0
    imbalance_ppm: int = 0
    volatility_ppm: int = 0
    funding_ppm: int = 0
    bid_markout_ppm: int = 0
    ask_markout_ppm: int = 0


def bent(
    overlays: Overlays, signals: Signals, snapshot: MarketSnapshot
) -> MarketSnapshot | Refused:
    """Return the snapshot as the rule should see it, or SESSION_CLOSED (minutes of the week).

    While a snapshot asks for the reducing side alone, the target does not count: risk goes to none.
    """
    closing = snapshot.close_only
    if overlays.session is not None and not _is_open(overlays.session, signals.now_s):
        if overlays.session.outside == "pull":
            opens, minute = _next_opening(overlays.session, signals.now_s)
            ticker = snapshot.market.ticker
            return Refused(code="SESSION_CLOSED", subject=ticker, limit=opens, value=minute)
        closing = True
    inventory = snapshot.inventory if closing else _from_target(overlays, snapshot)
    if overlays.reduce_only is not None and snapshot.oracle_price > 0:
        worth = value_abs_up(snapshot.market, inventory, snapshot.oracle_price)
        closing = closing or worth >= overlays.reduce_only.from_quote_quantums
    return replace(
        snapshot,
        inventory=inventory,
        close_only=closing,
        reference_price=snapshot.centre * (PPM + _shift_ppm(overlays, signals)) // PPM,
        widen_ppm=snapshot.widen_ppm + _widen_ppm(overlays, signals),
        bid_widen_ppm=snapshot.bid_widen_ppm + _toxic_ppm(overlays, signals.bid_markout_ppm),
        ask_widen_ppm=snapshot.ask_widen_ppm + _toxic_ppm(overlays, signals.ask_markout_ppm),
    )


def minute_of_week(now_s: int) -> int:
    """Minutes since Monday 00:00 UTC."""
    return (now_s // 60 + _EPOCH_MINUTE) % MINUTES_PER_WEEK


def greatest_shift_ppm(overlays: Overlays) -> int:
    """How far all overlays together may move the price quotes stand around, in ppm."""
    total = 0
    if overlays.trend is not None:
        total += overlays.trend.max_shift_ppm
    if overlays.imbalance is not None:
        total += overlays.imbalance.shift_ppm
    if overlays.funding is not None:
        total += overlays.funding.max_shift_ppm
    return total


def problems(overlays: Overlays) -> tuple[str, ...]:
    """List what is wrong with the parameters, each beginning with the overlay's name."""
    checks: list[tuple[bool, str]] = []
    if (trend := overlays.trend) is not None:
        fast, slow = trend.fast_seconds, trend.slow_seconds
        checks.append((not 0 < fast < slow, "trend: fast_seconds must be below slow_seconds"))
        checks.append((trend.gain_ppm <= 0, "trend: gain_ppm must be positive"))
        checks.append((trend.max_shift_ppm <= 0, "trend: max_shift_ppm must be positive"))
    if (imbalance := overlays.imbalance) is not None:
        checks.append((imbalance.seconds <= 0, "imbalance: seconds must be positive"))
        checks.append((imbalance.shift_ppm <= 0, "imbalance: shift_ppm must be positive"))
    if (volatility := overlays.volatility) is not None:
        checks.append((volatility.seconds <= 0, "volatility: seconds must be positive"))
        checks.append((volatility.gain_ppm <= 0, "volatility: gain_ppm must be positive"))
    if (funding := overlays.funding) is not None:
        checks.append((funding.holding_seconds <= 0, "funding: holding_seconds must be positive"))
    if (toxicity := overlays.toxicity) is not None:
        checks.append((toxicity.horizon_seconds <= 0, "toxicity: horizon_seconds must be positive"))
        checks.append((toxicity.fills <= 0, "toxicity: fills must be positive"))
    if (session := overlays.session) is not None:
        checks += [
            (not 0 <= start < end <= MINUTES_PER_WEEK, f"session: windows holds [{start}, {end}]")
            for start, end in session.windows
        ]
        checks.append((not session.windows, "session: windows must not be empty"))
    return tuple(text for broken, text in checks if broken)


def _from_target(overlays: Overlays, snapshot: MarketSnapshot) -> int:
    """Inventory less the target, the target down to the step."""
    if overlays.target is None or snapshot.oracle_price <= 0:
        return snapshot.inventory
    wanted = overlays.target.quote_quantums
    size = quantums_for_value_down(snapshot.market, abs(wanted), snapshot.oracle_price)
    return snapshot.inventory - (size if wanted > 0 else -size)


def _shift_ppm(overlays: Overlays, signals: Signals) -> int:
    total = 0
    if (trend := overlays.trend) is not None:
        total += _bounded(_share(signals.trend_ppm, trend.gain_ppm), trend.max_shift_ppm)
    if (imbalance := overlays.imbalance) is not None:
        total += _bounded(_share(signals.imbalance_ppm, imbalance.shift_ppm), imbalance.shift_ppm)
    if (funding := overlays.funding) is not None:
        cost = _toward_zero(signals.funding_ppm * funding.holding_seconds, SECONDS_PER_DAY)
        total -= _bounded(cost, funding.max_shift_ppm)
    return total


def _widen_ppm(overlays: Overlays, signals: Signals) -> int:
    total = 0
    if (volatility := overlays.volatility) is not None:
        above = max(0, signals.volatility_ppm - volatility.floor_ppm)
        total += min(_share(above, volatility.gain_ppm), volatility.max_widen_ppm)
    if overlays.fee is not None:
        total += overlays.fee.maker_fee_ppm
    return total


def _toxic_ppm(overlays: Overlays, markout_ppm: int) -> int:
    toxicity = overlays.toxicity
    if toxicity is None or markout_ppm >= 0:
        return 0
    return min(_share(-markout_ppm, toxicity.gain_ppm), toxicity.max_widen_ppm)


def _is_open(session: SessionGate, now_s: int) -> bool:
    minute = minute_of_week(now_s)
    return any(start <= minute < end for start, end in session.windows)


def _next_opening(session: SessionGate, now_s: int) -> tuple[int, int]:
    """The next window's first minute of the week, and the present one."""
    minute = minute_of_week(now_s)
    starts = sorted(start for start, _ in session.windows)
    return next((start for start in starts if start > minute), starts[0]), minute


def _share(value: int, ppm: int) -> int:
    return _toward_zero(value * ppm, PPM)


def _toward_zero(numerator: int, denominator: int) -> int:
    return numerator // denominator if numerator >= 0 else -(-numerator // denominator)


def _bounded(value: int, most: int) -> int:
    return max(-most, min(most, value))
