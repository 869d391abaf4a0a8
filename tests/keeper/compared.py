"""Every rule and overlay on a small made-up tape, for tests of the page."""

from pathlib import Path

from keeper.bootstrap.comparing import OVERLAY_NAMES, RULE_TITLES, Wanted, compare
from keeper.pages.comparison_data import Comparison
from keeper.recordings import load_recordings
from tests.keeper.recorded import lively

__all__ = ["sample_comparison"]


def sample_comparison(folder: Path) -> Comparison:
    """Forty seconds, walked in this process."""
    lively().write(folder / "ethusdt.gz")
    (recording,) = load_recordings(folder, ("ETHUSDT",))
    wanted = Wanted(
        rules=tuple(RULE_TITLES),
        overlays=OVERLAY_NAMES,
        base="fixed_spread",
        order=2_000 * 10**6,
        equity=100_000 * 10**6,
        maker_fee_ppm=100,
        processes=1,
    )
    return compare(recording, None, wanted, _unseen)


def _unseen(done: int, total: int) -> None:
    assert done <= total
