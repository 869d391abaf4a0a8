"""The memory bench: two markets live, and a slope that sees growth."""

from pathlib import Path

import pytest

from benchmarks.memory import MIB, Life, Sample, growth_mb_per_hour, live


def sample(hour: int, mib: float) -> Sample:
    return Sample(hour, hour * 3_600, int(mib * MIB), 0, 0.0)


def test_growth_mb_per_hour__rising_late__its_slope_alone() -> None:
    """The first half, in which everything is first used, does not count."""
    samples = [sample(0, 10), sample(1, 80), *(sample(n, 90 + 2 * n) for n in range(2, 6))]

    assert growth_mb_per_hour(samples) == pytest.approx(2)


def test_growth_mb_per_hour__one_sample__refused() -> None:
    with pytest.raises(ValueError, match="two samples"):
        growth_mb_per_hour([sample(1, 80)])


def test_life__blocks__both_markets_hold_orders_and_fill(tmp_path: Path) -> None:
    life = Life(tmp_path)

    for _ in range(60):
        life.block()

    markets = {order.market for order in life.sequencer.state.orders.working.values()}
    assert markets == {"ETH-USD", "SOL-USD"}
    assert life.fills > 0
    life.close()


def test_live__events__samples_on_the_way_and_at_the_end(tmp_path: Path) -> None:
    found = list(live(tmp_path, events=400, every=150, patience_seconds=60))

    assert [each.events >= due for each, due in zip(found, (150, 300, 400), strict=True)]
    assert found[-1].resident > 10 * MIB
