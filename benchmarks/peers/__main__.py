"""`make bench-peers`: the keeper and other makers on one tape with one rule, taking turns.

Each maker is a process of its own, in an environment of its own, alone at its turn; a round is one
turn of each. Figures are medians over rounds, ratios are medians of the rounds' ratios.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.peers.tape_file import recorded, walked, write_tape
from keeper.recordings import load_recordings

ROOT: Final = Path(__file__).resolve().parents[2]
HERE: Final = Path(__file__).resolve().parent
SYMBOL: Final = "ETHUSDT"
ORDER: Final = 2_000 * 10**6
HALF_SPREAD_PPM: Final = 63
TOLERANCE_PPM: Final = 10
WALKED: Final = 6_500
PATIENCE_SECONDS: Final = 600
PEERS: Final = (
    ("nautilus", ".venv-nautilus", "nautilus.py"),
    ("hummingbot", ".venv-hummingbot", "hummingbot_maker.py", "line"),
    ("hummingbot, a tick a second", ".venv-hummingbot", "hummingbot_maker.py", "second"),
)
"""Name, environment, script and its first arguments."""
README: Final = HERE.parent / "README.md"
BEGIN: Final = "<!-- peers: made by the script -->"
END: Final = "<!-- peers: end -->"


class Maker(NamedTuple):
    """How to start one maker; the tape and the rule follow."""

    name: str
    command: tuple[str, ...]


class Turn(NamedTuple):
    """What one process said of its run."""

    lines: int
    steps: int
    orders: int
    fills: int
    wall_ns: int
    cpu_ns: int

    @property
    def rate(self) -> float:
        """Lines of the tape in a CPU second."""
        return self.lines * 1e9 / self.cpu_ns

    @property
    def wall_rate(self) -> float:
        """Lines of the tape in a second."""
        return self.lines * 1e9 / self.wall_ns


def makers(root: Path = ROOT) -> list[Maker]:
    """The keeper first. Raises FileNotFoundError where a peer's environment is missing."""
    found = [Maker("keeper", (sys.executable, "-m", "benchmarks.peers.ours"))]
    for name, environment, *script in PEERS:
        python = root / environment / "bin" / "python"
        if not python.exists():
            raise FileNotFoundError(f"{python} is missing: bash scripts/peers_env.sh makes it")
        found.append(Maker(name, (str(python), str(HERE / script[0]), *script[1:])))
    return found


def turn(maker: Maker, tape: Path, block_ms: int) -> Turn:
    """Run a maker once. Raises CalledProcessError with what it wrote."""
    rule = map(str, (ORDER, HALF_SPREAD_PPM, TOLERANCE_PPM, block_ms))
    done = subprocess.run(
        (*maker.command, str(tape), *rule),
        cwd=ROOT if maker.name == "keeper" else tape.parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return Turn(**{name: said[name] for name in Turn._fields})


def table(turns: dict[str, list[Turn]]) -> str:
    """One row a maker: medians, and the keeper's rate against it in the same rounds."""
    ours = turns["keeper"]
    head = ("maker", "lines/s of CPU", "lines/s", "us of CPU a line", "orders sent", "fills")
    lines = [f"| {' | '.join(head)} | keeper's rate to it |", "|---" * (len(head) + 1) + "|"]
    for name, own in turns.items():
        rate = statistics.median(each.rate for each in own)
        wall = statistics.median(each.wall_rate for each in own)
        ratio = statistics.median(a.rate / b.rate for a, b in zip(ours, own, strict=True))
        counts = f"{own[0].orders:,} | {own[0].fills:,}"
        lines.append(
            f"| {name} | {rate:,.0f} | {wall:,.0f} | {1e6 / rate:.1f} | {counts} | {ratio:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--data", type=Path, help=f"recordings of {SYMBOL}; absent: a seeded walk")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--times", type=int, default=3, help="how often the tape is played over")
    parser.add_argument("--block-ms", type=int, default=1_000, help="an order gets a message in it")
    parser.add_argument("--write", action="store_true", help="put it into benchmarks/README.md")
    options = parser.parse_args()
    playing = makers()
    with tempfile.TemporaryDirectory(prefix="athanor-peers-") as folder:
        tape = Path(folder) / "tape.txt"
        if options.data is None:
            changes, source = walked(WALKED), "a seeded walk"
        else:
            (recording,) = load_recordings(options.data, (SYMBOL,))
            changes, source = recorded(recording), f"{SYMBOL}, {recording.files[0].name} and on"
        count = write_tape(changes, tape, options.times)
        turns: dict[str, list[Turn]] = {maker.name: [] for maker in playing}
        for number in range(options.rounds):
            for maker in playing:
                turns[maker.name].append(turn(maker, tape, options.block_ms))
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    text = f"{_said(count, source, options)}\n\n{table(turns)}"
    print(text)
    if options.write:
        README.write_text(replaced(README.read_text(), text))


def _said(count: int, source: str, options: argparse.Namespace) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{now}, Python {platform.python_version()}, load average {load}: "
        f"{count:,} changes of the best levels ({source}, {options.times} times over), "
        f"{options.rounds} rounds.\nOne order a side at {HALF_SPREAD_PPM} ppm, moved when it is "
        f"more than {TOLERANCE_PPM} ppm off, once in {options.block_ms} ms at most."
    )


def replaced(text: str, part: str) -> str:
    """Put what was measured in its place. Raises ValueError where the place is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"benchmarks/README.md lacks {BEGIN} and {END}")
    return f"{before}{begin}\n{part}\n{end}{after}"


if __name__ == "__main__":
    main()
