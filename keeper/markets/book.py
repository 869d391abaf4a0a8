"""One price-time book as absolute levels: apply updates, uncross by message order, read the top."""

from collections.abc import Iterator

import msgspec

from keeper.domain.events import BookLevel, BookUpdated
from keeper.domain.orders import Side

__all__ = ["Book", "apply_update", "depth", "is_crossed", "is_one_sided"]


class Book(msgspec.Struct, kw_only=True):
    """Levels of one market, price in subticks -> size in base quantums; owned by `keeper.core`.

    `ready` is false until a snapshot has arrived since the source was last lost. `bid_seqs` and
    `ask_seqs` remember which message set a level: the older of two crossed levels is the dead one.
    """

    source: str = ""
    seq: int = -1
    ready: bool = False
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    bid_seqs: dict[int, int] = {}
    ask_seqs: dict[int, int] = {}
    best_bid: int = 0
    best_ask: int = 0


def apply_update(book: Book, update: BookUpdated) -> bool:
    """Apply a message unless it (or a later one) was applied before; tell whether it was."""
    if update.source == book.source and update.source_seq <= book.seq:
        return False
    if update.snapshot:
        book.bids, book.asks, book.bid_seqs, book.ask_seqs = {}, {}, {}, {}
        book.ready = True
    book.source, book.seq = update.source, update.source_seq
    _apply_side(book.bids, book.bid_seqs, update.bids, update.source_seq)
    _apply_side(book.asks, book.ask_seqs, update.asks, update.source_seq)
    book.best_bid = max(book.bids, default=0)
    book.best_ask = min(book.asks, default=0)
    _uncross(book)
    return True


def is_crossed(book: Book) -> bool:
    """Tell whether the best bid is at or above the best ask."""
    return 0 < book.best_ask <= book.best_bid


def is_one_sided(book: Book) -> bool:
    """Tell whether a side is empty."""
    return book.best_bid == 0 or book.best_ask == 0


def depth(book: Book, side: Side) -> Iterator[BookLevel]:
    """Yield the levels a taker of `side` meets, best first."""
    if side is Side.BUY:
        for subticks in sorted(book.asks):
            yield BookLevel(subticks, book.asks[subticks])
    else:
        for subticks in sorted(book.bids, reverse=True):
            yield BookLevel(subticks, book.bids[subticks])


def _apply_side(
    levels: dict[int, int], seqs: dict[int, int], changes: tuple[BookLevel, ...], seq: int
) -> None:
    for level in changes:
        if level.quantums > 0:
            levels[level.subticks] = level.quantums
            seqs[level.subticks] = seq
        else:
            levels.pop(level.subticks, None)
            seqs.pop(level.subticks, None)


def _uncross(book: Book) -> None:
    """Drop the older of two crossed levels; levels of one message stay and the book is crossed."""
    while is_crossed(book):
        bid_seq, ask_seq = book.bid_seqs[book.best_bid], book.ask_seqs[book.best_ask]
        if bid_seq == ask_seq:
            return
        if bid_seq < ask_seq:
            del book.bids[book.best_bid], book.bid_seqs[book.best_bid]
            book.best_bid = max(book.bids, default=0)
        else:
            del book.asks[book.best_ask], book.ask_seqs[book.best_ask]
            book.best_ask = min(book.asks, default=0)
