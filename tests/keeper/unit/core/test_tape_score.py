"""What a walk came to: to the unit, against figures worked out by hand."""

from keeper.core.on_tape import Filled, Quoted
from keeper.core.tape_score import TapeMarkout, TapeScore, score
from keeper.domain.orders import Quote, Side, TimeInForce
from tests.keeper.builders import ONE_ETH, USDC
from tests.keeper.markets import ETH

SECOND = 10**9
T0 = 1_750_000_000 * SECOND
MS = T0 // 10**6


def standing(second: int, middle: int, refused: str = "", sides: tuple[Side, ...] = ()) -> Quoted:
    """Quotes ten USDC away on the sides named."""
    quotes = tuple(
        Quote(
            market=ETH.ticker,
            side=side,
            layer=0,
            subticks=(middle - 10 * side.sign) * USDC,
            quantums=ONE_ETH,
            time_in_force=TimeInForce.POST_ONLY,
        )
        for side in sides
    )
    return Quoted(
        t_ns=T0 + second * SECOND,
        middle=middle * USDC,
        quotes=quotes,
        refused=refused,
        position=0,
        equity=0,
    )


def filled(second: int, side: Side, price: int) -> Filled:
    """One ether for a fee of 1 USDC."""
    cash = -side.sign * price * USDC - USDC
    return Filled(
        t_ns=T0 + second * SECOND,
        side=side,
        subticks=price * USDC,
        quantums=ONE_ETH,
        cash=cash,
        fee=USDC,
    )


def round_trip() -> TapeScore:
    """Bought at 2,990 below a middle of 3,000, sold at 3,005 above one of 2,995."""
    both = (Side.BUY, Side.SELL)
    rows = [
        standing(0, 3_000, sides=both),
        filled(1, Side.BUY, 2_990),
        standing(2, 2_980, sides=(Side.SELL,)),
        standing(4, 2_995, refused="SESSION_CLOSED"),
        filled(5, Side.SELL, 3_005),
    ]
    return score(rows, ETH, T0 + 8 * SECOND)


def test_score__round_trip__profit_before_and_after_fees() -> None:
    found = round_trip()

    assert (found.profit_gross, found.fees, found.profit_net) == (15 * USDC, 2 * USDC, 13 * USDC)
    assert found.volume == (2_990 + 3_005) * USDC
    assert found.largest_position == ONE_ETH


def test_score__held__marked_at_the_middle_of_each_change() -> None:
    found = round_trip()

    at = [MS + 1_000 * second for second in (0, 1, 2, 4)]
    assert found.gross[:4] == tuple(zip(at, (0, 10 * USDC, -10 * USDC, 5 * USDC), strict=True))
    assert found.net[1] == (MS + 1_000, 9 * USDC)
    assert found.position == ((MS, 0), (MS + 1_000, ONE_ETH), (MS + 5_000, 0))


def test_score__fills__captured_against_the_middle_before_them() -> None:
    assert round_trip().captured == (10 + 10) * USDC


def test_score__markouts__by_the_middle_then_and_only_where_the_tape_reaches() -> None:
    """The first fill is due at 2 s (2,980) and 6 s (2,995), the second at 6 s (2,995)."""
    one, five, thirty = round_trip().markouts

    assert one == TapeMarkout(horizon_s=1, fills=2, gain=0, ppm=0)
    assert five == TapeMarkout(horizon_s=5, fills=1, gain=5 * USDC, ppm=1_672)
    assert thirty == TapeMarkout(horizon_s=30, fills=0, gain=0, ppm=None)


def test_score__time__both_sides_spread_and_refusals() -> None:
    found = round_trip()

    assert found.observed_ns == 8 * SECOND
    assert found.two_sided_ns == 2 * SECOND
    assert found.spread_ppm == 20 * 10**6 // 3_000
    assert found.refused == (("SESSION_CLOSED", 4 * SECOND),)


def test_score__sides__none_where_nothing_stood() -> None:
    found = round_trip()

    assert found.bid == ((MS, 2_990 * USDC), (MS + 2_000, None))
    assert found.ask == ((MS, 3_010 * USDC), (MS + 2_000, 2_990 * USDC), (MS + 4_000, None))


def test_score__nothing__is_empty() -> None:
    found = score([], ETH, T0)

    assert (found.profit_gross, found.profit_net, found.observed_ns) == (0, 0, 0)
    assert found.spread_ppm is None
