"""Owns the search for what a colluding quorum and its confederate can take from the others.

Every step is the mirror of gate and settlement. The vault makes and loses nothing itself, all of it
is idle so that every exit is paid, and nobody else moves: the worst case for those who stay. A move
is what the confederate asks for and what the quorum reports at one daily cut. A beam keeps the best
states of each kind; the answer is a strategy, so it bounds the best one from below.
"""

import copy
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from keeper.accounting.gate import Gate, Held
from keeper.accounting.shares import Pool, Vault, settlement

__all__ = ["NAV", "Plot", "State", "best", "moves", "opening", "play", "told"]

DAY: Final = 86_400
START: Final = 1_000_000_000
UNIT: Final = 10**6
NAV: Final = 10_000_000 * UNIT
VIRTUAL: Final = 10**12
SHARES: Final = NAV * VIRTUAL

FLOWS: Final = ("wait", "deposit", "redeem")
REPORTS: Final = ("truth", "ten times", "101 %", "-2 %", "-99 %", "the same")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A confederate with `shares_bps` of the shares and `cash` [asset units], over `days`.

    `vetoed`: somebody honest clears the slot before each release.
    """

    shares_bps: int
    cash: int
    days: int
    vetoed: bool


@dataclass(slots=True)
class State:
    """The vault, and what the confederate holds."""

    supply: int
    assets: int
    accepted: int
    gate: Gate
    cash: int
    shares: int
    path: tuple[tuple[str, str], ...] = ()

    def honest_worth(self) -> int:
        """What the others' shares are really worth [asset units]."""
        return self.assets * (self.supply - self.shares) // (self.supply + VIRTUAL)

    def promise(self) -> int:
        """The confederate's wealth if the next exit is paid as accepted now [asset units]."""
        return self.cash + self.shares * max(self.accepted, self.assets) // (self.supply + VIRTUAL)


def opening(plot: Plot, make_gate: Callable[[], Gate] = Gate) -> State:
    """The vault before the plot."""
    gate = make_gate()
    gate.time = START
    gate.prices.append((START, (NAV + 1) * 10**36 // (SHARES + VIRTUAL)))
    return State(SHARES, NAV, NAV, gate, plot.cash, SHARES * plot.shares_bps // 10_000)


def moves() -> Iterator[tuple[str, str]]:
    """Every pair of a request and a report."""
    return ((flow, report) for flow in FLOWS for report in REPORTS)


def play(state: State, flow: str, report: str, plot: Plot, elapsed: int = DAY) -> State:
    """Return the state after one cut, `elapsed` seconds after the one before."""
    gate = copy.copy(state.gate)
    gate.prices = list(state.gate.prices)
    time = gate.time + elapsed
    if plot.vetoed and gate.slot and time >= gate.slot_release_at:
        gate.veto()
    asked = state.shares if flow == "redeem" else 0
    vault = Vault(
        virtual=VIRTUAL,
        deposit_cap=2**120,
        supply=state.supply,
        idle=state.assets,
        accepted=state.accepted,
        deposits=Pool(total=state.cash if flow == "deposit" else 0),
        redeems=Pool(total=asked),
    )
    gross = told(report, state)
    priced = gate.price(vault, gross, gross, time)
    path = (*state.path, (flow, report))
    if isinstance(priced, Held):
        return replace(state, accepted=priced.accepted, gate=gate, path=path)
    fill = settlement(vault, priced)
    vault.accepted, vault.supply = fill.accepted_after, fill.supply_after
    gate.settled(vault, fill)
    return State(
        supply=fill.supply_after,
        assets=state.assets + fill.deposit_assets - fill.redeem_assets,
        accepted=fill.accepted_after,
        gate=gate,
        cash=state.cash - fill.deposit_assets + fill.redeem_assets,
        shares=state.shares + fill.deposit_shares - fill.redeem_shares,
        path=path,
    )


def told(report: str, state: State) -> int:
    """Return the gross NAV that a report claims [asset units]."""
    known = {"truth": state.assets, "ten times": state.accepted * 10}
    parts = {"101 %": 101, "-2 %": 98, "-99 %": 1, "the same": 100}
    return known[report] if report in known else state.accepted * parts[report] // 100


def best(
    plot: Plot, *, width: int, make_gate: Callable[[], Gate] = Gate
) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Return the most that was taken from the others [asset units] and how."""
    states = [opening(plot, make_gate)]
    before = states[0].honest_worth()
    found: tuple[int, tuple[tuple[str, str], ...]] = (0, ())
    for _ in range(plot.days + 1):
        kinds: dict[tuple[int, ...], dict[tuple[int, ...], State]] = defaultdict(dict)
        for state in states:
            for flow, report in moves():
                if _idle(state, flow):
                    continue
                after = play(state, flow, report, plot)
                kinds[_kind(after)][_twin(after)] = after
                taken = before - after.honest_worth()
                if taken > found[0]:
                    found = (taken, after.path)
        states = [state for kind in kinds.values() for state in _top(kind, width)]
    return found


def _idle(state: State, flow: str) -> bool:
    least = {"deposit": state.cash, "redeem": state.shares}
    return flow in least and least[flow] < VIRTUAL // 10**6


def _kind(state: State) -> tuple[int, ...]:
    """States that promise different things are not compared: money in or out, slot, recovery."""
    gate = state.gate
    waiting = (gate.slot_release_at - gate.time) // DAY if gate.slot else -1
    return (
        int(state.cash > 0) + 2 * int(state.shares > 0),
        waiting,
        int(gate.recovery > 0),
        gate.loss_bucket * 2 // 10**16,
        (state.accepted * 20 // max(1, state.assets)).bit_length(),
    )


def _twin(state: State) -> tuple[int, ...]:
    """States that differ by dust are one."""
    return (state.accepted // UNIT, state.cash // UNIT, state.shares // (VIRTUAL * UNIT))


def _top(kind: dict[tuple[int, ...], State], width: int) -> list[State]:
    ranked = sorted(kind.values(), key=lambda state: (-state.promise(), state.path))
    return ranked[:width]
