"""The rolling window of messages and fills: nothing forgotten early, nothing kept for ever."""

import random

from keeper.execution.traffic import PIECES, Traffic, count_fill, count_order, count_renewal, roll

SECOND = 1_000_000_000
WINDOW = 600
START = 1_750_000_000 * SECOND


def test_roll__a_window_later__forgotten_and_not_before() -> None:
    traffic = Traffic()
    roll(traffic, START, WINDOW)
    count_order(traffic, START, 5)
    count_fill(traffic, START, 2)
    count_renewal(traffic)

    roll(traffic, START + WINDOW * SECOND, WINDOW)
    kept = (traffic.total.orders, traffic.total.order_volume)
    roll(traffic, START + (WINDOW + 2 * WINDOW // PIECES) * SECOND, WINDOW)

    assert kept == (1, 5)
    assert (traffic.total.orders, traffic.total.fills, traffic.total.fill_volume) == (0, 0, 0)
    assert traffic.pieces == []
    assert traffic.renewals == 1


def test_roll__another_window__starts_anew() -> None:
    traffic = Traffic()
    roll(traffic, START, WINDOW)
    count_order(traffic, START, 5)

    roll(traffic, START, 2 * WINDOW)

    assert traffic.total.orders == 0


def test_roll__random_day__the_sum_is_that_of_the_window() -> None:
    """Against a plain list: all of the window is counted, and never more than a piece beyond it."""
    rng = random.Random(1)
    traffic, seen, now = Traffic(), [], START
    for _ in range(500):
        now += rng.choice((0, 1, 7, 60)) * SECOND
        roll(traffic, now, WINDOW)
        count_order(traffic, now, 3)
        seen.append(now)
        inside = sum(at > now - WINDOW * SECOND for at in seen)
        at_most = sum(at >= now - (WINDOW + WINDOW // PIECES) * SECOND for at in seen)

        assert inside <= traffic.total.orders <= at_most
        assert traffic.total.order_volume == 3 * traffic.total.orders
        assert len(traffic.pieces) <= PIECES + 1
