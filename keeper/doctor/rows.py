"""What a check says, and the runner that lets none of them hang, crash or be forgotten."""

import asyncio
import enum
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from keeper.domain.errors import AthanorError

__all__ = [
    "Finding",
    "Probe",
    "Row",
    "Status",
    "examine",
    "fail",
    "in_thread",
    "ok",
    "skip",
    "warn",
]

T = TypeVar("T")


class Status(enum.StrEnum):
    """How a check ended; only `FAIL` makes the command fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


class Finding(msgspec.Struct, frozen=True):
    """One result of a probe: what was found, what to do, and of which thing when of several."""

    status: Status
    found: str
    fix: str = ""
    subject: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A finding with the stable id of its check."""

    id: str
    subject: str
    status: Status
    found: str
    fix: str


@dataclass(frozen=True, slots=True)
class Probe:
    """A check; skipped when one of the ids in `needs` failed."""

    id: str
    run: Callable[[], Awaitable[Sequence[Finding]]]
    needs: tuple[str, ...] = ()


def ok(found: str, subject: str = "") -> Finding:
    """Nothing to do."""
    return Finding(Status.OK, found, "", subject)


def warn(found: str, fix: str, subject: str = "") -> Finding:
    """It runs, but a person should know."""
    return Finding(Status.WARN, found, fix, subject)


def fail(found: str, fix: str, subject: str = "") -> Finding:
    """It does not run, or not safely."""
    return Finding(Status.FAIL, found, fix, subject)


def skip(reason: str, subject: str = "") -> Finding:
    """It was not looked at, and why."""
    return Finding(Status.SKIP, reason, "", subject)


async def examine(probes: Sequence[Probe], limit_seconds: float) -> list[Row]:
    """Run every probe within its time and return all rows in the probes' order; never raises.

    Probes without needs run first, together; then the others, together.
    """
    first = [probe for probe in probes if not probe.needs]
    second = [probe for probe in probes if probe.needs]
    found = dict(zip(first, await _together(first, limit_seconds), strict=True))
    failed = {
        probe.id for probe, rows in found.items() if any(r.status is Status.FAIL for r in rows)
    }
    blocked = {p: [n for n in p.needs if n in failed] for p in second}
    free = [probe for probe in second if not blocked[probe]]
    found |= dict(zip(free, await _together(free, limit_seconds), strict=True))
    for probe in second:
        if blocked[probe]:
            found[probe] = [_row(probe, skip(f"{', '.join(blocked[probe])} failed"))]
    return [row for probe in probes for row in found[probe]]


async def _together(probes: Sequence[Probe], limit_seconds: float) -> list[list[Row]]:
    return await asyncio.gather(*(_one(probe, limit_seconds) for probe in probes))


async def _one(probe: Probe, limit_seconds: float) -> list[Row]:
    try:
        async with asyncio.timeout(limit_seconds):
            findings = await probe.run()
    except AthanorError as error:
        findings = [fail(str(error), error.next_step or "see: keeper explain")]
    except TimeoutError:
        findings = [
            fail(f"no answer within {limit_seconds:g} s", "check what it asks, or --time-limit")
        ]
    except Exception as error:  # noqa: BLE001 - a check that breaks is a finding, not a crash
        text = f"the check itself failed: {type(error).__name__}: {error}"
        findings = [fail(text, "please report this line")]
    return [_row(probe, finding) for finding in findings]


def _row(probe: Probe, finding: Finding) -> Row:
    return Row(
        id=probe.id,
        subject=finding.subject,
        status=finding.status,
        found=finding.found,
        fix=finding.fix,
    )


async def in_thread(work: Callable[[], T]) -> T:
    """Run blocking work beside the loop; a thread that hangs does not keep the process alive."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type] # a T whenever there is no error

    def body() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as caught:  # noqa: BLE001 - handed to whoever awaits
            error = caught
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=body, daemon=True).start()
    return await future
