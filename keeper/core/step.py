"""The one entry point: fold an event, decide, check the limits, and return what may be sent."""

from keeper.core.fold import fold
from keeper.core.state import State
from keeper.domain.approval import Approved
from keeper.domain.commands import Command
from keeper.domain.events import Event

__all__ = ["step"]


def step(state: State, t_ns: int, seq: int, event: Event) -> tuple[Approved[Command], ...]:
    """Advance `state` by one sequenced event and return approved commands in sending order.

    `t_ns` is the record's time (unix ns, never decreasing), `seq` its number. The ordinal of a
    command is its index in the returned tuple. Deterministic: no clock, no randomness, no I/O.
    """
    state.t_ns = t_ns
    state.seq = seq
    fold(state, event)
    return ()
