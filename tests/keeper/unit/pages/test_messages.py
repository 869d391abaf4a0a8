"""Messages by what they were for: a renewal is no change of mind."""

import pytest
from msgspec.structs import replace

from keeper.domain import events as ev
from keeper.domain.commands import PlaceOrder
from keeper.domain.orders import Liquidity, Side, TimeInForce
from keeper.pages.messages import MessageReading
from tests.keeper.builders import market_settings

SETTINGS = replace(market_settings(), price_tolerance_ppm=100, size_tolerance_ppm=50_000)
FIRST = PlaceOrder(
    market="ETH-USD",
    client_id=1,
    side=Side.BUY,
    quantums=1_000_000_000,
    subticks=3_000_000_000,
    good_til_block=110,
    time_in_force=TimeInForce.POST_ONLY,
    reduce_only=False,
)


def fill(fill_id: str, quantums: int) -> ev.FillReceived:
    return ev.FillReceived(
        fill_id=fill_id,
        market="ETH-USD",
        client_id=1,
        side=Side.BUY,
        quantums=quantums,
        subticks=3_000_000_000,
        quote_quantums=1,
        fee_quote_quantums=0,
        liquidity=Liquidity.MAKER,
        kind="LIMIT",
        height=101,
    )


def counted(reading: MessageReading) -> list[str]:
    return [figure.value for figure in reading.figures()]


@pytest.mark.parametrize(
    ("change", "renewals"),
    [
        ({}, "1"),
        ({"subticks": 3_000_300_000}, "1"),  # 100 ppm
        ({"subticks": 3_000_300_001}, "0"),
        ({"quantums": 1_052_631_578}, "1"),  # 5 % of itself
        ({"quantums": 1_052_631_580}, "0"),
        ({"client_id": 2}, "0"),
    ],
)
def test_place__second_message__is_a_renewal_within_the_tolerances_of_the_same_id(
    change: dict[str, int], renewals: str
) -> None:
    reading = MessageReading()
    reading.place(FIRST, SETTINGS)

    reading.place(replace(FIRST, good_til_block=118, **change), SETTINGS)

    assert counted(reading)[:2] == ["2", renewals]


def test_place__what_is_left_is_small__size_is_compared_with_that() -> None:
    reading = MessageReading()
    reading.place(FIRST, SETTINGS)
    reading.fill(fill("a", 900_000_000))

    reading.place(replace(FIRST, quantums=1_006_000_000), SETTINGS)

    assert counted(reading)[1] == "0"


def test_figures__renewals_cancels_and_fills__messages_per_fill_with_and_without() -> None:
    reading = MessageReading()
    for good_til_block in (110, 118, 126, 134):
        reading.place(replace(FIRST, good_til_block=good_til_block), SETTINGS)
    reading.cancel()
    for fill_id in ("a", "a", "b", "c"):
        reading.fill(fill(fill_id, 1))

    assert counted(reading) == ["4", "3", "1", "0.66"]
    assert reading.figures()[3].note == "with renewals 1.66"


def test_figures__nothing_filled__says_so() -> None:
    assert counted(MessageReading()) == ["0", "0", "0", "no fill"]
