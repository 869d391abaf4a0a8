"""What the tests of orders' limits begin with: no exposure, an order of one ether, a ladder."""

from typing import Any

from msgspec.structs import replace

from keeper.domain.commands import PlaceOrder
from keeper.domain.orders import Quote, Side, TimeInForce
from keeper.risk.exposure import MarketExposure
from tests.keeper.builders import ETH_PRICE, ONE_ETH
from tests.keeper.markets import ETH

__all__ = ["FLAT", "LADDER", "place"]

FLAT = MarketExposure(
    market=ETH,
    oracle_price=ETH_PRICE,
    position=0,
    buys=0,
    sells=0,
    buy_loss=0,
    sell_loss=0,
    pool=0,
    pool_low=0,
    pool_high=0,
)


def place(side: Side, **changes: Any) -> PlaceOrder:
    """One ether at the oracle's price."""
    base = PlaceOrder(
        market="ETH-USD",
        client_id=1,
        side=side,
        quantums=ONE_ETH,
        subticks=3_000_000_000,
        good_til_block=10,
        time_in_force=TimeInForce.POST_ONLY,
        reduce_only=False,
    )
    return replace(base, **changes)


def _quote(side: Side, layer: int) -> Quote:
    away = 1_000_000 * (layer + 1)
    return Quote(
        market="ETH-USD",
        side=side,
        layer=layer,
        quantums=ONE_ETH,
        subticks=3_000_000_000 - side.sign * away,
        time_in_force=TimeInForce.POST_ONLY,
    )


LADDER = tuple(_quote(side, layer) for layer in (0, 1) for side in Side)
"""Two layers a side, one ether each, one and two USDC from the oracle."""
