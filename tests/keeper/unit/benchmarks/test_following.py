"""A quote that follows the leader is out of the way of a taker who follows it too."""

from pathlib import Path

from benchmarks.following import Follower
from keeper.accounting.markouts import ReferenceMarkout
from keeper.recordings import Recording, load_recordings
from tests.keeper.recorded import Lines


def falling(folder: Path) -> Recording:
    """Three thousand for five seconds, then a dollar less; half a second later a seller comes."""
    lines = Lines("ETHUSDT")
    lines.snapshot(0, 100, [("2999.90", "50")], [("3000.10", "50")])
    last = 100
    for at_ms in range(100, 40_000, 100):
        size = f"{50 + at_ms % 700 / 100:.2f}"
        fallen = at_ms >= 5_300
        bids = [("2999.90", "0" if fallen else size), ("2998.90", size)]
        asks = [("3000.10", size), ("2999.10", size if fallen else "0")]
        lines.depth(at_ms, (last, last + 1, last + 10), bids, asks)
        last += 10
        if at_ms == 5_800:
            lines.trade(at_ms + 1, "2998.90", "1.5", sold=True)
    (recording,) = load_recordings(lines.write(folder / "usdm_ethusdt_20240719.gz"))
    return recording


def bought(rows: tuple[ReferenceMarkout, ...], horizon_s: int) -> ReferenceMarkout:
    return next(
        row
        for row in rows
        if row.reference == "oracle" and row.markout.horizon_ns == horizon_s * 10**9
    )


def test_run__leader_only_recorded__stale_bid_is_hit_and_loses(tmp_path: Path) -> None:
    follower = Follower(weight_ppm=0)

    rows = follower.run(falling(tmp_path))

    # Bought at 150 ppm below 3000, down to the tick: 2999.5; worth 2999 from the next blocks on.
    assert follower.fills == 1
    assert bought(rows, 5).markout.ppm == -167


def test_run__leader_followed__nothing_is_there_to_be_hit(tmp_path: Path) -> None:
    follower = Follower(weight_ppm=800_000)

    rows = follower.run(falling(tmp_path))

    assert follower.fills == 0
    assert rows == ()
