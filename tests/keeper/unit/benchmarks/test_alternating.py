"""Two trees turn by turn, and a profile: they run, count alike, and refuse to compare unlike."""

import pytest

from benchmarks import alternating, profiling
from benchmarks.alternating import ROOT, Turn, pairs


def test_pairs__a_tree_with_itself__decides_alike() -> None:
    found = pairs((ROOT, ROOT), (1, False), turns=4)

    assert len(found) == 2
    assert all(a.deciding == b.deciding > 0 and a.others == b.others for a, b in found)


def test_pairs__trees_that_decide_differently__refused(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = iter([Turn(1, 1, 1, 1), Turn(1, 2, 1, 1)])
    monkeypatch.setattr(alternating, "_turn", lambda _process: next(turns))

    with pytest.raises(ValueError, match="decide differently"):
        pairs((ROOT, ROOT), (1, False), turns=1)


def test_lines__replay__shares_of_all_time() -> None:
    profile, steps = profiling.of_replay(blocks=5)

    found = profiling.lines(profile, steps, most=10_000)

    assert steps > 50
    assert sum(line.own for line in found) == pytest.approx(100)
    assert any(line.where.startswith("keeper/core/step.py") for line in found)
