"""What a move of all markets together costs at worst, and whether the pools' hedge survives one."""

from typing import Final, NamedTuple

from keeper.domain.approval import Refused
from keeper.domain.orders import Quote, Side
from keeper.domain.settings import RiskLimits
from keeper.domain.units import PPM, div_up
from keeper.markets.perpetual import fill_cost, value_abs_up
from keeper.risk.exposure import MarketExposure, net_worst, signed_value_up
from keeper.risk.fitting import Requirement, fit

__all__ = [
    "StressLosses",
    "fit_stress",
    "hedge_need",
    "hedge_rate",
    "ladder_losses",
    "stress_limit",
    "stress_loss",
]

_BUY: Final = Side.BUY


class StressLosses(NamedTuple):
    """What is lost, or may be, when prices fall and when they rise by the shock, in quote
    quantums."""

    fall: int
    rise: int


def stress_limit(limits: RiskLimits) -> int:
    """Most that the stress move may cost, in quote quantums."""
    return limits.daily_loss_quote_quantums * limits.stress_loss_multiple


def stress_loss(exposure: MarketExposure, side: Side, shock_ppm: int) -> int:
    """Quote quantums lost when prices move against `side` by the shock, all its orders filled.

    Pools count where they hold most (BUY, prices fall) or least (SELL, prices rise); below 0 is a
    gain, which is set against what other markets lose in the same move.
    """
    value = signed_value_up(exposure, net_worst(exposure, side))
    filled = exposure.buy_loss if side is Side.BUY else exposure.sell_loss
    return div_up(value * shock_ppm, PPM) + filled


def hedge_rate(exposure: MarketExposure, shock_ppm: int) -> int:
    """What a short has to have behind it, in 1e-12 of its value, to survive a rise by the shock.

    The rise itself, and the venue's maintenance margin at the price after it.
    """
    return shock_ppm * PPM + exposure.market.maintenance_margin_ppm * (PPM + shock_ppm)


def hedge_need(exposure: MarketExposure, shock_ppm: int) -> int:
    """Quote quantums of equity that a market's short takes to survive a rise by the shock.

    The short that is held, or the one that its pools call for when that is larger.
    """
    short = max(0, -exposure.position, exposure.pool)
    value = value_abs_up(exposure.market, short, exposure.oracle_price)
    return div_up(value * hedge_rate(exposure, shock_ppm), PPM * PPM)


def ladder_losses(
    quotes: tuple[Quote, ...], exposure: MarketExposure, shock_ppm: int
) -> StressLosses:
    """Return the losses of a ladder on top of `exposure`, each with its losing side filled."""
    market, oracle_price = exposure.market, exposure.oracle_price
    buys, sells, buy_loss, sell_loss = 0, 0, exposure.buy_loss, exposure.sell_loss
    for quote in quotes:
        quantums = quote.quantums
        loss = fill_cost(market, quote.side, quantums, quote.subticks, oracle_price)
        if quote.side is _BUY:
            buys += quantums
            buy_loss += loss
        else:
            sells += quantums
            sell_loss += loss
    long = signed_value_up(exposure, net_worst(exposure, Side.BUY) + buys)
    short = signed_value_up(exposure, net_worst(exposure, Side.SELL) + sells)
    return StressLosses(
        div_up(long * shock_ppm, PPM) + buy_loss, div_up(short * shock_ppm, PPM) + sell_loss
    )


def fit_stress(
    quotes: tuple[Quote, ...], exposure: MarketExposure, spare: StressLosses, shock_ppm: int
) -> tuple[tuple[Quote, ...], tuple[Refused, ...]]:
    """Return the quotes with which the shock costs at most `spare` on either side, as `fit` does.

    `spare` is the limit less what every other market loses in the same move.
    """

    def loss(held: MarketExposure, side: Side) -> int:
        return stress_loss(held, side, shock_ppm)

    available = {Side.BUY: spare.fall, Side.SELL: spare.rise}
    return fit(quotes, exposure, Requirement("STRESS", loss, available))
