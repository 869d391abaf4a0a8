"""A market, a snapshot and readings of a ladder, for tests of the quoting rules."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from keeper.domain.approval import Refused
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Quote, Side
from keeper.strategies.snapshot import MarketSnapshot, Quotes

USDC = 10**6
ETHER = 10**9
"""Base quantums of one unit."""

MARKET = PerpetualMarket(
    ticker="ETH-USD",
    clob_pair_id=1,
    atomic_resolution=-9,
    quantum_conversion_exponent=-9,
    step_base_quantums=1_000,
    subticks_per_tick=1_000,
    oracle_exponent=-6,
    min_price_change_ppm=50,
    initial_margin_ppm=50_000,
    maintenance_margin_ppm=30_000,
    status="ACTIVE",
)
"""One subtick is 1e-6 USDC, a tick 0.001 USDC, a step 1e-6 of the base."""


def snapshot(**changes: Any) -> MarketSnapshot:
    """100,000 USDC of equity, flat, at 3,000 USDC."""
    fields: dict[str, Any] = {
        "market": MARKET,
        "oracle_price": 3_000 * USDC,
        "usdc": 100_000 * USDC,
        "equity": 100_000 * USDC,
        "inventory": 0,
        "close_only": False,
    }
    return MarketSnapshot(**{**fields, **changes})


def quotes_of(answer: Quotes) -> tuple[Quote, ...]:
    """The ladder, where there is one."""
    assert isinstance(answer, tuple), answer
    return answer


def refusal(answer: Quotes) -> Refused:
    """The reason, where there is one."""
    assert isinstance(answer, Refused), answer
    return answer


def prices(answer: Quotes, side: Side) -> list[int]:
    """Subticks of one side, front layer first."""
    return [quote.subticks for quote in quotes_of(answer) if quote.side is side]


def require_monotone(less: Quotes, more: Quotes) -> None:
    """More inventory moves no quote up, and no ladder crosses itself; a refusal has neither."""
    if not isinstance(less, tuple) or not isinstance(more, tuple):
        return
    for side in Side:
        for before, after in zip(prices(less, side), prices(more, side), strict=False):
            assert after <= before
    for answer in (less, more):
        asks, bids = prices(answer, Side.SELL), prices(answer, Side.BUY)
        if asks and bids:
            assert min(asks) - max(bids) >= MARKET.subticks_per_tick


def require_mirrored(long: Quotes, short: Quotes) -> None:
    """Bids of one stand as far from 3,000 USDC as asks of the other; a refusal has neither."""
    if not isinstance(long, tuple) or not isinstance(short, tuple):
        return
    bids, asks = prices(long, Side.BUY), prices(short, Side.SELL)
    assert [3_000 * USDC - bid for bid in bids] == [ask - 3_000 * USDC for ask in asks]


def up_to_tick(price: Decimal) -> int:
    """Subticks of the tick at or above a price in USDC."""
    return int((price * 1000).to_integral_value(ROUND_CEILING)) * 1000


def down_to_tick(price: Decimal) -> int:
    """Subticks of the tick at or below a price in USDC."""
    return int((price * 1000).to_integral_value(ROUND_FLOOR)) * 1000
