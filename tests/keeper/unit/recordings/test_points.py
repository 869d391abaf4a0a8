"""A recording as a market: exact ticks and steps, levels that changed, prints."""

from pathlib import Path

from keeper.core.on_tape import Best, Printed
from keeper.domain.orders import Side
from keeper.recordings import Moment, load_recordings, market_of, points_of
from keeper.recordings.moments import BookAt
from tests.keeper.recorded import small

E8 = 10**8


def moments(tmp_path: Path) -> list[Moment]:
    small().write(tmp_path / "ethusdt.gz")
    (recording,) = load_recordings(tmp_path, ("ETHUSDT",))
    return list(recording.moments(levels=1))


def test_market_of__recorded_prices_and_sizes__whole_in_its_units(tmp_path: Path) -> None:
    found = market_of("ETHUSDT", moments(tmp_path))

    assert found.subticks_per_tick == E8 // 10
    assert found.step_base_quantums == E8 // 8
    assert found.quote_quantums_down(2 * E8, 100 * E8) == 200 * 10**6
    assert found.oracle_price_down(100 * E8) == 100 * E8


def test_points_of__levels_and_prints__in_order(tmp_path: Path) -> None:
    points = list(points_of(moments(tmp_path)))

    assert [type(point) for point in points] == [Best, Printed, Best, Printed]
    first, bought, second, sold = points
    assert isinstance(first, Best)
    assert isinstance(second, Best)
    assert (first.top.bid, first.top.ask) == (10_010_000_000, 102 * E8)
    assert second.top.ask == 10_120_000_000
    assert isinstance(bought, Printed)
    assert (bought.side, bought.subticks, bought.quantums) == (Side.BUY, 10_150_000_000, E8 // 4)
    assert isinstance(sold, Printed)
    assert sold.side is Side.SELL


def test_points_of__same_levels_or_an_empty_side__left_out() -> None:
    both = BookAt(1, ((100, 5),), ((101, 5),))
    again = BookAt(2, ((100, 5),), ((101, 5),))
    one_sided = BookAt(3, (), ((101, 5),))

    assert [point.t_ns for point in points_of([both, again, one_sided])] == [1]
