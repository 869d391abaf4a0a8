"""A book kept from a depth snapshot and the updates around it, by Binance's sequence rules."""

from bisect import bisect_left, insort
from typing import Final

from keeper.domain.errors import WireError
from keeper.feeds.binance.wire import DepthSnapshot, DepthUpdate, levels_e8

__all__ = ["BookCrossed", "DepthBook", "Followed", "SequenceBroken"]

_MOST_WAITING: Final = 20_000

_Levels = tuple[tuple[int, int], ...]


class SequenceBroken(WireError):
    """Raised when an update does not follow what is known; the book must be loaded anew.

    `expected` and `received` are update ids.
    """

    def __init__(self, what: str, *, expected: int, received: int) -> None:
        super().__init__(what)
        self.expected = expected
        self.received = received


class BookCrossed(WireError):
    """Raised when the best bid is at or above the best ask; the book must be loaded anew."""


class DepthBook:
    """Levels in 1e-8 of price and size; `last_id` is the last update applied.

    Updates that end before the snapshot are passed over; the first one applied must span the
    snapshot's id, each later one must follow its predecessor without a gap.
    """

    def __init__(self) -> None:
        self.last_id = 0
        self.synchronised = False
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self._bid_prices: list[int] = []
        self._ask_prices: list[int] = []

    def load(self, snapshot: DepthSnapshot) -> None:
        """Start from a snapshot. Raises BookCrossed or WireError; the book is then unusable."""
        self._bids = {price: size for price, size in levels_e8(snapshot.bids) if size}
        self._asks = {price: size for price, size in levels_e8(snapshot.asks) if size}
        self._bid_prices = sorted(self._bids)
        self._ask_prices = sorted(self._asks)
        self.last_id = snapshot.last_id
        self.synchronised = False
        self._require_uncrossed("snapshot")

    def apply(self, update: DepthUpdate) -> bool:
        """Apply an update; false when the snapshot already holds it.

        Raises SequenceBroken, BookCrossed or WireError; the book is then unusable.
        """
        if not self._is_due(update):
            return False
        self.last_id = update.last_id
        self.synchronised = True
        for price, size in levels_e8(update.bids):
            _set(self._bids, self._bid_prices, price, size)
        for price, size in levels_e8(update.asks):
            _set(self._asks, self._ask_prices, price, size)
        self._require_uncrossed("book")
        return True

    def follows(self, update: DepthUpdate) -> bool:
        """Tell whether an update comes next after the last one applied, without a gap."""
        if update.previous_id is not None:
            return update.previous_id == self.last_id
        return update.first_id == self.last_id + 1

    def top_bids(self, count: int) -> _Levels:
        """Return the best bids, best first."""
        return tuple((price, self._bids[price]) for price in reversed(self._bid_prices[-count:]))

    def top_asks(self, count: int) -> _Levels:
        """Return the best asks, best first."""
        return tuple((price, self._asks[price]) for price in self._ask_prices[:count])

    def _is_due(self, update: DepthUpdate) -> bool:
        if self.synchronised:
            if not self.follows(update):
                came = update.first_id if update.previous_id is None else update.previous_id
                raise SequenceBroken(
                    f"update gap: the book stands at {self.last_id}, the next follows {came}",
                    expected=self.last_id,
                    received=came,
                )
            return True
        spot = update.previous_id is None
        wanted = self.last_id + 1 if spot else self.last_id
        if update.last_id < wanted:
            return False
        first = update.first_id if update.previous_id is None else update.previous_id
        if first > wanted:
            raise SequenceBroken(
                f"update gap: the snapshot stands at {self.last_id}, the next starts at {first}",
                expected=wanted,
                received=first,
            )
        return True

    def _require_uncrossed(self, what: str) -> None:
        if self._bid_prices and self._ask_prices and self._bid_prices[-1] >= self._ask_prices[0]:
            raise BookCrossed(
                f"crossed {what}: best bid {self._bid_prices[-1]}e-8 "
                f"is not below best ask {self._ask_prices[0]}e-8"
            )


class Followed:
    """One symbol as it is followed: updates wait for a snapshot, then both make the book.

    `latest` is the last update that was taken.
    """

    def __init__(self) -> None:
        self.book: DepthBook | None = None
        self.latest: DepthUpdate | None = None
        self._waiting: list[DepthUpdate] = []

    @property
    def has_updates(self) -> bool:
        """Whether an update waits for a snapshot."""
        return bool(self._waiting)

    def update(self, update: DepthUpdate) -> bool:
        """Take an update; true when it changed the book.

        Raises SequenceBroken, BookCrossed, or WireError when no snapshot comes.
        """
        self.latest = update
        if self.book is not None:
            return self.book.apply(update)
        if len(self._waiting) == _MOST_WAITING:
            raise WireError(f"no depth snapshot within {_MOST_WAITING} updates")
        self._waiting.append(update)
        return False

    def load(self, snapshot: DepthSnapshot) -> DepthBook:
        """Take a snapshot and what waits for it.

        Raises SequenceBroken when it is older than the first update that waits (those stay, so
        that a newer one can be taken), BookCrossed or WireError.
        """
        book = DepthBook()
        book.load(snapshot)
        for update in self._waiting:
            book.apply(update)
        self._waiting.clear()
        self.book = book
        return book

    def wait_again(self, update: DepthUpdate) -> None:
        """Drop the book; this update is the first that waits for another snapshot."""
        self.book = None
        self._waiting = [update]


def _set(sizes: dict[int, int], prices: list[int], price: int, size: int) -> None:
    """Set or remove one level, keeping the prices sorted upwards."""
    if size:
        if price not in sizes:
            insort(prices, price)
        sizes[price] = size
    elif sizes.pop(price, None) is not None:
        del prices[bisect_left(prices, price)]
