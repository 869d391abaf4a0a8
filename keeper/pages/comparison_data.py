"""What the page of all rules and overlays on one tape shows."""

import msgspec

from keeper.core.range_on_tape import RangeScore
from keeper.core.tape_score import TapeScore
from keeper.domain.instruments import PerpetualMarket
from keeper.pages.report_data import DataSource
from keeper.strategies.calibration import Calibration

__all__ = ["Comparison", "TapeRun"]


class TapeRun(msgspec.Struct, frozen=True, kw_only=True):
    """One rule, or one overlay on the base rule, over the tape; `remark` where it needs one."""

    name: str
    title: str
    about: str
    parameters: tuple[tuple[str, str], ...]
    score: TapeScore
    remark: str = ""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page shows; money in quote quantums (1e-6), prices in the market's subticks.

    `calibrated_on` names another recording than the tape, "" where it is the tape itself.
    `middle` is (unix ms, subticks).
    """

    market: PerpetualMarket
    source: DataSource
    started_s: int
    middle: tuple[tuple[int, int], ...]
    changes: int
    prints: int
    calibration: Calibration
    calibrated_on: str
    equity: int
    order: int
    maker_fee_ppm: int
    base: str
    rules: tuple[TapeRun, ...]
    overlays: tuple[TapeRun, ...]
    pool_range: RangeScore | None
    pool_facts: tuple[tuple[str, str], ...]
