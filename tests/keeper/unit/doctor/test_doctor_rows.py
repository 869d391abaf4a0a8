"""The runner: no check hangs it, crashes it, or goes missing."""

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest

from keeper.doctor.rows import Finding, Probe, Row, Status, examine, fail, in_thread, ok, skip
from keeper.domain.errors import VenueUnavailable


def rows(*probes: Probe, limit_seconds: float = 5) -> list[Row]:
    return asyncio.run(examine(probes, limit_seconds))


def probe(name: str, *findings: Finding, needs: tuple[str, ...] = ()) -> Probe:
    async def run() -> Sequence[Finding]:
        return findings

    return Probe(name, run, needs)


def raising(name: str, error: Exception) -> Probe:
    async def run() -> Sequence[Finding]:
        raise error

    return Probe(name, run)


def test_examine__several_findings__one_row_each_in_the_probes_order() -> None:
    found = rows(probe("b", ok("x"), fail("y", "do z", "thing"), needs=("a",)), probe("a", ok("w")))

    assert [(r.id, r.subject, r.status, r.found, r.fix) for r in found] == [
        ("b", "", "ok", "x", ""),
        ("b", "thing", "fail", "y", "do z"),
        ("a", "", "ok", "w", ""),
    ]


def test_examine__check_never_answers__fails_within_its_time() -> None:
    async def hang() -> Sequence[Finding]:
        await asyncio.Event().wait()
        return ()

    (row,) = rows(Probe("slow", hang), limit_seconds=0.01)

    assert (row.status, row.found) == (Status.FAIL, "no answer within 0.01 s")


def test_examine__expected_error__is_a_row_with_its_next_step() -> None:
    (row,) = rows(raising("a", VenueUnavailable("gone", next_step="look there")))

    assert (row.status, row.found, row.fix) == (Status.FAIL, "gone", "look there")


def test_examine__check_breaks__is_a_row_and_the_others_still_run() -> None:
    broken, fine = rows(raising("a", KeyError("x")), probe("b", ok("fine")))

    assert broken.status is Status.FAIL
    assert "the check itself failed: KeyError: 'x'" in broken.found
    assert fine.status is Status.OK


def test_examine__what_it_needs_failed__skipped_and_not_asked() -> None:
    asked = []

    async def run() -> Sequence[Finding]:
        asked.append(True)
        return [ok("x")]

    found = rows(probe("a", fail("down", "up")), probe("c", ok("y")), Probe("b", run, ("c", "a")))

    assert (found[2].status, found[2].found) == (Status.SKIP, "a failed")
    assert asked == []


@pytest.mark.parametrize("finding", [ok("x"), skip("x")])
def test_examine__what_it_needs_did_not_fail__asked(finding: Finding) -> None:
    assert rows(probe("a", finding), probe("b", ok("y"), needs=("a",)))[1].status is Status.OK


def test_in_thread__work_hangs__the_runner_returns_without_it() -> None:
    release = threading.Event()

    async def run() -> Sequence[Finding]:
        await in_thread(release.wait)
        return ()

    started = time.monotonic()
    (row,) = rows(Probe("disk", run), limit_seconds=0.05)
    took = time.monotonic() - started
    release.set()

    assert row.status is Status.FAIL
    assert took < 2


def test_in_thread__work_raises__the_error_reaches_the_row() -> None:
    def work() -> None:
        raise OSError("no such disk")

    async def run() -> Sequence[Finding]:
        await in_thread(work)
        return ()

    (row,) = rows(Probe("disk", run))

    assert "OSError: no such disk" in row.found
