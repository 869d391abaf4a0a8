"""Whether a market's parameters make sense where they are to be used: price, step, fee, equity."""

from typing import Final

import msgspec

from keeper.domain.approval import Refused
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Quote, Side
from keeper.domain.settings import MarketSettings, RiskLimits
from keeper.domain.units import PPM, div_up
from keeper.markets.perpetual import quantums_for_value_down, value_abs_up
from keeper.strategies.overlays import greatest_shift_ppm
from keeper.strategies.rules import half_spread_ppm, order_value, quote
from keeper.strategies.snapshot import MarketSnapshot

__all__ = ["REFUSED", "Surroundings", "implausible"]

REFUSED: Final = frozenset(
    {"SPREAD_BELOW_TICK", "SHIFT_BEYOND_SPREAD", "ORDER_BELOW_STEP", "QUOTES_GIVE_AWAY"}
)
"""Codes that make parameters unusable; the others are for a person to judge."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a market's parameters meet; equity in quote quantums, fee of a maker fill in ppm.

    `maker_fee_ppm` is None while nobody knows it.
    """

    listing: PerpetualMarket
    oracle_price: int
    equity: int
    maker_fee_ppm: int | None


def implausible(
    settings: MarketSettings, limits: RiskLimits, seen: Surroundings
) -> tuple[Refused, ...]:
    """Return what is wrong with a market's parameters; none where price or equity is unknown.

    SPREAD_BELOW_TICK: the half spread is less than one tick (subticks).
    SHIFT_BEYOND_SPREAD: overlays may move a flat market's quotes across the reference (ppm).
    SPREAD_BELOW_FEE: it does not pay the maker fee (ppm).
    ORDER_BELOW_STEP: one order would be smaller than the market's step (quote quantums).
    LAYER_BEYOND_BAND: a layer lies outside price_band_ppm and is never sent (ppm).
    QUOTES_GIVE_AWAY: at the edge of the inventory band, beyond which immediate orders bring it
    back, the reducing quote gives away more than such an order may cost (ppm).
    """
    if seen.oracle_price <= 0:
        return ()
    found = [
        _spread_and_tick(settings, seen),
        _shift_and_spread(settings, seen),
        _spread_and_fee(settings, seen),
    ]
    if seen.equity > 0:
        found += [
            _order_and_step(settings, seen),
            _layers_and_band(settings, limits, seen),
            _skew_and_slippage(settings, seen),
        ]
    return tuple(flaw for flaw in found if flaw is not None)


def _spread_and_tick(settings: MarketSettings, seen: Surroundings) -> Refused | None:
    listing = seen.listing
    distance = _half_spread(settings, seen) * listing.subticks_down(seen.oracle_price) // PPM
    if distance >= listing.subticks_per_tick:
        return None
    return _flaw("SPREAD_BELOW_TICK", settings, listing.subticks_per_tick, distance)


def _shift_and_spread(settings: MarketSettings, seen: Surroundings) -> Refused | None:
    shift = 0 if settings.overlays is None else greatest_shift_ppm(settings.overlays)
    spread = _half_spread(settings, seen)
    if shift == 0 or shift < spread:
        return None
    return _flaw("SHIFT_BEYOND_SPREAD", settings, spread, shift)


def _spread_and_fee(settings: MarketSettings, seen: Surroundings) -> Refused | None:
    fee, spread = seen.maker_fee_ppm, _half_spread(settings, seen)
    if fee is None or spread > fee:
        return None
    return _flaw("SPREAD_BELOW_FEE", settings, fee, spread)


def _order_and_step(settings: MarketSettings, seen: Surroundings) -> Refused | None:
    listing = seen.listing
    value = order_value(settings.strategy, seen.equity)
    if quantums_for_value_down(listing, value, seen.oracle_price) > 0:
        return None
    least = value_abs_up(listing, listing.step_base_quantums, seen.oracle_price)
    return _flaw("ORDER_BELOW_STEP", settings, least, value)


def _layers_and_band(
    settings: MarketSettings, limits: RiskLimits, seen: Surroundings
) -> Refused | None:
    reference = seen.listing.subticks_down(seen.oracle_price)
    farthest = max((abs(q.subticks - reference) for q in _ladder(settings, seen, 0)), default=0)
    distance_ppm = div_up(farthest * PPM, max(1, reference))
    if distance_ppm <= limits.price_band_ppm:
        return None
    return _flaw("LAYER_BEYOND_BAND", settings, limits.price_band_ppm, distance_ppm)


def _skew_and_slippage(settings: MarketSettings, seen: Surroundings) -> Refused | None:
    reference = seen.listing.subticks_down(seen.oracle_price)
    value = min(settings.max_position_quote_quantums, settings.inventory_band_quote_quantums)
    most = quantums_for_value_down(seen.listing, value, seen.oracle_price)
    worst = 0
    for side, inventory in ((Side.SELL, most), (Side.BUY, -most)):
        for wanted in _ladder(settings, seen, inventory):
            if wanted.side is side:
                worst = max(worst, (wanted.subticks - reference) * side.sign)
    given_ppm = worst * PPM // max(1, reference)
    if given_ppm <= settings.hedge_max_slippage_ppm:
        return None
    return _flaw("QUOTES_GIVE_AWAY", settings, settings.hedge_max_slippage_ppm, given_ppm)


def _half_spread(settings: MarketSettings, seen: Surroundings) -> int:
    """The rule's at its least, less a rebate that an overlay passes on."""
    found = half_spread_ppm(settings.strategy, seen.listing.min_price_change_ppm)
    fee = None if settings.overlays is None else settings.overlays.fee
    return found if fee is None else found + min(0, fee.maker_fee_ppm)


def _ladder(settings: MarketSettings, seen: Surroundings, inventory: int) -> tuple[Quote, ...]:
    """What the rule asks for at an inventory; nothing where it has no basis."""
    snapshot = MarketSnapshot(
        market=seen.listing,
        oracle_price=seen.oracle_price,
        usdc=seen.equity,
        equity=seen.equity,
        inventory=inventory,
        close_only=False,
    )
    answer = quote(settings.strategy, snapshot)
    return () if isinstance(answer, Refused) else answer


def _flaw(code: str, settings: MarketSettings, limit: int, value: int) -> Refused:
    return Refused(code=code, subject=settings.ticker, limit=limit, value=value)
