"""Quotes made of distances: one rounding, outwards, whatever is left below a subtick."""

from keeper.domain.orders import Side
from keeper.strategies.ladder import MAX_WIRE, UNIT, from_distances, layered
from tests.keeper.unit.strategies.scenes import ETHER, prices, refusal, snapshot


def test_from_distances__half_a_subtick_beyond_a_tick__the_next_tick_outwards() -> None:
    half = UNIT // (6 * 10**9)

    answer = from_distances(snapshot(), [(half, half)], ETHER)

    assert prices(answer, Side.SELL) == [3_000_001_000]
    assert prices(answer, Side.BUY) == [2_999_999_000]


def test_from_distances__on_a_tick__stays() -> None:
    answer = from_distances(snapshot(), [(UNIT // 1_000, UNIT // 1_000)], ETHER)

    assert prices(answer, Side.SELL) == [3_003_000_000]
    assert prices(answer, Side.BUY) == [2_997_000_000]


def test_from_distances__bid_of_nothing_or_ask_beyond_the_wire__refused() -> None:
    nothing = refusal(from_distances(snapshot(), [(None, UNIT)], ETHER))
    endless = refusal(from_distances(snapshot(), [(UNIT * 10**10, None)], ETHER))

    assert (nothing.code, nothing.limit, nothing.value) == ("PRICE_ABSURD", 1_000, 0)
    assert (endless.code, endless.limit) == ("PRICE_ABSURD", MAX_WIRE)


def test_layered__one_side_missing__stays_missing() -> None:
    assert layered(None, 5, 2, 1) == [(None, 5), (None, 5 + UNIT // 10**6)]
