"""The book by Binance's sequence rules, against a plain dictionary on random updates."""

import random

import pytest

from keeper.feeds.binance.depth import BookCrossed, DepthBook, Followed, SequenceBroken
from keeper.feeds.binance.wire import DepthSnapshot, DepthUpdate, Level

E8 = 10**8


def snapshot(last_id: int = 100) -> DepthSnapshot:
    return DepthSnapshot(last_id=last_id, bids=[("100", "1")], asks=[("101", "1")])


def futures(
    previous: int, last: int, bids: list[Level] | None = None, asks: list[Level] | None = None
) -> DepthUpdate:
    return DepthUpdate(
        event_ms=0,
        symbol="X",
        first_id=previous + 5,
        last_id=last,
        previous_id=previous,
        bids=bids or [],
        asks=asks or [],
    )


def spot(first: int, last: int) -> DepthUpdate:
    return DepthUpdate(event_ms=0, symbol="X", first_id=first, last_id=last, bids=[], asks=[])


def loaded() -> DepthBook:
    book = DepthBook()
    book.load(snapshot())
    return book


@pytest.mark.parametrize(
    ("update", "applied"),
    [
        (futures(80, 99), False),
        (futures(80, 100), True),
        (futures(100, 120), True),
        (futures(95, 120), True),
        (spot(80, 100), False),
        (spot(101, 105), True),
        (spot(90, 101), True),
    ],
)
def test_apply__first_after_the_snapshot__passed_over_or_taken(
    update: DepthUpdate, applied: bool
) -> None:
    assert loaded().apply(update) is applied


@pytest.mark.parametrize("update", [futures(101, 120), spot(102, 120)])
def test_apply__first_starts_after_the_snapshot__broken(update: DepthUpdate) -> None:
    with pytest.raises(SequenceBroken):
        loaded().apply(update)


@pytest.mark.parametrize(
    ("first", "following"),
    [(futures(100, 110), futures(109, 120)), (spot(101, 110), spot(112, 120))],
)
def test_apply__later_one_does_not_follow__broken_with_both_ids(
    first: DepthUpdate, following: DepthUpdate
) -> None:
    book = loaded()
    book.apply(first)

    with pytest.raises(SequenceBroken) as caught:
        book.apply(following)

    assert caught.value.expected == 110
    assert caught.value.received in (109, 112)


def test_apply__update_crosses_the_book__refused() -> None:
    with pytest.raises(BookCrossed):
        loaded().apply(futures(100, 110, bids=[("101", "1")]))


def test_load__snapshot_locked__refused() -> None:
    locked = DepthSnapshot(last_id=1, bids=[("100", "1")], asks=[("100", "1")])

    with pytest.raises(BookCrossed):
        DepthBook().load(locked)


def test_apply__random_updates__the_levels_of_a_plain_dictionary() -> None:
    rng, book = random.Random(5), loaded()
    bids, asks, last = {100 * E8: E8}, {101 * E8: E8}, 100
    for _ in range(2_000):
        below = [(str(rng.randint(50, 100)), str(rng.randint(0, 3))) for _ in range(3)]
        above = [(str(rng.randint(101, 150)), str(rng.randint(0, 3))) for _ in range(3)]
        book.apply(futures(last, last + 10, below, above))
        last += 10
        for side, changes in ((bids, below), (asks, above)):
            for price, size in changes:
                side[int(price) * E8] = int(size) * E8

        wanted_bids = sorted(((p, s) for p, s in bids.items() if s), reverse=True)
        wanted_asks = sorted((p, s) for p, s in asks.items() if s)
        assert book.top_bids(60) == tuple(wanted_bids)
        assert book.top_asks(5) == tuple(wanted_asks[:5])


def test_load__snapshot_older_than_what_waits__broken_and_a_newer_one_serves() -> None:
    followed = Followed()
    followed.update(futures(200, 210, bids=[("100.5", "2")]))
    followed.update(futures(210, 220))
    with pytest.raises(SequenceBroken):
        followed.load(snapshot(150))

    book = followed.load(snapshot(205))

    assert book.synchronised
    assert (book.last_id, book.top_bids(1)) == (220, ((10_050_000_000, 2 * E8),))
