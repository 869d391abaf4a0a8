"""Whether a market's parameters make sense where they are to be used: price, step, fee, equity."""

from typing import Final

import msgspec

from keeper.domain.approval import Refused
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Quote, Side
from keeper.domain.settings import MarketSettings, RiskLimits
from keeper.domain.strategies import Overlays, Strategy
from keeper.domain.units import PPM, div_up
from keeper.markets.perpetual import quantums_for_value_down, value_abs_up
from keeper.strategies.overlays import greatest_shift_ppm
from keeper.strategies.rules import half_spread_ppm, order_value, quote
from keeper.strategies.snapshot import MarketSnapshot

__all__ = ["REFUSED", "Surroundings", "implausible", "kept_back", "unusable"]

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
    maker_fee_ppm: int | None = None


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
    rule, overlays = settings.strategy, settings.overlays
    spread = _half_spread(rule, overlays, seen)
    found = [
        _spread_and_tick(spread, seen),
        _shift_and_spread(spread, overlays, seen),
        _spread_and_fee(spread, seen),
    ]
    if seen.equity > 0:
        found += [
            _order_and_step(rule, seen),
            _layers_and_band(settings, limits, seen),
            _skew_and_slippage(settings, seen),
        ]
    return tuple(flaw for flaw in found if flaw is not None)


def unusable(rule: Strategy, overlays: Overlays | None, seen: Surroundings) -> Refused | None:
    """Why a market cannot be quoted here at all; a running keeper asks at each new price.

    SPREAD_BELOW_TICK, SHIFT_BEYOND_SPREAD or ORDER_BELOW_STEP, as `implausible` has them.
    """
    spread = _half_spread(rule, overlays, seen)
    return (
        _spread_and_tick(spread, seen)
        or _shift_and_spread(spread, overlays, seen)
        or _order_and_step(rule, seen)
    )


def kept_back(
    quotes: tuple[Quote, ...], snapshot: MarketSnapshot, slippage_ppm: int
) -> tuple[tuple[Quote, ...], tuple[Refused, ...]]:
    """Leave out quotes that would give away more than an immediate order may cost (ppm).

    QUOTES_GIVE_AWAY, against the price the ladder stands around: a skew carried them across it.
    """
    middle = snapshot.market.subticks_down(snapshot.centre)
    kept: list[Quote] = []
    refused: list[Refused] = []
    for wanted in quotes:
        given = (wanted.subticks - middle) * wanted.side.sign
        if given * PPM <= slippage_ppm * middle:
            kept.append(wanted)
            continue
        subject = f"{wanted.market}/{wanted.side.value}"
        value = given * PPM // max(1, middle)
        refused.append(
            Refused(code="QUOTES_GIVE_AWAY", subject=subject, limit=slippage_ppm, value=value)
        )
    return (quotes if not refused else tuple(kept)), tuple(refused)


def _spread_and_tick(spread: int, seen: Surroundings) -> Refused | None:
    listing = seen.listing
    distance = spread * listing.subticks_down(seen.oracle_price) // PPM
    if distance >= listing.subticks_per_tick:
        return None
    return _flaw("SPREAD_BELOW_TICK", seen, listing.subticks_per_tick, distance)


def _shift_and_spread(spread: int, overlays: Overlays | None, seen: Surroundings) -> Refused | None:
    shift = 0 if overlays is None else greatest_shift_ppm(overlays)
    if shift == 0 or shift < spread:
        return None
    return _flaw("SHIFT_BEYOND_SPREAD", seen, spread, shift)


def _spread_and_fee(spread: int, seen: Surroundings) -> Refused | None:
    fee = seen.maker_fee_ppm
    if fee is None or spread > fee:
        return None
    return _flaw("SPREAD_BELOW_FEE", seen, fee, spread)


def _order_and_step(rule: Strategy, seen: Surroundings) -> Refused | None:
    listing = seen.listing
    value = order_value(rule, seen.equity)
    if quantums_for_value_down(listing, value, seen.oracle_price) > 0:
        return None
    least = value_abs_up(listing, listing.step_base_quantums, seen.oracle_price)
    return _flaw("ORDER_BELOW_STEP", seen, least, value)


def _layers_and_band(
    settings: MarketSettings, limits: RiskLimits, seen: Surroundings
) -> Refused | None:
    reference = seen.listing.subticks_down(seen.oracle_price)
    farthest = max((abs(q.subticks - reference) for q in _ladder(settings, seen, 0)), default=0)
    distance_ppm = div_up(farthest * PPM, max(1, reference))
    if distance_ppm <= limits.price_band_ppm:
        return None
    return _flaw("LAYER_BEYOND_BAND", seen, limits.price_band_ppm, distance_ppm)


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
    return _flaw("QUOTES_GIVE_AWAY", seen, settings.hedge_max_slippage_ppm, given_ppm)


def _half_spread(rule: Strategy, overlays: Overlays | None, seen: Surroundings) -> int:
    """The rule's at its least, less a rebate that an overlay passes on; in ppm."""
    found = half_spread_ppm(rule, seen.listing.min_price_change_ppm)
    fee = None if overlays is None else overlays.fee
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


def _flaw(code: str, seen: Surroundings, limit: int, value: int) -> Refused:
    return Refused(code=code, subject=seen.listing.ticker, limit=limit, value=value)
