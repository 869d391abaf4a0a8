"""The ingress queue: order, and the merging of superseded market data."""

from keeper.domain.events import (
    BookLevel,
    BookUpdated,
    Conflated,
    Event,
    LeaderQuoted,
    OraclePriced,
    SourceGap,
    TimerFired,
)
from keeper.engine.ingress import Ingress, merge_books
from tests.keeper.samples import fill

FILL = fill(1)


def book(
    seq: int,
    bids: tuple[tuple[int, int], ...],
    *,
    snapshot: bool = False,
    source: str = "a",
    market: str = "ETH-USD",
) -> BookUpdated:
    return BookUpdated(
        market=market,
        source=source,
        source_seq=seq,
        snapshot=snapshot,
        bids=tuple(BookLevel(*level) for level in bids),
        asks=(),
    )


def oracle(height: int, source: str = "a") -> OraclePriced:
    return OraclePriced(market="ETH-USD", source=source, price=3_000 + height, height=height)


def drained(events: list[Event]) -> list[Event]:
    ingress = Ingress()
    for event in events:
        ingress.put(event)
    taken: list[Event] = []
    while (head := ingress.pop()) is not None:
        taken.append(head)
    return taken


def test_pop__events_that_are_not_market_data__come_in_arrival_order() -> None:
    events: list[Event] = [FILL, TimerFired(name="second"), FILL, FILL]

    assert drained(events) == events


def test_pop__single_book_update__is_unchanged() -> None:
    assert drained([book(1, ((10, 0),))]) == [book(1, ((10, 0),))]


def test_pop__book_updates_around_a_fill__are_merged_in_the_first_ones_place() -> None:
    taken = drained([book(1, ((10, 1), (9, 1))), FILL, book(2, ((10, 0),)), book(3, ((8, 4),))])

    assert taken == [
        Conflated(source="a", count=2),
        book(3, ((10, 0), (9, 1), (8, 4))),
        FILL,
    ]


def test_pop__oracle_prices__the_last_one_stands_and_the_count_is_told() -> None:
    taken = drained([oracle(1), oracle(2), oracle(3)])

    assert taken == [Conflated(source="a", count=2), oracle(3)]


def test_pop__two_sources_or_markets__are_never_merged() -> None:
    events: list[Event] = [
        book(1, ((10, 1),)),
        book(1, ((10, 2),), source="b"),
        book(2, ((10, 3),), market="BTC-USD"),
        oracle(1),
    ]

    assert drained(events) == events


def test_pop__a_gap_between_updates_of_a_source__ends_the_merging() -> None:
    gap = SourceGap(source="a", expected=2, received=5)
    events: list[Event] = [book(1, ((10, 1),)), gap, book(5, ((11, 1),), snapshot=True)]

    assert drained(events) == events


def test_pop__update_after_the_merged_one_was_taken__starts_anew() -> None:
    ingress = Ingress()
    ingress.put(book(1, ((10, 1),)))
    ingress.put(book(2, ((10, 2),)))
    assert ingress.pop() == Conflated(source="a", count=1)

    ingress.put(book(3, ((10, 3),)))

    assert ingress.pop() == book(2, ((10, 2),))
    assert ingress.pop() == book(3, ((10, 3),))
    assert ingress.pop() is None


def test_merge_books__snapshot_among_updates__forgets_what_came_before() -> None:
    merged = merge_books(
        [
            book(1, ((10, 1),)),
            book(2, ((9, 2), (8, 2)), snapshot=True),
            book(3, ((9, 0), (7, 3))),
        ]
    )

    assert merged == book(3, ((8, 2), (7, 3)), snapshot=True)


def test_pop__leader_quotes__newest_of_a_market_wins_and_source_loss_ends_merging() -> None:
    def quoted(seq: int, market: str = "ETH-USD") -> LeaderQuoted:
        return LeaderQuoted(
            market=market,
            source="a",
            source_seq=seq,
            bid_e8=10 + seq,
            bid_size_e8=1,
            ask_e8=20 + seq,
            ask_size_e8=1,
        )

    gap = SourceGap(source="a", expected=4, received=6)

    assert drained([quoted(1), quoted(2), quoted(3, "BTC-USD"), gap, quoted(7)]) == [
        Conflated(source="a", count=1),
        quoted(2),
        quoted(3, "BTC-USD"),
        gap,
        quoted(7),
    ]
