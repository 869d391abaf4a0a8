"""What a journal says of a trip: when, what was sent before, what was said and done after."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keeper.core.fold import fold
from keeper.core.state import State, initial_state
from keeper.core.views import net_delta
from keeper.domain.commands import (
    Allocate,
    MintRange,
    NotePhase,
    NoteRefusal,
    PlaceOrder,
    RaiseAlert,
    SwapExactIn,
)
from keeper.domain.events import VenueBlock
from keeper.journal import JournalReader
from tests.stops.judging import Expected

__all__ = ["Told", "told"]


@dataclass(slots=True)
class Told:
    """Heights are the exchange's; `tripped` is -1 while nothing was said of the stop."""

    expected: Expected
    asset_is_token0: bool
    since: int
    height: int = 0
    tripped: int = -1
    sent_until: int = 0
    codes: set[str] = field(default_factory=set)
    noted: list[str] = field(default_factory=list)

    @property
    def last(self) -> int:
        """The height up to which what was sent before the trip may match."""
        return max(self.sent_until, self.tripped)

    def take(self, command: Any, state: State) -> None:
        """Note one command; `state` is what the keeper knew when it was decided."""
        kinds = NoteRefusal | RaiseAlert if self.expected.phase == "ACTIVE" else NotePhase
        if isinstance(command, NotePhase | NoteRefusal | RaiseAlert):
            self.codes.add(command.code)
            is_trip = isinstance(command, kinds) and command.code == self.expected.code
            if is_trip and self.tripped < 0 and self.height >= self.since:
                self.tripped = self.height
        elif self.tripped < 0:
            if isinstance(command, PlaceOrder):
                self.sent_until = max(self.sent_until, command.good_til_block)
        elif self._adds_risk(command, state):
            kind = type(command).__name__
            self.noted.append(f"{kind} at {self.height}, after the stop")

    def _adds_risk(self, command: Any, state: State) -> bool:
        """Capital into a pool, a range, a purchase of the base token (an exit sells it), and,
        where only what reduces is allowed, an order that raises net delta."""
        if isinstance(command, PlaceOrder):
            return self.expected.only_reduces and _raises(command, state)
        if isinstance(command, SwapExactIn):
            return command.zero_for_one is self.asset_is_token0
        return isinstance(command, Allocate | MintRange)


def told(journal: Path, expected: Expected, asset_is_token0: bool, since: int) -> Told:
    """Read a journal from its begin; a stop counts from the height `since` on."""
    found, state = Told(expected, asset_is_token0, since), initial_state()
    for step in JournalReader(journal).steps():
        state.t_ns, state.seq = step.t_ns, step.seq
        fold(state, step.event)
        if isinstance(step.event, VenueBlock):
            found.height = max(found.height, step.event.height)
        for command in step.commands:
            found.take(command, state)
    return found


def _raises(place: PlaceOrder, state: State) -> bool:
    listing = state.markets[place.market].listing
    return listing is None or place.side.sign * net_delta(state, listing) >= 0
