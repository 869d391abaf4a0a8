"""What must hold after every crash, judged from the journal, the exchange's word and the chain's.

The journal is read by code without hooks; the exchange and the node are asked as strangers would.
A journal only grows: what was decided again for the death before is not decided for this one too,
as long as it begins with the very same entries.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, get_args

from keeper.accounting.entries import CASH, POSITION, QUOTE
from keeper.accounting.ledger import Ledger
from keeper.core.state import State
from keeper.domain import events as ev
from keeper.domain.commands import (
    ChainCommand,
    Claim,
    Command,
    CommandId,
    PlaceOrder,
    SubmitReport,
)
from keeper.domain.errors import AthanorError
from keeper.journal import JournalReader, Step
from keeper.journal.reader import Entry
from keeper.journal.rerun import CORE, Rerun
from keeper.replay import replay

__all__ = ["Audit", "Mined", "Testimony", "audit"]

_BASE: Final = 10**9
"""Base quantums in one ETH."""
_CHAIN = get_args(ChainCommand)


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction of the keeper's account; block -1 while it waits in the node's pool."""

    tx_hash: str
    block: int
    succeeded: bool


@dataclass(frozen=True, slots=True)
class Testimony:
    """What everybody else says, asked after the keeper was dead."""

    wallet: str
    state: Mapping[str, Any]
    fills: Sequence[Mapping[str, Any]]
    orders: Sequence[Mapping[str, Any]]
    transactions: Sequence[Mined]

    @property
    def resting(self) -> list[Mapping[str, Any]]:
        """The keeper's orders on the exchange's book."""
        own = f"{self.wallet}/0"
        return [order for order in self.state["resting"] if order["subaccount"] == own]

    @property
    def position(self) -> int:
        """Base quantums the exchange holds for the keeper."""
        own = self.state["subaccounts"].get(f"{self.wallet}/0", {"positions": {}})
        return sum(held["quantums"] for held in own["positions"].values())


@dataclass(slots=True)
class Audit:
    """The findings of one look; `violations` is empty when everything holds."""

    steps: int = 0
    runs: int = 0
    placed: int = 0
    fills: int = 0
    signed: int = 0
    violations: list[str] = field(default_factory=list)

    def require(self, holds: bool, violation: str) -> None:
        """Note a violation unless it holds."""
        if not holds:
            self.violations.append(violation)


@dataclass(slots=True)
class _Story:
    """What the journal tells: the state at its end and what was commanded and heard.

    `entries` are those taken so far, `found` is what was found by reading them.
    """

    entries: list[Entry] = field(default_factory=list)
    found: Audit = field(default_factory=Audit)
    rerun: Rerun = field(default_factory=lambda: Rerun(CORE))
    ledger: Ledger = field(default_factory=Ledger)
    placed: dict[int, list[PlaceOrder]] = field(default_factory=dict)
    fills: dict[str, ev.FillReceived] = field(default_factory=dict)
    signed: dict[str, tuple[CommandId, int]] = field(default_factory=dict)
    over: set[CommandId] = field(default_factory=set)
    dropped: set[CommandId] = field(default_factory=set)
    last_operation: dict[str, CommandId] = field(default_factory=dict)
    opening: ev.Reconciled | None = None
    word: ev.Reconciled | None = None

    @property
    def state(self) -> State:
        """The state at the end, decided again from the first record on."""
        return self.rerun.state

    @property
    def opened_with(self) -> int:
        """Base quantums that were there before the journal began."""
        if self.opening is None:
            return 0
        return sum(position.quantums for position in self.opening.subaccount.positions)

    @property
    def position(self) -> int:
        """Base quantums by the fills that were logged."""
        fills = self.fills.values()
        return self.opened_with + sum(fill.side.sign * fill.quantums for fill in fills)


_told_before: list[_Story] = []
"""The story of the journal that this process read last."""


def audit(journal: Path, world: Testimony, *, is_replayed: bool) -> Audit:
    """Compare a journal that nobody writes to with the world after its writer's death.

    With `is_replayed` it is also replayed from its first record on.
    """
    try:
        story = _told(journal)
    except AthanorError as error:
        return Audit(violations=[f"{type(error).__name__}: {error}"])
    found = replace(story.found, violations=[*story.found.violations])
    try:
        _compare(found, story, world)
        if is_replayed:
            replayed = replay(journal).ledger_bytes == story.ledger.books().to_bytes()
            found.require(replayed, "replay gives another ledger")
    except AthanorError as error:
        found.violations.append(f"{type(error).__name__}: {error}")
    return found


def _told(journal: Path) -> _Story:
    """Read a journal, going on where the one before ended if this one begins like it."""
    entries = list(JournalReader(journal).entries())
    story = _told_before.pop() if _told_before else _Story()
    if entries[: len(story.entries)] != story.entries:
        story = _Story()
    for entry in entries[len(story.entries) :]:
        known = set(story.state.orders.working)
        story.rerun.take(entry)
        story.entries.append(entry)
        if isinstance(entry, Step):
            _read(story.found, story, entry, known)
    _told_before.append(story)
    return story


def _compare(found: Audit, story: _Story, world: Testimony) -> None:
    _orders(found, story, world)
    _fills(found, story, world)
    _positions(found, story, world)
    _books(found, story)
    _operations(found, story, world)


def _read(found: Audit, story: _Story, step: Step, known: set[int]) -> None:
    found.steps += 1
    story.ledger.apply(step.event)
    match step.event:
        case ev.RunStarted():
            found.runs += 1
        case ev.FillReceived() as fill:
            before = story.fills.setdefault(fill.fill_id, fill)
            found.require(before == fill, f"fill {fill.fill_id} was logged with two contents")
        case ev.Reconciled() as word:
            story.opening = story.opening or word
            story.word = word
        case ev.TransactionSigned() as signed:
            story.signed[signed.tx_hash] = (signed.command, signed.nonce)
        case ev.TransactionMined() as mined:
            story.over.add(mined.command)
        case ev.CommandResult(outcome="DROPPED" | "REJECTED") as result:
            story.over.add(result.command)
            if result.outcome == "DROPPED":
                story.dropped.add(result.command)
    for ordinal, command in enumerate(step.commands):
        _commanded(found, story, CommandId(story.state.run, step.seq, ordinal), command, known)


def _commanded(
    found: Audit, story: _Story, command_id: CommandId, command: Command, known: set[int]
) -> None:
    """A new order has an id nobody used; an operation waits for the end of the one before it."""
    if isinstance(command, PlaceOrder):
        versions = story.placed.setdefault(command.client_id, [])
        is_spent = bool(versions) and command.client_id not in known
        found.require(not is_spent, f"order {command.client_id} is placed anew by {command_id}")
        for version in versions:
            same = (version.market, version.side) == (command.market, command.side)
            found.require(same, f"order {command.client_id} changes its intent in {command_id}")
            later = command.good_til_block > version.good_til_block
            found.require(later, f"order {command.client_id} is sent again by {command_id}")
        versions.append(command)
    elif isinstance(command, _CHAIN):
        desk = _desk(command)
        before = story.last_operation.get(desk)
        is_over = before is None or before in story.over
        found.require(is_over, f"{command_id} operates on {desk} before {before} is over")
        story.last_operation[desk] = command_id


def _desk(command: Command) -> str:
    """What an operation is on: one at a time is under way there."""
    match command:
        case SubmitReport():
            return "report"
        case Claim(side=side, controller=controller):
            return f"claim of {controller} on its {side}"
    return str(getattr(command, "adapter", "epoch"))


def _orders(found: Audit, story: _Story, world: Testimony) -> None:
    """Whatever the exchange has heard of was logged first; whatever may fill is counted."""
    found.placed = sum(map(len, story.placed.values()))
    for row in world.orders:
        client_id = int(row["clientId"])
        found.require(
            client_id in story.placed, f"the exchange knows order {client_id}: not logged"
        )
    slots: Counter[str] = Counter()
    for order in world.resting:
        client_id, remaining = order["client_id"], order["remaining"]
        logged = [
            place
            for place in story.placed.get(client_id, ())
            if place.good_til_block == order["good_til_block"]
            and place.subticks == order["subticks"]
            and place.side.name == order["side"]
        ]
        found.require(bool(logged), f"order {client_id} rests in a version that was not logged")
        working = story.state.orders.working.get(client_id)
        exposure = 0 if working is None else working.exposure
        counted = exposure >= remaining
        found.require(counted, f"order {client_id} may fill {remaining}, counted {exposure}")
        if working is not None and working.slot and working.cancel_gtb < 0:
            slots[working.slot] += 1
    twice = [slot for slot, count in slots.items() if count > 1]
    found.require(not twice, f"two live orders for one intent: {twice}")


def _fills(found: Audit, story: _Story, world: Testimony) -> None:
    """Up to the last reconciled height the journal has every fill; it has none of its own."""
    theirs = {str(row["id"]): row for row in world.fills}
    found.fills = len(story.fills)
    found.require(len(theirs) == len(world.fills), "the exchange lists a fill twice")
    since = 0 if story.opening is None else story.opening.height
    height = 0 if story.word is None else story.word.height
    for fill_id, row in theirs.items():
        due = since < int(row["createdAtHeight"]) <= height
        found.require(not due or fill_id in story.fills, f"fill {fill_id} is lost")
    for fill_id, fill in story.fills.items():
        listed = theirs.get(fill_id)
        found.require(listed is not None, f"fill {fill_id} is not the exchange's")
        if listed is not None:
            same = _plain(fill) == _listed(listed)
            found.require(same, f"fill {fill_id}: {_plain(fill)} is {_listed(listed)} there")


def _positions(found: Audit, story: _Story, world: Testimony) -> None:
    """The fold of the venue's own fills, to its own word, to the journal's and to the state's."""
    everything = _fold(world.fills)
    found.require(
        world.position == everything,
        f"the exchange holds {world.position}, its fills sum to {everything}",
    )
    if story.word is not None:
        word, height = story.word.subaccount, story.word.height
        said = sum(position.quantums for position in word.positions)
        summed = _fold(row for row in world.fills if int(row["createdAtHeight"]) <= height)
        found.require(said == summed, f"reconciled {said} at {height}, the fills sum to {summed}")
    held = sum(position.quantums for position in story.state.account.positions.values())
    ours = story.position
    found.require(held == ours, f"the state holds {held}, the logged fills sum to {ours}")


def _books(found: Audit, story: _Story) -> None:
    """The ledger of this fold leaves nothing unexplained and holds what the state does."""
    books = story.ledger.books()
    odd = [entry.key for entry in books.entries if entry.kind == "unexplained"]
    found.require(not odd, f"the ledger cannot explain heights {odd}")
    booked = books.balances.get(POSITION, {}).get("ETH-USD", 0)
    ours = story.position if story.ledger.observed_heights() else 0
    found.require(booked == ours, f"the ledger holds {booked}, the logged fills sum to {ours}")
    observed = story.ledger.observed_heights()
    account = story.state.account
    if observed and account.base_height == observed[-1]:
        cash = books.balances.get(CASH, {}).get(QUOTE, 0)
        held = account.usdc + sum(p.quote_balance for p in account.positions.values())
        found.require(abs(cash - held) <= len(story.fills), f"ledger cash {cash}, state {held}")


def _operations(found: Audit, story: _Story, world: Testimony) -> None:
    """Nothing on the chain that was not logged; each operation once, under one nonce."""
    found.signed = len(story.signed)
    nonces: dict[CommandId, set[int]] = {}
    for command, nonce in story.signed.values():
        nonces.setdefault(command, set()).add(nonce)
    for command, used in nonces.items():
        found.require(len(used) == 1, f"{command} was signed under nonces {sorted(used)}")
    done: Counter[CommandId] = Counter()
    for sent in world.transactions:
        logged = story.signed.get(sent.tx_hash)
        found.require(logged is not None, f"transaction {sent.tx_hash} left before it was logged")
        if logged is not None:
            done[logged[0]] += sent.succeeded
            is_dropped = logged[0] in story.dropped
            found.require(not is_dropped, f"{logged[0]} was called dropped and is on the chain")
    twice = [command for command, count in done.items() if count > 1]
    found.require(not twice, f"sent twice: {twice}")


def _plain(fill: ev.FillReceived) -> tuple[str, int, int, int]:
    return fill.side.name, fill.quantums, fill.height, fill.fee_quote_quantums


def _listed(row: Mapping[str, Any]) -> tuple[str, int, int, int]:
    fee = int(Decimal(row["fee"]) * 10**6)
    return str(row["side"]), _quantums(row), int(row["createdAtHeight"]), fee


def _quantums(row: Mapping[str, Any]) -> int:
    return int(Decimal(row["size"]) * _BASE)


def _fold(rows: Iterable[Mapping[str, Any]]) -> int:
    return sum(_quantums(row) if row["side"] == "BUY" else -_quantums(row) for row in rows)
