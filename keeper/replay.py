"""Replays a journal: runs the core over it again and folds the ledger; a pure driver, offline.

`python -m keeper.replay FOLDER --json` prints what two strangers have to agree on.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keeper.accounting.ledger import Ledger
from keeper.core.state import state_bytes
from keeper.domain.errors import AthanorError
from keeper.journal import JournalReader, data_root
from keeper.journal.rerun import CORE, Core, rerun

__all__ = ["ReplayResult", "Summary", "main", "replay"]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found, hashes in hex; equal journals give equal summaries on any machine."""

    records: int
    commands: int
    dropped_bytes: int
    state_hash: str
    ledger_hash: str
    commands_hash: str
    account_root: str
    market_root: str
    data_root: str


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """A replay that agreed with the log: its ledger, and the bytes of its ledger and commands."""

    summary: Summary
    ledger: Ledger
    ledger_bytes: bytes
    command_bytes: bytes


def replay(folder: Path, *, core: Core = CORE) -> ReplayResult:
    """Run the core over every step in `folder` and compare its commands with the logged ones.

    Raises JournalCorrupt naming the record, ReplayMismatch naming the step, WrongRelease naming
    the version to install, OSError.
    """
    reader = JournalReader(folder)
    state, ledger = core.initial_state(), Ledger()
    bodies: list[bytes] = []
    for recorded in reader.steps():
        rerun(core, state, recorded)
        ledger.apply(recorded.event)
        bodies += recorded.command_bodies
    ledger_bytes = ledger.books().to_bytes()
    command_bytes = b"".join(body + b"\n" for body in bodies)
    roots = reader.roots()
    state_hash = hashlib.sha256(state_bytes(state)).digest()
    summary = Summary(
        records=reader.last_seq,
        commands=len(bodies),
        dropped_bytes=reader.torn.dropped if reader.torn is not None else 0,
        state_hash=state_hash.hex(),
        ledger_hash=hashlib.sha256(ledger_bytes).hexdigest(),
        commands_hash=hashlib.sha256(command_bytes).hexdigest(),
        account_root=roots.account.hex(),
        market_root=roots.market.hex(),
        data_root=data_root(roots.account, roots.market, state_hash).hex(),
    )
    return ReplayResult(summary, ledger, ledger_bytes, command_bytes)


def main(arguments: Sequence[str]) -> int:
    """Replay the folder named in `arguments` and print the result; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m keeper.replay", description=__doc__)
    parser.add_argument("folder", type=Path, help="the journal's folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--write", type=Path, help="write commands.jsonl and ledger.json here")
    options = parser.parse_args(arguments)
    try:
        result = replay(options.folder)
    except AthanorError as error:
        sys.stderr.write(f"{error}\n{error.next_step}\n")
        return 1
    if options.write is not None:
        options.write.mkdir(parents=True, exist_ok=True)
        (options.write / "commands.jsonl").write_bytes(result.command_bytes)
        (options.write / "ledger.json").write_bytes(result.ledger_bytes)
    sys.stdout.write(_rendered(result.summary, as_json=options.json) + "\n")
    return 0


def _rendered(summary: Summary, *, as_json: bool) -> str:
    if as_json:
        return msgspec.json.encode(summary).decode()
    table = msgspec.structs.asdict(summary)
    return "\n".join(f"{name:14} {value}" for name, value in table.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
