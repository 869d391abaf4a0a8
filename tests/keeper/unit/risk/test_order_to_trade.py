"""The order-to-trade cap: both ratios, the free messages, both numbers."""

import pytest

from keeper.domain.settings import OrderToTrade
from keeper.risk.traffic import check_order_to_trade

CAP = OrderToTrade(window_seconds=600, free_messages=10, max_ratio=4, max_volume_ratio=9)


@pytest.mark.parametrize(
    ("orders", "fills", "refused"),
    [
        ((9, 9_000), (0, 0), None),
        ((10, 10_000), (0, 0), ("ORDER_TO_TRADE", 10, 11)),
        ((14, 1_400), (1, 1_000), None),  # (15 - 10) / 1 - 1 = 4
        ((15, 1_500), (1, 1_000), ("ORDER_TO_TRADE", 15, 16)),
        ((19, 40_000), (2, 2_000), None),  # 9 of 19 offered 18,947: less than ten times 2,000
        ((19, 40_000), (2, 1_894), ("ORDER_TO_TRADE_VOLUME", 18_940, 18_947)),
    ],
)
def test_check_order_to_trade__around_the_cap__both_numbers(
    orders: tuple[int, int], fills: tuple[int, int], refused: tuple[str, int, int] | None
) -> None:
    found = check_order_to_trade("ETH-USD", CAP, orders, fills)

    assert (None if found is None else (found.code, found.limit, found.value)) == refused
