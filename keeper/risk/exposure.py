"""A market's worst case: position, orders that may fill, pools anywhere in their ranges."""

from typing import Final

import msgspec

from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side
from keeper.domain.units import PPM, div_up
from keeper.markets.perpetual import value_abs_up

__all__ = ["MarketExposure", "net_worst", "signed_value_up"]

_BUY: Final = Side.BUY  # a member costs three times a name


class MarketExposure(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """A market's worst case, in base quantums but for the losses.

    `position` is signed; `buys` and `sells` are what may still fill; `pool` is the delta of pools
    that this market hedges, at the pools' price, `pool_low` and `pool_high` the least and the most
    that it becomes as the price passes through their ranges. `buy_loss` and `sell_loss` are quote
    quantums of equity lost at once if all of a side filled at its worst prices.
    """

    market: PerpetualMarket
    oracle_price: int
    position: int
    buys: int
    sells: int
    buy_loss: int
    sell_loss: int
    pool: int
    pool_low: int
    pool_high: int

    @property
    def net(self) -> int:
        """Net delta now: position plus pools."""
        return self.position + self.pool

    @property
    def longest(self) -> int:
        """Position if every buy filled."""
        return self.position + self.buys

    @property
    def shortest(self) -> int:
        """Position if every sell filled."""
        return self.position - self.sells

    @property
    def gross(self) -> int:
        """Largest |position| the orders can lead to, in quote quantums at the oracle, up."""
        longest, shortest = abs(self.position + self.buys), abs(self.position - self.sells)
        worst = longest if longest > shortest else shortest
        return value_abs_up(self.market, worst, self.oracle_price)

    @property
    def margin(self) -> int:
        """Initial margin at worst-case fill plus what filling at those prices loses at once."""
        return self.margin_of(self.gross)

    def margin_of(self, gross: int) -> int:
        """Margin of a `gross` that is known already."""
        held = div_up(gross * self.market.initial_margin_ppm, PPM)
        return held + max(self.buy_loss, self.sell_loss)


def net_worst(exposure: MarketExposure, side: Side) -> int:
    """Net delta in the direction of `side`, below 0 when it lies on the other side of zero.

    All orders of that side filled, and the pools where they hold most (BUY) or least (SELL).
    """
    if side is _BUY:
        return exposure.position + exposure.buys + exposure.pool_high
    return exposure.sells - exposure.position - exposure.pool_low


def signed_value_up(exposure: MarketExposure, quantums: int) -> int:
    """Value of signed base quantums at the oracle in quote quantums, towards plus infinity."""
    return -exposure.market.oracle_value_down(-quantums, exposure.oracle_price)
