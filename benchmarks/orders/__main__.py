"""`python -m benchmarks.orders`: measure, print, and with --write put the table into the README."""

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.orders.children import CONTENDERS, OFFICIAL_PYTHON
from benchmarks.orders.measuring import BURSTS, REACTION, ROUND_TRIPS_MS, Measured, measure

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- orders: made by the script -->", "<!-- orders: end -->"
NAMES = {1: "single order", REACTION: "book message to order on the wire"}


def _milliseconds(samples_ns: Sequence[int]) -> str:
    """Median and p99 (the largest where there are fewer than a hundred)."""
    ordered = sorted(samples_ns)
    p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return f"{statistics.median(ordered) / 1e6:,.2f} / {p99 / 1e6:,.2f}"


def _table(measured: Measured) -> str:
    names = [contender.name for contender in CONTENDERS]
    lines = [
        f"| milliseconds, median / p99 | round trip | samples | {' | '.join(names)} |",
        "|---" * (3 + len(names)) + "|",
    ]
    for kind in (*BURSTS, REACTION):
        for trip in ROUND_TRIPS_MS:
            cells = [measured.samples[name, trip, kind] for name in names]
            figures = " | ".join(_milliseconds(cell) for cell in cells)
            what = NAMES.get(kind, f"burst of {kind}")
            lines.append(f"| {what} | {trip} ms | {len(cells[0])} | {figures} |")
    return "\n".join(lines)


def _said(measured: Measured, rounds: int) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    orders = ", ".join(f"{name} {number:,}" for name, number in measured.orders.items())
    load = os.getloadavg()
    return (
        f"`python -m benchmarks.orders --rounds {rounds} --write`, {now}, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load average {load[0]:.1f} (1 min), {load[2]:.1f} (15 min).\n"
        f"Orders sent, each answered with code 0 and found on the exchange's book: {orders}.\n\n"
        f"{_table(measured)}"
    )


def _write(said: str) -> None:
    """Replace what stands between the marks. Raises ValueError without them."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{README} has no place for the table: {BEGIN} … {END}")
    README.write_text(f"{before}{BEGIN}\n{said}\n{END}{after}", encoding="utf-8")


def main() -> int:
    """Measure and print; write where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orders", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="of every client in turn")
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    options = parser.parse_args()
    if not OFFICIAL_PYTHON.exists():
        print(f"no official client at {OFFICIAL_PYTHON}: run scripts/dydx_client_env.sh")
        return 1
    said = _said(measure(options.rounds), options.rounds)
    print(said)
    if options.write:
        _write(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
