"""A campaign's figures as the page in docs."""

import platform
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.soak.campaign import Outcome, Tally
from tests.soak.ground import RESTING
from tests.soak.pace import Pace
from tests.soak.stops import Stop

__all__ = ["PAGE", "Campaign", "render"]

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "soak.md"


@dataclass(frozen=True, slots=True)
class Campaign:
    """What a campaign was told and saw; memory is of exchange and keeper together."""

    seed: int
    seconds: int
    tally: Tally
    last_kib: int
    counts: dict[str, int]
    pace: Pace
    stops: tuple[Stop, ...]
    wrong: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was wrong."""
        return not (self.wrong or self.tally.breaches)


def render(found: Campaign, command: str) -> str:
    """Return the page. The command and the hour are on it."""
    return "\n".join([*_head(command), *_figures(found), *_faults(found), *_stops(found), ""])


def _head(command: str) -> Iterator[str]:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield "# The soak"
    yield ""
    yield f"Made by `{command}`, {now}, Python {platform.python_version()}."
    yield ""
    yield (
        "One keeper on one local exchange under seeded random traffic, faults in random order, "
        "alone and with others."
    )
    yield (
        "At every block the keeper's worst case is held against what the exchange can still do to "
        "it; after each fault quotes must be back, positions agree and no slot have two orders; "
        "at the end the journal is replayed and its ledger held against the exchange's."
    )


def _figures(found: Campaign) -> Iterator[str]:
    tally, counts = found.tally, found.counts
    growth = found.last_kib - tally.first_kib
    rows = {
        "seed": f"{found.seed}",
        "seconds": f"{found.seconds:,}",
        "blocks": f"{tally.blocks:,}",
        "spells of faults": f"{len(tally.outcomes):,}",
        "blocks in which exposure was understated": f"{len(tally.breaches)}",
        "largest worst-case exposure of one side, in ETH": f"{tally.largest_exposure / 1e9:,.3f}",
        "fills": f"{counts.get('FillReceived', 0):,}",
        "reconciliations": f"{counts.get('Reconciled', 0):,}",
        "losses of the stream": f"{counts.get('SourceDown', 0):,}",
        "gaps": f"{counts.get('SourceGap', 0):,}",
        "memory of keeper and exchange after the first quotes, at the end, in MiB": (
            f"{tally.first_kib / 1024:,.0f}, {found.last_kib / 1024:,.0f} ({growth / 1024:+,.0f})"
        ),
        **_messages(found.pace, counts.get("FillReceived", 0)),
        "wrong": "; ".join(found.wrong) or "nothing",
    }
    yield from ("", "| figure | |", "|---|---|")
    yield from (f"| {name} | {value} |" for name, value in rows.items())


def _messages(pace: Pace, fills: int) -> dict[str, str]:
    kinds = ", ".join(f"{name} {number:,}" for name, number in sorted(pace.kinds.items()))
    return {
        "order messages as the exchange took them": kinds,
        "of them per fill, without renewals": f"{pace.changes / max(1, fills):.1f}",
        f"shortest rest before a step forward, in ms ({RESTING.min_resting_ms} set), "
        "from its decision, between arrivals": f"{pace.shortest_told_ms:,}, {pace.shortest_ms:,}",
    }


def _faults(found: Campaign) -> Iterator[str]:
    yield from ("", "## Faults", "")
    yield "| fault | spells | blocks until quotes were back, median | most | wrong |"
    yield "|---|---|---|---|---|"
    by_name: dict[str, list[Outcome]] = {}
    for outcome in found.tally.outcomes:
        by_name.setdefault(outcome.fault, []).append(outcome)
    for name, outcomes in sorted(by_name.items()):
        back = [outcome.blocks_to_resume for outcome in outcomes]
        wrong = "; ".join(text for outcome in outcomes for text in outcome.wrong)
        middle = statistics.median(back)
        yield f"| {name} | {len(outcomes)} | {middle:g} | {max(back)} | {wrong or 'nothing'} |"


def _stops(found: Campaign) -> Iterator[str]:
    yield from ("", "## Stops", "")
    yield (
        "With every cancel lost: what rested at the trip may match up to its largest "
        "`goodTilBlock`, and after that nothing, but for the reduce-only orders by which a loss "
        "stop leaves the position."
    )
    yield from ("", "| stop | tripped at | last order could match in | matches until | after |")
    yield "|---|---|---|---|---|"
    for stop in found.stops:
        cells = (stop.why, stop.tripped, stop.last, stop.matches_until, stop.matches_after)
        yield f"| {' | '.join(map(str, cells))} |"
