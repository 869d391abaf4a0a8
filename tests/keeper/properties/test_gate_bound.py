"""V-17 on the gate's mirror, which the contract equals to the unit: how much gain may pass when."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.accounting.gate import Gate
from keeper.accounting.shares import Vault

HOUR = 3_600
DAY = 24 * HOUR
START = 1_000_000_000
NAV = 10**13
SHARES = 10**25

MOVES = st.lists(
    st.tuples(st.integers(-700, 700), st.integers(HOUR, 5 * DAY)), min_size=2, max_size=24
)
"""Changes of gross NAV in basis points, and the seconds before each."""


@dataclass(frozen=True, slots=True)
class Passed:
    """One settlement: what it accepted, lost, and could at most release from the slot."""

    time: int
    gain: int
    loss: int
    releasable: int
    accepted: int


def walk(moves: list[tuple[int, int]]) -> list[Passed]:
    vault = Vault(virtual=10**12, deposit_cap=0, supply=SHARES, accepted=NAV)
    gate, gross, time = Gate(time=START), NAV, START
    steps = []
    for basis_points, elapsed in moves:
        time += elapsed
        gross += gross * basis_points // 10_000
        releasable = gate.slot if time >= gate.slot_release_at else 0
        before, vault.accepted = vault.accepted, gate.price(vault, gross, gross, time).accepted
        change = vault.accepted - before
        steps.append(Passed(time, max(0, change), max(0, -change), releasable, vault.accepted))
    return steps


def bound(steps: list[Passed], first: int, last: int) -> int:
    """Most that settlements `first` to `last` may accept; a loss fades from the next one on."""
    span = steps[first : last + 1]
    elapsed = span[-1].time - span[0].time
    buckets = max(step.accepted for step in span) * (DAY + elapsed) // (100 * DAY)
    undone = sum(step.loss for step in span)
    for index in range(first):
        if steps[index + 1].time + 7 * DAY >= span[0].time:
            undone += steps[index].loss
    rounding = 2 * len(steps)
    return buckets + undone + sum(step.releasable for step in span) + rounding


@settings(max_examples=300, deadline=None, derandomize=True)
@given(moves=MOVES)
def test_accept__any_path__gains_no_more_than_the_buckets_and_losses_v17(
    moves: list[tuple[int, int]],
) -> None:
    steps = walk(moves)

    for first in range(len(steps)):
        for last in range(first, len(steps)):
            gained = sum(step.gain for step in steps[first : last + 1])
            assert gained <= bound(steps, first, last)


def test_accept__steady_rise__reaches_the_bound_without_the_slot() -> None:
    """The bound is no looser than it has to be: 1 % at once, then 1 % a day."""
    steps = walk([(700, DAY)] + [(0, 6 * HOUR)] * 4)

    assert sum(step.gain for step in steps[:1]) == NAV // 100
    growth_within_the_span = NAV // 1_000
    unused = bound(steps, 0, 4) - sum(step.gain for step in steps)
    assert 0 <= unused < growth_within_the_span
