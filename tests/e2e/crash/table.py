"""The table of a campaign: every point, how often it was hit, and what was found."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.e2e.crash.campaign import Run
from tests.e2e.crash.unreached import UNREACHED

__all__ = ["note_run", "write_table"]


def note_run(path: Path, run: Run) -> None:
    """Add a line about a run to a file, for whoever watches."""
    point, found = run.point or "stopped", run.findings
    counts = f"{found.steps} steps, {found.placed} placed, {found.fills} fills"
    line = f"{run.number} {run.seconds:.1f} s [{run.story}] {point}: {counts} {found.violations}\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(line)


def write_table(
    path: Path, points: Sequence[str], runs: Sequence[Run], twins: Mapping[str, Sequence[Run]]
) -> None:
    """Write it to `path`."""
    hits = Counter(run.point for run in runs if run.point)
    excepted = [point for point in points if point in UNREACHED]
    violations = sum(len(run.findings.violations) for run in runs)
    due, hit = len(points) - len(excepted), sum(point in hits for point in points)
    last = runs[-1].findings
    lines = [
        f"{due} points, {hit} hit, {violations} violations",
        f"{len(runs)} runs, {sum(hits.values())} killed, {len(runs) - sum(hits.values())} stopped; "
        f"{sum(run.seconds for run in runs):.0f} s",
        f"journal: {last.runs} runs, {last.steps} steps; {last.placed} orders placed, "
        f"{last.fills} fills, {last.signed} transactions signed",
        "",
        *(f"{hits[point]:4d}  {point}" for point in points if point not in UNREACHED),
        "",
        *(f"   -  {point}: {UNREACHED[point]}" for point in excepted),
        "",
        *(f"broken twin: {twin}: {_found(found)}" for twin, found in twins.items()),
        *(f"run {r.number} {r.point}: {found}" for r in runs for found in r.findings.violations),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _found(runs: Sequence[Run]) -> str:
    found = [violation for run in runs for violation in run.findings.violations]
    return f"caught: {found[0]}" if found else "SURVIVED"
