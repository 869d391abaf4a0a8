"""What a stop has to come to, what was seen, and where the two differ."""

from dataclasses import dataclass, field
from typing import Final

__all__ = ["ANY", "Expected", "Match", "Proof", "Seen", "differences", "proof_of"]

ANY: Final = -1
"""Orders that may rest: as many as the keeper likes, for it goes on quoting."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The code, the phase, and what is left: orders on the exchange (0 or ANY), a flat perpetual,
    no range in the pool.

    `alert` is what has to be said beside the code; `only_reduces` leaves orders that bring net
    delta toward zero; `resumes`: once the cause is gone it goes on, an exit to its end.
    """

    code: str
    phase: str
    orders: int = 0
    is_flat: bool = False
    has_left_pool: bool = False
    alert: str = ""
    only_reduces: bool = False
    resumes: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """A match of ours on the exchange; `reduces`: of a reduce-only order, toward zero."""

    height: int
    reduces: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What the keeper said and what the exchange and the pool knew, before and after a SIGKILL.

    `last` is the height up to which anything sent before `tripped` may match; at `killed` the
    keeper died. What the next one sends before it knows of the fault may match up to `last_after`:
    of a phase it knows at once, and then that is `last`. Codes are those in force, or the phase's.
    At `resumed` it went on, once the cause was gone; None where it did not, or was not to.
    """

    codes: frozenset[str]
    codes_after: frozenset[str]
    phase: str
    phase_after: str
    tripped: int
    last: int
    killed: int
    last_after: int
    matches: tuple[Match, ...]
    resting: int
    resting_after: int
    position: int
    ranges: int | None = None
    resumed: int | None = None
    noted: tuple[str, ...] = field(default=())

    @property
    def matches_until(self) -> int:
        """Matches between the trip and the last height of what was sent before."""
        return sum(self.tripped < match.height <= self.last for match in self.matches)

    @property
    def matches_after(self) -> int:
        """Matches after that, of whoever did not know yet left out."""
        return sum(map(self.is_late, self.matches))

    def is_late(self, match: Match) -> bool:
        """Whether nothing that was sent in good faith can have made it."""
        if match.height <= self.killed:
            return match.height > self.last
        return match.height > max(self.last, self.last_after)


@dataclass(frozen=True, slots=True)
class Proof:
    """A stop that was tripped: what was seen, and what of it is not as it has to be."""

    name: str
    fault: str
    expected: Expected
    seen: Seen
    wrong: tuple[str, ...]


def proof_of(name: str, fault: str, expected: Expected, seen: Seen) -> Proof:
    """Judge what was seen of a stop."""
    return Proof(name, fault, expected, seen, tuple(differences(expected, seen)))


def differences(expected: Expected, seen: Seen) -> list[str]:
    """Say everything that is not as it has to be."""
    wrong = list(seen.noted)
    wrong += [
        f"code {code} is not among {sorted(seen.codes)}"
        for code in (expected.code, expected.alert)
        if code and code not in seen.codes
    ]
    for when, phase, codes in (
        ("", seen.phase, seen.codes),
        (" after the restart", seen.phase_after, seen.codes_after),
    ):
        if phase != expected.phase:
            wrong.append(f"phase {phase}{when}, not {expected.phase}")
        if not codes:
            wrong.append(f"nothing is in force{when}")
    if expected.orders == 0:
        wrong += _quiet(expected, seen)
    if expected.is_flat and seen.position:
        wrong.append(f"the position is still {seen.position}")
    if expected.has_left_pool and seen.ranges != 0:
        wrong.append(f"{seen.ranges} ranges are left in the pool")
    if expected.resumes and seen.resumed is None:
        wrong.append("it did not go on after the cause was gone")
    return wrong


def _quiet(expected: Expected, seen: Seen) -> list[str]:
    wrong = []
    if seen.resting:
        wrong.append(f"{seen.resting} orders rest after the stop")
    if seen.resting_after:
        wrong.append(f"{seen.resting_after} orders rest after the restart")
    late = [
        match
        for match in seen.matches
        if seen.is_late(match) and not (match.reduces and expected.phase == "EXITING")
    ]
    if late:
        more = f" and {len(late) - 1} later" if len(late) > 1 else ""
        wrong.append(
            f"a match at {late[0].height}{more}, tripped at {seen.tripped}, last order {seen.last}"
        )
    return wrong
