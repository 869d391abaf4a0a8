"""What one run remembers across reconnects: what was emitted, up to where, and our order ids."""

import msgspec

from keeper.venues.dydx.reader import SubaccountState

__all__ = ["OrderIndex", "Progress", "SeenIds"]

_KEEP_BLOCKS = 1_000


class SeenIds:
    """Ids emitted so far; admits each once, and nothing at or below the horizon."""

    __slots__ = ("_heights", "_horizon")

    def __init__(self, horizon: int) -> None:
        self._horizon = horizon
        self._heights: dict[str, int] = {}

    def is_new(self, key: str, height: int) -> bool:
        """Tell whether this id has not been emitted yet."""
        return height > self._horizon and key not in self._heights

    def add(self, key: str, height: int) -> None:
        """Remember an emitted id."""
        self._heights[key] = height

    def complete(self, height: int) -> None:
        """Everything up to `height` was emitted: forget what is far below it."""
        horizon = height - _KEEP_BLOCKS
        if horizon > self._horizon:
            self._horizon = horizon
            self._heights = {k: h for k, h in self._heights.items() if h > horizon}


class OrderIndex:
    """Client ids by the indexer's order id, kept until well after the order has expired."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def learn(self, order_id: str, client_id: int, good_til_block: int) -> None:
        """Remember an order of ours."""
        self._known[order_id] = (client_id, good_til_block)

    def client_id(self, order_id: str) -> int | None:
        """Return the client id, None when the order is not known here."""
        known = self._known.get(order_id)
        return None if known is None else known[0]

    def forget_before(self, height: int) -> None:
        """Drop orders that expired long before `height`."""
        horizon = height - _KEEP_BLOCKS
        self._known = {k: v for k, v in self._known.items() if v[1] > horizon}


class Progress(msgspec.Struct, kw_only=True):
    """Mutable; `complete` is the height up to which fills and transfers were emitted.

    `observed` is the last committed state read; `sequence` the last source sequence emitted.
    """

    fills: SeenIds
    transfers: SeenIds
    complete: int
    observed: SubaccountState | None
    sequence: int = 0
