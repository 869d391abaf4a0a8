"""Order messages of a journal by what they were for: renewals apart from everything else."""

from keeper.domain import commands as cm
from keeper.domain import events as ev
from keeper.domain.settings import MarketSettings
from keeper.domain.units import PPM
from keeper.pages.report_data import Figure

__all__ = ["MessageReading"]


class MessageReading:
    """One pass over commands and fills.

    A renewal replaces an order by one whose price and size are within the tolerances of the former
    one: sent because its goodTilBlock came near, for the quote had not changed.
    """

    def __init__(self) -> None:
        self._newest: dict[int, cm.PlaceOrder] = {}
        self._filled: dict[int, int] = {}
        self._fills: set[str] = set()
        self._places = self._renewals = self._cancels = 0

    def place(self, order: cm.PlaceOrder, settings: MarketSettings | None) -> None:
        """Count an order or its replacement."""
        former = self._newest.get(order.client_id)
        filled = self._filled.get(order.client_id, 0)
        self._newest[order.client_id] = order
        self._places += 1
        if (
            former is not None
            and settings is not None
            and _is_same(former, order, filled, settings)
        ):
            self._renewals += 1

    def cancel(self) -> None:
        """Count a cancel message, whatever it names."""
        self._cancels += 1

    def fill(self, event: ev.FillReceived) -> None:
        """Count a fill once."""
        if event.fill_id in self._fills:
            return
        self._fills.add(event.fill_id)
        if event.client_id is not None:
            filled = self._filled.get(event.client_id, 0)
            self._filled[event.client_id] = filled + event.quantums

    def figures(self) -> tuple[Figure, ...]:
        """Return the counts, and messages per fill with and without renewals."""
        others = self._places + self._cancels - self._renewals
        return (
            Figure(name="Orders sent or replaced", value=f"{self._places:,}"),
            Figure(
                name="Renewals among them",
                value=f"{self._renewals:,}",
                note="an order's end came near, its price and size stayed within the tolerances",
            ),
            Figure(name="Cancel messages", value=f"{self._cancels:,}"),
            Figure(
                name="Messages per fill, without renewals",
                value=self._per_fill(others),
                note=f"with renewals {self._per_fill(others + self._renewals)}",
            ),
        )

    def _per_fill(self, messages: int) -> str:
        """Hundredths, rounded down."""
        if not self._fills:
            return "no fill"
        hundredths = messages * 100 // len(self._fills)
        return f"{hundredths // 100:,}.{hundredths % 100:02}"


def _is_same(
    former: cm.PlaceOrder, order: cm.PlaceOrder, filled: int, settings: MarketSettings
) -> bool:
    """Whether only the goodTilBlock moved, by the tolerances that decide about sending."""
    price_gap, size_gap = (
        abs(order.subticks - former.subticks),
        abs(order.quantums - former.quantums),
    )
    return (
        price_gap * PPM <= settings.price_tolerance_ppm * former.subticks
        and size_gap * PPM <= settings.size_tolerance_ppm * (order.quantums - filled)
    )
