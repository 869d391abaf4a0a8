"""The last check of an order message, against worst-case exposure after it: Approved or Refused."""

from typing import Final

import msgspec

from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import CancelOrders, PlaceOrder
from keeper.domain.orders import Side, TimeInForce
from keeper.domain.settings import MarketSettings, RiskLimits
from keeper.domain.units import PPM
from keeper.markets.perpetual import value_abs_up
from keeper.risk.bounds import UNBOUNDED, Bounds, Stop, gap_beyond
from keeper.risk.exposure import MarketExposure, net_worst, signed_value_up
from keeper.risk.phase import Phase
from keeper.risk.stress import stress_limit, stress_loss

__all__ = ["MarketExposure", "OrderView", "approve_cancel", "approve_place", "gross_quote_quantums"]


_REDUCING: Final = Stop("REDUCING", 0, 0)

# A member costs three times a name, and these are read for every order.
_ACTIVE: Final = Phase.ACTIVE
_LOWERING: Final = Phase.REDUCING
_BUY: Final = Side.BUY
_POST_ONLY: Final = TimeInForce.POST_ONLY


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """What an order is judged by: its market before and after it, and the rest of the account.

    `other_gross` and `other_margin` are quote quantums over all other markets; `other_fall` and
    `other_rise` what they, and pools without a hedge, lose when prices fall or rise by the shock.
    `bounds` are the market's own, `UNBOUNDED` itself where nothing but the limits binds.
    """

    phase: Phase
    limits: RiskLimits
    settings: MarketSettings
    before: MarketExposure
    after: MarketExposure
    other_gross: int
    other_margin: int
    other_fall: int
    other_rise: int
    equity: int
    messages: int
    filled: int
    bounds: Bounds = UNBOUNDED


def approve_place(order: PlaceOrder, view: OrderView) -> Approved[PlaceOrder] | Refused:
    """Check one place or replacement against every limit; the first that fails is named.

    Exposure limits refuse an order that raises an exposure which is, or would be, beyond them; an
    order that raises nothing passes, so that a position beyond a limit can always be brought back.
    """
    for check in (_check_phase, _check_shape, _check_price, _check_size, _check_exposure):
        refused = check(order, view)
        if refused is not None:
            return refused
    return Approved(order)


def approve_cancel(cancel: CancelOrders) -> Approved[CancelOrders]:
    """Pass a cancel: it lowers risk in every phase and is never rationed."""
    return Approved(cancel)


def gross_quote_quantums(exposures: tuple[MarketExposure, ...]) -> int:
    """Sum the gross worst case over markets."""
    return sum(exposure.gross for exposure in exposures)


def _check_phase(order: PlaceOrder, view: OrderView) -> Refused | None:
    phase = view.phase
    if phase is not _ACTIVE:
        if phase is Phase.HALTED:
            return _refused("HALTED", order, 0, 1)
        if phase is Phase.EXITING and not order.reduce_only:
            return _refused("EXITING", order, 0, 1)
    if order.reduce_only and (
        order.time_in_force is not TimeInForce.IOC
        or view.before.position * order.side.sign >= 0
        or order.quantums > abs(view.before.position)
    ):
        return _refused("NOT_REDUCING", order, -view.before.position, order.quantums)
    if view.messages >= view.limits.max_messages_per_block:
        return _refused(
            "MESSAGE_RATE", order, view.limits.max_messages_per_block, view.messages + 1
        )
    return None


def _check_shape(order: PlaceOrder, view: OrderView) -> Refused | None:
    market = view.after.market
    if order.quantums <= 0 or order.quantums % market.step_base_quantums:
        return _refused("SIZE_STEP", order, market.step_base_quantums, order.quantums)
    if order.subticks <= 0 or order.subticks % market.subticks_per_tick:
        return _refused("PRICE_TICK", order, market.subticks_per_tick, order.subticks)
    if market.status == "POST_ONLY" and order.time_in_force is not _POST_ONLY:
        return _refused("MARKET_STATUS", order, 0, 1)
    return None


def _check_price(order: PlaceOrder, view: OrderView) -> Refused | None:
    market, oracle = view.after.market, view.after.oracle_price
    if oracle <= 0:
        return _refused("ZERO_ORACLE", order, 1, oracle)
    reference = market.subticks_down(oracle)
    distance = abs(order.subticks - reference) * PPM
    if distance > view.limits.price_band_ppm * reference:
        return _refused("PRICE_BAND", order, view.limits.price_band_ppm, distance // reference)
    band_ppm = view.limits.other_venue_band_ppm
    gap = gap_beyond(order.subticks, view.bounds.elsewhere, band_ppm)
    return None if gap is None else _refused("VENUE_BAND", order, band_ppm, gap)


def _check_size(order: PlaceOrder, view: OrderView) -> Refused | None:
    market = view.after.market
    left = order.quantums - view.filled
    value = max(
        value_abs_up(market, left, view.after.oracle_price),
        market.quote_quantums_up(left, order.subticks),
    )
    if value > view.limits.max_order_quote_quantums:
        return _refused("MAX_ORDER", order, view.limits.max_order_quote_quantums, value)
    return None


def _check_exposure(order: PlaceOrder, view: OrderView) -> Refused | None:
    before, after = view.before, view.after
    if view.phase is _LOWERING and (refused := _check_raised(order, after, _REDUCING)):
        return refused
    if after is before or order.reduce_only:
        return None
    if view.bounds is not UNBOUNDED and (refused := _check_bounds(order, view)):
        return refused
    worst = net_worst(after, order.side)
    value = signed_value_up(after, worst)
    return (
        _check_net(order, view, worst, value)
        or _check_money(order, view)
        or _check_stress(order, view, value)
    )


def _check_raised(order: PlaceOrder, after: MarketExposure, stop: Stop) -> Refused | None:
    """Refuse what may do more than bring net delta to zero; REDUCING has numbers of its own."""
    left = max(0, -after.net * order.side.sign)
    opening = after.buys if order.side is _BUY else after.sells
    if opening <= left:
        return None
    if stop is _REDUCING:
        return _refused(stop.code, order, left, opening)
    return _refused(stop.code, order, stop.limit, stop.value)


def _check_bounds(order: PlaceOrder, view: OrderView) -> Refused | None:
    """Size of the market, and stops: on the position, pools do not count into it."""
    before, after, side = view.before, view.after, order.side
    stop, cap = view.bounds.stop(side), view.bounds.cap(side)
    if stop is not None and (refused := _check_raised(order, after, stop)):
        return refused
    if cap is None:
        return None
    worst = after.longest if side is _BUY else -after.shortest
    was = before.longest if side is _BUY else -before.shortest
    if worst <= max(cap.quantums, was):
        return None
    return _refused(cap.code, order, cap.quantums, worst)


def _check_net(order: PlaceOrder, view: OrderView, worst: int, value: int) -> Refused | None:
    limit = view.settings.max_position_quote_quantums
    if value <= limit or worst <= net_worst(view.before, order.side):
        return None
    return _refused("MAX_POSITION", order, limit, value)


def _check_money(order: PlaceOrder, view: OrderView) -> Refused | None:
    before, after, limits = view.before, view.after, view.limits
    gross = after.gross
    total = view.other_gross + gross
    if total > limits.max_gross_quote_quantums and gross > before.gross:
        return _refused("MAX_GROSS", order, limits.max_gross_quote_quantums, total)
    margin = after.margin_of(gross)
    total = view.other_margin + margin
    if total > view.equity and margin > before.margin:
        return _refused("MARGIN", order, view.equity, total)
    return None


def _check_stress(order: PlaceOrder, view: OrderView, value: int) -> Refused | None:
    """`value` is that of the net delta at worst, in quote quantums."""
    shock_ppm = view.limits.stress_shock_ppm
    if not shock_ppm:
        return None
    if order.side is _BUY:
        other, filled = view.other_fall, view.after.buy_loss
    else:
        other, filled = view.other_rise, view.after.sell_loss
    limit, loss = stress_limit(view.limits), other + filled - (-value * shock_ppm // PPM)
    if loss <= limit or loss <= other + stress_loss(view.before, order.side, shock_ppm):
        return None
    return _refused("STRESS", order, limit, loss)


def _refused(code: str, order: PlaceOrder, limit: int, value: int) -> Refused:
    return Refused(
        code=code, subject=f"{order.market}/{order.side.value}", limit=limit, value=value
    )
