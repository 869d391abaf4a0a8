"""The book: absolute levels, second delivery, uncrossing by message order, depth."""

from keeper.domain.events import BookLevel, BookUpdated
from keeper.domain.orders import Side
from keeper.markets.book import Book, apply_update, depth, is_crossed, is_one_sided


def _update(
    seq: int,
    bids: tuple[tuple[int, int], ...],
    asks: tuple[tuple[int, int], ...],
    snapshot: bool = False,
) -> BookUpdated:
    return BookUpdated(
        market="ETH-USD",
        source="s",
        source_seq=seq,
        snapshot=snapshot,
        bids=tuple(BookLevel(*level) for level in bids),
        asks=tuple(BookLevel(*level) for level in asks),
    )


def _book() -> Book:
    book = Book()
    apply_update(book, _update(1, ((10, 1), (9, 2)), ((11, 3), (12, 4)), snapshot=True))
    return book


def test_apply_update__snapshot__replaces_everything() -> None:
    book = _book()

    apply_update(book, _update(2, ((5, 1),), ((6, 1),), snapshot=True))

    assert (book.bids, book.asks, book.ready) == ({5: 1}, {6: 1}, True)


def test_apply_update__zero_size__removes_the_level() -> None:
    book = _book()

    apply_update(book, _update(2, ((10, 0), (7, 0)), ()))

    assert book.best_bid == 9


def test_apply_update__delivered_twice_or_late__ignored() -> None:
    book = _book()

    again = apply_update(book, _update(1, ((10, 99),), ()))

    assert not again
    assert book.bids[10] == 1


def test_apply_update__crossed_by_a_newer_level__older_one_dropped() -> None:
    book = _book()

    apply_update(book, _update(2, ((11, 5),), ()))
    apply_update(book, _update(3, (), ((9, 1),)))

    assert (book.best_bid, book.best_ask) == (0, 9)
    assert book.asks == {9: 1, 12: 4}


def test_apply_update__crossed_within_one_message__stays_crossed() -> None:
    book = _book()

    apply_update(book, _update(2, ((13, 1),), ((13, 1),)))

    assert is_crossed(book)


def test_is_one_sided__a_side_empty() -> None:
    book = _book()

    apply_update(book, _update(2, (), ((11, 0), (12, 0))))

    assert is_one_sided(book)
    assert not is_crossed(book)
    assert not is_one_sided(_book())


def test_depth__taker_side__best_first() -> None:
    book = _book()

    assert [level.subticks for level in depth(book, Side.BUY)] == [11, 12]
    assert [level.subticks for level in depth(book, Side.SELL)] == [10, 9]
