"""Runs the core over recorded steps again and compares what it says with what was logged."""

from collections.abc import Callable
from dataclasses import dataclass

from keeper.core.state import State, initial_state
from keeper.core.step import step
from keeper.domain.approval import Approved
from keeper.domain.commands import Command
from keeper.domain.errors import ReplayMismatch, WrongRelease
from keeper.domain.events import Event, RunStarted
from keeper.journal.checking import Step
from keeper.journal.records import CommandRecord, Stream, encode_record
from keeper.release import Release, running_release

__all__ = ["CORE", "Core", "StepFunction", "rerun"]

StepFunction = Callable[[State, int, int, Event], tuple[Approved[Command], ...]]


@dataclass(frozen=True, slots=True)
class Core:
    """The deterministic heart: where it starts and how it advances."""

    initial_state: Callable[[], State]
    step: StepFunction


CORE = Core(initial_state, step)


def rerun(core: Core, state: State, recorded: Step) -> None:
    """Advance `state` by a recorded step; a step that failed has to fail the same way again.

    Raises ReplayMismatch naming the sequence, WrongRelease naming the version to install.
    """
    if isinstance(recorded.event, RunStarted):
        _require_release(recorded.event)
    error, commands = _attempt(core, state, recorded)
    if error != recorded.error:
        said, now = recorded.error or "no error", error or "no error"
        raise _mismatch(recorded.seq, f"the log holds {said}, step gives {now}")
    if len(commands) != len(recorded.commands):
        counts = f"the log holds {len(recorded.commands)} commands, step gives {len(commands)}"
        raise _mismatch(recorded.seq, counts)
    for ordinal, command in enumerate(commands):
        body = _body(recorded, ordinal, command)
        if body != recorded.command_bodies[ordinal]:
            raise _mismatch(recorded.seq, f"command {ordinal} differs")


def _attempt(core: Core, state: State, recorded: Step) -> tuple[str, tuple[Command, ...]]:
    try:
        approved = core.step(state, recorded.t_ns, recorded.seq, recorded.event)
    except Exception as error:  # noqa: BLE001 - the live loop recorded whatever step raised
        return type(error).__name__, ()
    return "", tuple(item.value for item in approved)


def _body(recorded: Step, ordinal: int, command: Command) -> bytes:
    return encode_record(
        CommandRecord(
            stream=Stream.ACCOUNT,
            seq=recorded.seq,
            ordinal=ordinal,
            t_ns=recorded.t_ns,
            command=command,
        )
    )


def _require_release(run: RunStarted) -> None:
    ours = running_release()
    theirs = Release(version=run.package_version, wheel_hash=run.wheel_hash)
    if ours != theirs:
        raise WrongRelease(
            f"run {run.run} was made by athanor-keeper {theirs.version} "
            f"({theirs.wheel_hash[:12]}), this is {ours.version} ({ours.wheel_hash[:12]})",
            next_step=f"install athanor-keeper=={theirs.version} with that wheel hash",
        )


def _mismatch(seq: int, reason: str) -> ReplayMismatch:
    return ReplayMismatch(
        f"step {seq}: {reason}",
        next_step="the journal was not made by this code from these inputs; do not trade on it",
    )
