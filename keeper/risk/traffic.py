"""The order-to-trade cap: messages for a price or a size against what they filled."""

from keeper.domain.approval import Refused
from keeper.domain.settings import OrderToTrade

__all__ = ["check_order_to_trade"]


def check_order_to_trade(
    market: str, cap: OrderToTrade, orders: tuple[int, int], fills: tuple[int, int]
) -> Refused | None:
    """Return why one more message for a price or a size must not leave; None while it may.

    `orders` and `fills` are number and volume (base quantums) within the window. The ratios are
    those of Delegated Regulation (EU) 2017/566, article 3: orders / transactions - 1, by number and
    by volume. The free messages are left out, by volume in proportion.
    """
    number, volume = orders
    filled, filled_volume = fills
    allowed = cap.free_messages + (cap.max_ratio + 1) * filled
    if number + 1 > allowed:
        return Refused(code="ORDER_TO_TRADE", subject=market, limit=allowed, value=number + 1)
    counted = volume * max(0, number - cap.free_messages) // max(1, number)
    most = (cap.max_volume_ratio + 1) * filled_volume
    if counted > most:
        return Refused(code="ORDER_TO_TRADE_VOLUME", subject=market, limit=most, value=counted)
    return None
