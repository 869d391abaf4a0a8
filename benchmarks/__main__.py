"""`make bench`: every figure, medians of several runs, as a table or as JSON."""

import argparse
import json
import platform
import timeit
from dataclasses import asdict
from datetime import UTC, datetime

from benchmarks import build_sign, commands, event_to_command, reading, replaying
from benchmarks.figures import Figure


def _measure(runs: int) -> list[Figure]:
    return [
        *event_to_command.figures(1, runs=runs, blocks=400),
        *event_to_command.figures(3, runs=runs, blocks=400),
        *event_to_command.leader_figures(runs=runs, blocks=400),
        event_to_command.backlog(runs=runs),
        replaying.figure(runs=runs, blocks=400),
        *reading.figures(runs=runs, lines=20_000),
        *build_sign.figures(runs=runs, rounds=500),
        *commands.figures(runs=runs, times=20),
    ]


def _yardstick_us() -> float:
    """How fast this interpreter runs here and now: compare figures by their ratio to it."""
    return min(timeit.repeat(lambda: sum(range(1000)), number=200, repeat=20)) / 200 * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs whose median is shown")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    figures = _measure(options.runs)
    if options.json:
        print(json.dumps([asdict(figure) for figure in figures]))
        return
    day = datetime.now(UTC).date().isoformat()
    print(f"{day}, Python {platform.python_version()}, medians of {options.runs} runs")
    print(f"this machine, now: sum(range(1000)) takes {_yardstick_us():.0f} us\n")
    print(f"{'microseconds':44}{'p50':>8}{'p99':>9}{'CPU p50':>9}{'CPU p99':>9}  goal")
    for figure in figures:
        wall = f"{figure.p50_us:>8.0f}{figure.p99_us:>9.0f}"
        cpu = f"{figure.cpu_p50_us:>9.0f}{figure.cpu_p99_us:>9.0f}"
        print(f"{figure.name:44}{wall}{cpu}  {figure.goal}")


if __name__ == "__main__":
    main()
