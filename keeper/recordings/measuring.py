"""What a recording says of a market's volatility and of how far trades reach."""

from collections.abc import Iterable, Sequence
from typing import Final

from keeper.recordings.moments import Moment, TradeAt, arrivals
from keeper.strategies.calibration import Calibration, Calibrator

__all__ = ["DISTANCES_PPM", "SAMPLE_NS", "measured"]

DISTANCES_PPM: Final = (10, 20, 50, 100, 150, 200, 300, 500)
SAMPLE_NS: Final = 10**9


def measured(
    moments: Iterable[Moment],
    distances_ppm: Sequence[int] = DISTANCES_PPM,
    sample_ns: int = SAMPLE_NS,
) -> Calibration:
    """Calibrate from moments in order; prints of one time and side are one arrival."""
    calibrator = Calibrator(distances_ppm, sample_ns)
    for moment in arrivals(moments):
        if isinstance(moment, TradeAt):
            calibrator.trade(moment.price_e8)
        elif moment.bids and moment.asks:
            calibrator.middle(moment.t_ns, moment.bids[0][0], moment.asks[0][0])
    return calibrator.result()
