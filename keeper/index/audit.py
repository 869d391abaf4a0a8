"""Who changed what a keeper may do: words, changed parameters, and the keeper's own stops."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from keeper.domain import events as ev
from keeper.domain.commands import NotePhase
from keeper.domain.settings import StepSettings
from keeper.journal import Step

if TYPE_CHECKING:
    from keeper.index.build import Index

__all__ = ["AuditEntry", "AuditReader", "audit"]


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `kind` is word, stop, change (of a parameter by a person) or restart (by the
    file).

    `what` is the word with its argument, "phase", or the parameter's path; `before` and `after` are
    phases or values as JSON, "" where nothing changed. `operator` is the name that was given; `uid`
    and `pid` are the system's word (-1: none). A stop has its code and the two numbers.
    """

    seq: int
    t_ns: int
    kind: str
    what: str
    before: str = ""
    after: str = ""
    code: str = ""
    limit: int | None = None
    value: int | None = None
    operator: str = ""
    uid: int = -1
    pid: int = -1
    reason: str = ""


class AuditReader:
    """Finds entries in steps, one journal in order; `settings` are those of the last step."""

    def __init__(self, settings: StepSettings | None) -> None:
        self.settings = settings

    def entries(self, step: Step) -> Iterator[AuditEntry]:
        """Yield what a step changed."""
        event = step.event
        notes = [each for each in step.commands if isinstance(each, NotePhase)]
        if isinstance(event, ev.OperatorCommand):
            yield _word(step, event, notes)
            notes = [note for note in notes if not note.operator]
        elif isinstance(event, ev.ParamsChanged | ev.RunStarted):
            yield from self._changes(step, event)
        for note in notes:
            yield AuditEntry(
                seq=step.seq,
                t_ns=step.t_ns,
                kind="stop",
                what="phase",
                before=note.before,
                after=note.after,
                code=note.code,
                limit=note.limit,
                value=note.value,
            )

    def _changes(self, step: Step, event: ev.ParamsChanged | ev.RunStarted) -> Iterator[AuditEntry]:
        former, self.settings = self.settings, event.settings
        if former is None:
            return
        said = event if isinstance(event, ev.ParamsChanged) else None
        old, new = _values(former), _values(event.settings)
        for path in sorted(old.keys() | new.keys()):
            if old.get(path) == new.get(path):
                continue
            yield AuditEntry(
                seq=step.seq,
                t_ns=step.t_ns,
                kind="restart" if said is None else "change",
                what=path,
                before=_text(old, path),
                after=_text(new, path),
                operator="" if said is None else said.operator,
                uid=-1 if said is None else said.uid,
                pid=-1 if said is None else said.pid,
                reason="" if said is None else said.reason,
            )


def audit(index: "Index", since_ns: int = 0) -> list[AuditEntry]:
    """Return every entry since a time, oldest first."""
    rows = index.database.execute(
        "SELECT entry FROM audit WHERE t_ns >= ? ORDER BY seq, number", (since_ns,)
    )
    return [msgspec.json.decode(entry, type=AuditEntry) for (entry,) in rows]


def _word(step: Step, word: ev.OperatorCommand, notes: list[NotePhase]) -> AuditEntry:
    turned = next((note for note in notes if note.operator), None)
    return AuditEntry(
        seq=step.seq,
        t_ns=step.t_ns,
        kind="word",
        what=f"{word.verb} {word.argument}".rstrip(),
        before="" if turned is None else turned.before,
        after="" if turned is None else turned.after,
        operator=word.operator,
        uid=word.uid,
        pid=word.pid,
        reason=word.reason,
    )


def _values(settings: StepSettings) -> dict[str, Any]:
    """Every parameter by the path that `keeper params` knows it by."""
    plain = msgspec.to_builtins(settings)
    found: dict[str, Any] = {}
    for market in plain.pop("markets"):
        found |= _flat(f"market.{market['ticker']}", market)
    for pool in plain.pop("pools"):
        found |= _flat(f"pool.{pool['adapter']}", pool)
    for name, section in plain.items():
        found |= _flat(name, section or {})
    return found


def _flat(prefix: str, section: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in section.items():
        path = f"{prefix}.{name}"
        found |= _flat(path, value) if isinstance(value, dict) else {path: value}
    return found


def _text(values: Mapping[str, Any], path: str) -> str:
    return json.dumps(values[path]) if path in values else ""
