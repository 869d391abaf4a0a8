"""Profit of the venue account by cause over time: the ledger asked at evenly spaced heights."""

from typing import Final

from keeper.accounting.attribution import MissingPrice, attribute
from keeper.accounting.ledger import Ledger
from keeper.pages.report_data import ProfitPoint

__all__ = ["profit_over_time"]

_MOST_POINTS: Final = 48


def profit_over_time(ledger: Ledger, time_ms_of: dict[int, int]) -> tuple[ProfitPoint, ...]:
    """Return profit since the first observed height; heights without a price or time are left out.

    `time_ms_of` gives the unix ms at which a venue height was logged.
    """
    heights = [height for height in ledger.observed_heights() if height in time_ms_of]
    if not heights:
        return ()
    first, points = ledger.observed_heights()[0], []
    for height in _spread(heights):
        profit = attribute(ledger, first, height)
        if isinstance(profit, MissingPrice):
            continue
        causes = profit.causes
        points.append(
            ProfitPoint(
                at_ms=time_ms_of[height],
                causes_usdc_e6=(
                    causes.spread,
                    causes.inventory,
                    causes.funding,
                    causes.fees_and_rebates,
                    causes.incentives,
                ),
            )
        )
    return tuple(points)


def _spread(heights: list[int]) -> list[int]:
    last = len(heights) - 1
    steps = min(last, _MOST_POINTS)
    return [heights[last * n // steps] for n in range(steps + 1)] if steps else heights
