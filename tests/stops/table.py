"""What a campaign of stops saw, as the page in docs."""

import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.stops.judging import Expected, Proof

__all__ = ["PAGE", "render"]

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "stops.md"
_HEAD: Final = (
    *("stop", "fault", "code", "phase, after SIGKILL and restart", "end"),
    *("tripped at", "last order could match in", "matches until", "after", "wrong"),
)


def render(book: Sequence[Proof], vault: Sequence[Proof], command: str) -> str:
    """Return the page. The command and the hour are on it."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    wrong = sum(bool(proof.wrong) for proof in (*book, *vault))
    lines = (
        "# Stops, each tripped",
        "",
        f"Made by `{command}`, {now}, Python {platform.python_version()}: "
        f"{len(book) + len(vault)} stops, {wrong} not as they have to be.",
        "",
        "Each stop is tripped on a running keeper that quotes and holds a position, and the "
        "exchange is asked what came after: up to the largest `goodTilBlock` of what was sent "
        "before the trip something may still match, later nothing but reduce-only orders that "
        "bring an exiting vault's position toward zero.",
        "Then the keeper is killed with SIGKILL and another starts on its journal.",
        "`make test` runs four of these and two keepers broken on purpose, which go on quoting "
        "after a halt and forget the phase at a restart: both are caught.",
        "",
        "## On an order book alone",
        "",
        "One keeper and one local exchange for each, every cancel lost from the trip on. "
        "SIGKILL is what the system has of the journal at that instant, copied, and a new engine "
        "on the copy. What a restarted keeper is told at once it believes for the age its "
        "settings allow: on an oracle or a book that stands still it may quote for so long "
        "(`oracle_max_age_ms`, `book_max_age_ms`), and not again; one that finds no venue does "
        "not start (`VENUE_UNAVAILABLE`).",
        *_table(book),
        "",
        "## With a vault and a pool",
        "",
        "One local world: anvil, the contracts, a Uniswap v3 pool in which the keeper holds a "
        "range, the exchange, takers; the keeper is a process of its own on a new journal for "
        "each stop.",
        *_table(vault),
        "",
    )
    return "\n".join(lines)


def _table(proofs: Sequence[Proof]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(_HEAD)} |"
    yield "|" + "---|" * len(_HEAD)
    for proof in proofs:
        seen = proof.seen
        cells = (
            proof.name,
            proof.fault,
            f"`{proof.expected.code}`",
            f"{seen.phase}, {seen.phase_after}",
            _end(proof.expected, proof),
            seen.tripped,
            seen.last,
            seen.matches_until,
            seen.matches_after,
            "; ".join(proof.wrong) or "nothing",
        )
        yield f"| {' | '.join(map(str, cells))} |"


def _end(expected: Expected, proof: Proof) -> str:
    seen = proof.seen
    found = [f"{seen.resting} orders"]
    if seen.ranges is not None:
        found.append(f"{seen.ranges} ranges")
    if expected.is_flat:
        found.append(f"position {seen.position}")
    return ", ".join(found)
