"""What a campaign of stops saw, as the page in docs; each half is kept until it is made again."""

import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.stops.judging import Expected, Proof

__all__ = ["BOOK", "PAGE", "VAULT", "page_with", "section"]

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "stops.md"
BOOK: Final = "## On an order book alone\n"
VAULT: Final = "## With a vault and a pool\n"
_COLUMNS: Final = (
    *("stop", "fault", "code", "phase, after SIGKILL and restart", "end"),
    *("tripped at", "last order could match in", "matches until", "after", "goes on at", "wrong"),
)
_INTRODUCTION: Final = """# Stops, each tripped

Each stop is tripped on a running keeper that quotes and holds a position, and the exchange is asked what came after: up to the largest `goodTilBlock` of what was sent before the trip something may still match, later nothing but reduce-only orders that bring an exiting vault's position toward zero.
Then the keeper is killed with SIGKILL and another starts on its journal.
"Goes on at" is the height at which the restarted keeper quotes again once the cause is gone, or has ended an exit that could not go on; a dash where the stop is for a person to end.
`make stops` makes this page; `make test` runs four of the stops, and two keepers broken on purpose, which go on quoting after a halt and forget the phase at a restart: both are caught.

"""  # noqa: E501 - a sentence a line, as in every page
_ABOUT: Final = {
    BOOK: """One keeper and one local exchange for each, every cancel lost from the trip on (but where no blocks are made).
SIGKILL is what the system has of the journal at that instant, copied, and a new engine on the copy.
What a restarted keeper is told at once it believes for the age its settings allow: on an oracle or a book that stands still it may quote for so long (`oracle_max_age_ms`, `book_max_age_ms`), and not again; one that finds no venue does not start (`VENUE_UNAVAILABLE`).
""",  # noqa: E501
    VAULT: """One local world: anvil, the contracts, a Uniswap v3 pool in which the keeper holds a range, the exchange, takers; the keeper is a process of its own on a new journal for each stop.
A range cannot be burnt while the pool's price is farther from its mean of half an hour than the adapter's limit (`SpotOffTwap`, against a pushed price): after a jump an exit waits for the mean, and the campaign lets that half hour pass.
A paused vault may still quote; it may not put capital into a pool, mint or buy.
Of an asset off its peg, or whose price is old, nothing is sent after the trip that raises net delta by the journal's own count.
What the keeper knows of the chain is as old as the newest block its node shows; a relay between the two holds that block, or hangs up. One that finds no node does not start (`CHAIN_UNAVAILABLE`).
An exit without gas leaves the range where it is and the perpetual as its hedge.
The owner's week before another keeper is named is not waited for: the node sends as the timelock.
""",  # noqa: E501
}


def section(head: str, proofs: Sequence[Proof], command: str, caught: Sequence[Proof] = ()) -> str:
    """Return one half of the page; the command and the hour are in it.

    `caught` are exits of keepers broken on purpose, and what was found wrong with them.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    wrong = sum(bool(proof.wrong) for proof in proofs)
    made = (
        f"Made by `{command}`, {now}, Python {platform.python_version()}: "
        f"{len(proofs)} stops, {wrong} not as they have to be.\n"
    )
    return "\n".join((head, _ABOUT[head] + made, *_table(proofs), "", *_broken(caught)))


def page_with(page: str, made: dict[str, str]) -> str:
    """Return the page with the halves that were made in place of those it had."""
    halves = {head: made.get(head) or _half(page, head) for head in (BOOK, VAULT)}
    return _INTRODUCTION + "\n".join(half for half in halves.values() if half)


def _half(page: str, head: str) -> str:
    """A half as it stands on the page; empty where it was never made."""
    _, found, rest = page.partition(head)
    return found + rest.partition("\n## ")[0].rstrip("\n") + "\n" if found else ""


def _table(proofs: Sequence[Proof]) -> Iterator[str]:
    yield f"| {' | '.join(_COLUMNS)} |"
    yield "|" + "---|" * len(_COLUMNS)
    for proof in proofs:
        seen = proof.seen
        cells = (
            *(proof.name, proof.fault, _codes(proof.expected)),
            f"{seen.phase}, {seen.phase_after}",
            _end(proof.expected, proof),
            *(seen.tripped, seen.last, seen.matches_until, seen.matches_after),
            "–" if seen.resumed is None else seen.resumed,  # noqa: RUF001 - as in every page
            "; ".join(proof.wrong) or "nothing",
        )
        yield f"| {' | '.join(map(str, cells))} |"


def _broken(caught: Sequence[Proof]) -> Iterator[str]:
    if not caught:
        return
    yield "Keepers broken on purpose, told to exit in the same world, and what this found wrong:\n"
    for proof in caught:
        yield f"- {proof.name}: {'; '.join(proof.wrong) or 'nothing'}"
    yield ""


def _codes(expected: Expected) -> str:
    return ", ".join(f"`{code}`" for code in (expected.code, expected.alert) if code)


def _end(expected: Expected, proof: Proof) -> str:
    seen = proof.seen
    found = [f"{seen.resting} orders"]
    if seen.ranges is not None:
        found.append(f"{seen.ranges} ranges")
    if expected.is_flat:
        found.append(f"position {seen.position}")
    return ", ".join(found)
