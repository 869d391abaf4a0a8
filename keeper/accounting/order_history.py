"""The life of every order as a journal tells it: sent, answered, replaced, ended, and why."""

from collections.abc import Iterator
from typing import Final

import msgspec

from keeper.domain.commands import CancelOrders, CommandId, PlaceOrder
from keeper.domain.events import CommandResult, OpenOrder, OrderUpdated

__all__ = ["OpenLives", "OrderHistory", "OrderLife", "OrderVersion"]

_ANSWERS: Final = {"ACK": "OPEN", "UNKNOWN": "UNKNOWN", "SHADOW": "SHADOW"}
_IN_CACHE: Final = ("sdk", 19)  # identical bytes: the node has the message already


class OrderVersion(msgspec.Struct, kw_only=True):
    """One message for an id; `word` is SENT, OPEN, UNKNOWN, or SHADOW: decided and never sent."""

    quantums: int
    subticks: int
    good_til_block: int
    word: str = "SENT"


class OrderLife(msgspec.Struct, kw_only=True):
    """One client id from its first message on; `versions` are those that may still be held.

    `first_seq` names it for ever, since an id may come again. `ended` is FILLED, CANCELED,
    EXPIRED, REJECTED, DROPPED or empty; the newest size, price and last block stay readable then.
    """

    first_seq: int
    run: int
    client_id: int
    market: str
    side: str
    time_in_force: str
    reduce_only: bool
    placed_ns: int
    updated_ns: int
    quantums: int
    subticks: int
    good_til_block: int
    messages: int = 1
    venue_filled: int = 0
    cancelling: bool = False
    resting: bool = True
    ended: str = ""
    reason: str = ""
    versions: list[OrderVersion] = []

    @property
    def state(self) -> str:
        """How it ended; else UNKNOWN, SENT, OPEN, SHADOW, CANCELLING, or ENDING: rests no more."""
        if self.ended:
            return self.ended
        if not self.resting:
            return "ENDING"
        if self.cancelling:
            return "CANCELLING"
        words = [version.word for version in self.versions]
        return "OPEN" if words[-1] == "SENT" and "OPEN" in words else words[-1]


class OpenLives(msgspec.Struct, frozen=True, kw_only=True):
    """All that a history needs to go on: lives not ended, messages not answered, the height."""

    height: int = -1
    lives: tuple[OrderLife, ...] = ()
    sent: tuple[tuple[CommandId, int, int], ...] = ()


class OrderHistory:
    """Follows orders through commands, results, the venue's words and heights."""

    def __init__(self, known: OpenLives = OpenLives()) -> None:  # noqa: B008 - frozen
        self.height = known.height
        self.open = {life.client_id: life for life in known.lives}
        self._dirty: dict[tuple[int, int], OrderLife] = {}
        self._sent = {command: (client_id, gtb) for command, client_id, gtb in known.sent}

    def known(self) -> OpenLives:
        """Return what another history needs to go on from here."""
        sent = tuple((command, *message) for command, message in self._sent.items())
        return OpenLives(height=self.height, lives=tuple(self.open.values()), sent=sent)

    def changed(self) -> list[OrderLife]:
        """Return the lives that changed since this was last asked."""
        changed, self._dirty = list(self._dirty.values()), {}
        return changed

    def place(self, command_id: CommandId, order: PlaceOrder, t_ns: int) -> OrderLife:
        """Begin a life, or add a replacement to it."""
        version = OrderVersion(
            quantums=order.quantums, subticks=order.subticks, good_til_block=order.good_til_block
        )
        life = self.open.get(order.client_id)
        if life is None:
            life = self.open[order.client_id] = OrderLife(
                first_seq=command_id.seq,
                run=command_id.run,
                client_id=order.client_id,
                market=order.market,
                side=order.side.value,
                time_in_force=order.time_in_force.value,
                reduce_only=order.reduce_only,
                placed_ns=t_ns,
                updated_ns=t_ns,
                quantums=order.quantums,
                subticks=order.subticks,
                good_til_block=order.good_til_block,
            )
        else:
            life.messages += 1
        life.versions.append(version)
        self._sent[command_id] = (order.client_id, order.good_til_block)
        self._newest(life, t_ns)
        return life

    def cancel(self, command: CancelOrders, t_ns: int) -> None:
        """Note that a cancel was sent."""
        for client_id in command.client_ids:
            life = self.open.get(client_id)
            if life is not None:
                life.cancelling = True
                self._touch(life, t_ns)

    def answer(self, result: CommandResult, t_ns: int) -> None:
        """Apply a node's answer to the message it is about."""
        sent = self._sent.get(result.command)
        life = self.open.get(sent[0]) if sent is not None else None
        if sent is None or life is None:
            return
        word = (result.codespace, result.code)
        answer = "OPEN" if word == _IN_CACHE else _ANSWERS.get(result.outcome)
        if answer is not None:
            self._mark(life, sent[1], answer, t_ns)
            return
        life.versions = [
            v for v in life.versions if v.good_til_block != sent[1] or v.word != "SENT"
        ]
        if life.versions:
            self._newest(life, t_ns)
        else:
            reason = f"{result.codespace} {result.code} {result.detail}".strip()
            self._end(life, result.outcome, reason, t_ns)

    def update(self, update: OrderUpdated, t_ns: int) -> None:
        """Apply the venue's word."""
        life = self.open.get(update.client_id)
        if life is None:
            return
        life.venue_filled = max(life.venue_filled, update.total_filled_quantums)
        if update.status in ("FILLED", "CANCELED"):
            self._end(life, update.status, update.removal_reason, t_ns)
        elif update.status in ("OPEN", "BEST_EFFORT_OPENED"):
            self._mark(life, update.good_til_block, "OPEN", t_ns)
        elif "REPLACED" not in update.removal_reason:
            life.resting, life.reason = False, update.removal_reason
            self._touch(life, t_ns)

    def adopt(self, found: OpenOrder, seq: int, run: int, t_ns: int) -> None:
        """Take over an order the venue has open and nothing here ever sent."""
        if found.client_id in self.open:
            return
        life = OrderLife(
            first_seq=seq,
            run=run,
            client_id=found.client_id,
            market=found.market,
            side=found.side.value,
            time_in_force="",
            reduce_only=False,
            placed_ns=t_ns,
            updated_ns=t_ns,
            quantums=found.quantums,
            subticks=found.subticks,
            good_til_block=found.good_til_block,
            messages=0,
            venue_filled=found.filled_quantums,
            versions=[
                OrderVersion(
                    quantums=found.quantums,
                    subticks=found.subticks,
                    good_til_block=found.good_til_block,
                    word="OPEN",
                )
            ],
        )
        self.open[found.client_id] = life
        self._touch(life, t_ns)

    def advance(self, height: int, t_ns: int) -> None:
        """Forget versions whose last block has passed; an order without any has expired."""
        if height <= self.height:
            return
        self.height = height
        for life in list(self._expired(height)):
            life.versions = [v for v in life.versions if v.good_til_block >= height]
            if not life.versions:
                self._end(life, "EXPIRED", "", t_ns)
        self._sent = {key: sent for key, sent in self._sent.items() if sent[1] >= height}

    def _expired(self, height: int) -> Iterator[OrderLife]:
        for life in self.open.values():
            if any(version.good_til_block < height for version in life.versions):
                yield life

    def _mark(self, life: OrderLife, good_til_block: int | None, word: str, t_ns: int) -> None:
        for version in life.versions:
            if version.good_til_block == good_til_block and version.word != "OPEN":
                version.word = word
        self._touch(life, t_ns)

    def _newest(self, life: OrderLife, t_ns: int) -> None:
        newest = life.versions[-1]
        life.quantums, life.subticks = newest.quantums, newest.subticks
        life.good_til_block = newest.good_til_block
        self._touch(life, t_ns)

    def _end(self, life: OrderLife, state: str, reason: str, t_ns: int) -> None:
        life.ended, life.reason, life.versions = state, reason, []
        del self.open[life.client_id]
        self._touch(life, t_ns)

    def _touch(self, life: OrderLife, t_ns: int) -> None:
        life.updated_ns = t_ns
        self._dirty[life.first_seq, life.client_id] = life
