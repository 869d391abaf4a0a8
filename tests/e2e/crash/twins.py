"""Keepers broken on purpose, one promise each: the audit must notice every one of them.

Each is applied in the forked child before it starts; the audit runs the sound code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["SOUND", "TWINS", "Twin"]

SOUND: Final = ""
_HELD_STEPS: Final = 200
_NEVER: Final = -1
"""The height of an account that no journal knows."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A broken promise, where its keepers die one after the other, and what they are set to.

    With `awaits_a_duty` they live until the day is over: whatever else there is to send, a cut is.
    """

    breaks: Callable[[], None]
    deaths: tuple[tuple[str, int], ...]
    settings: tuple[str, ...] = ()
    awaits_a_duty: bool = False


def _sends_before_it_logs() -> None:
    """A step is written when many more have come: its commands are on their way by then."""
    from keeper.journal import JournalWriter

    write = JournalWriter._write
    held: list[bytes] = []

    def late(self: Any, content: bytes) -> None:
        held.append(content)
        if len(held) > _HELD_STEPS:
            write(self, held.pop(0))

    JournalWriter._write = late  # type: ignore[method-assign]


def _broadcasts_before_it_logs() -> None:
    """The signed bytes are told to the log once the node has them."""
    from keeper.chain.transactions import TransactionSender

    send = TransactionSender._send

    async def eager(self: Any, emit: Any, flight: Any, envelope: Any) -> None:
        told: list[Any] = []
        await send(self, told.append, flight, envelope)
        for event in told:
            emit(event)

    TransactionSender._send = eager  # type: ignore[method-assign]


def _signs_anew() -> None:
    """What was signed and has no receipt is operated once more, under the next nonce."""
    from keeper.chain.signing import parse
    from keeper.chain.vault_chain import EvmVaultChain

    async def anew(self: Any, pending: Any) -> None:
        for command, raw in pending:
            self._sender.enqueue(command, parse(raw)[0].operation)

    EvmVaultChain.rebroadcast = anew  # type: ignore[method-assign]


def _forgets_where_it_was() -> None:
    """What was filled while it was dead is not asked for."""
    from keeper.bootstrap import trading

    ports: Any = trading._ports

    async def nowhere(*arguments: Any) -> Any:
        return await ports(*arguments[:-1], _NEVER)

    vars(trading)["_ports"] = nowhere


def _takes_an_empty_segment() -> None:
    """A segment that was created and not written to is sealed like any other."""
    from keeper.journal import reader

    torn = reader.TornTail

    def only_with_bytes(segment: str, offset: int, dropped: int) -> Any:
        return torn(segment, offset, dropped) if dropped else None

    reader.TornTail = only_with_bytes  # type: ignore[assignment,misc]


_ALIVE: Final = ("", 0)
"""Not killed, but stopped after a story."""

TWINS: Final[dict[str, Twin]] = {
    "sends before it logs": Twin(_sends_before_it_logs, (("Emit CommandResult | before", 2),)),
    "broadcasts before it logs": Twin(
        _broadcasts_before_it_logs,
        (("eth_sendRawTransaction | after", 1),),
        ("allocation.clob_target_ppm=200000",),
        awaits_a_duty=True,
    ),
    "signs anew": Twin(
        _signs_anew,
        (("eth_sendRawTransaction | after", 1), _ALIVE),
        ("allocation.clob_target_ppm=100000",),
    ),
    "forgets where it was": Twin(
        _forgets_where_it_was, (("Emit FillReceived | before", 1), _ALIVE)
    ),
    "takes an empty segment": Twin(
        _takes_an_empty_segment,
        (("journal.writer.JournalWriter._open_segment: os.open | after", 1), _ALIVE),
    ),
}
