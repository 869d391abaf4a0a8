"""Appending steps and reading them back: contents, rotation, recovery, the folder's lock."""

import os
import time
from pathlib import Path

import pytest

from keeper.domain.errors import ConfigError, JournalCorrupt
from keeper.domain.events import TimerFired
from keeper.journal import JournalOptions, JournalReader, JournalWriter, Roots
from keeper.journal.layout import wal_path
from tests.keeper.samples import SECOND, fill, open_writer, order, sample_steps, write_steps

SMALL = JournalOptions(max_segment_bytes=20_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def read(folder: Path) -> list[tuple[int, object, object]]:
    return [(step.t_ns, step.event, step.commands) for step in JournalReader(folder).steps()]


def test_append__steps_of_every_kind__are_read_back_equal(folder: Path) -> None:
    steps = sample_steps(700)
    writer = open_writer(folder)

    write_steps(writer, steps)

    assert read(folder) == steps
    writer.close()
    assert read(folder) == steps


def test_append__small_segments__rotates_and_merges_by_sequence(folder: Path) -> None:
    steps = sample_steps(700)
    writer = open_writer(folder, SMALL)

    write_steps(writer, steps)
    writer.close()

    assert len(list(folder.glob("account-*.sealed"))) > 5
    assert len(list(folder.glob("market-*.sealed"))) > 5
    assert not list(folder.glob("*.wal"))
    assert read(folder) == steps


def test_append__old_segment__rotates_by_age(folder: Path) -> None:
    writer = open_writer(folder, JournalOptions(max_segment_age_ns=10 * SECOND))

    write_steps(writer, sample_steps(31))
    writer.close()

    assert len(list(folder.glob("account-*.sealed"))) == 4


def test_append__one_step__is_one_write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = open_writer(folder)
    writer.append(1, fill(1), ())
    writes: list[int] = []
    real = os.write

    def counted(descriptor: int, content: bytes) -> int:
        writes.append(len(content))
        return real(descriptor, content)

    monkeypatch.setattr(os, "write", counted)
    writer.append(2, fill(2), (order(1), order(2)))
    monkeypatch.undo()

    assert len(writes) == 1
    writer.close()


def test_append__before_recovery__is_refused(folder: Path) -> None:
    writer = JournalWriter.open(folder, JournalOptions())

    with pytest.raises(RuntimeError, match="recover"):
        writer.append(1, fill(1), ())

    writer.close()


def test_append__disk_takes_half_a_step__refuses_more_and_recovery_cuts_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = sample_steps(20)
    writer = open_writer(folder)
    write_steps(writer, steps)
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, content: real(fd, content[: len(content) // 2]))
    with pytest.raises(OSError, match="only part"):
        writer.append(10**12, fill(1), (order(1),))
    monkeypatch.undo()

    with pytest.raises(OSError, match="takes nothing more"):
        writer.append(10**12, fill(2), ())
    writer.close()
    again = JournalWriter.open(folder, JournalOptions())
    kept = [(step.t_ns, step.event, step.commands) for step in again.recover()]

    assert kept == steps
    assert again.torn is not None
    again.close()


def test_recover__after_clean_close__continues_the_sequence(folder: Path) -> None:
    steps = sample_steps(300)
    first = open_writer(folder, SMALL)
    write_steps(first, steps[:150])
    first.close()

    second = open_writer(folder, SMALL)
    seq = second.append(steps[150][0], steps[150][1], steps[150][2])
    write_steps(second, steps[151:])
    second.close()

    assert seq == 151
    assert read(folder) == steps


def test_recover__a_tail_torn_anywhere__keeps_whole_steps_and_reports(
    tmp_path: Path,
) -> None:
    steps = sample_steps(6)
    writer = open_writer(tmp_path / "whole")
    ends = [0]
    for step in steps:
        writer.append(*step)
        ends.append(wal_path(tmp_path / "whole", 1).stat().st_size)
    whole = wal_path(tmp_path / "whole", 1).read_bytes()
    writer.close()

    near_ends = {end + off for end in ends[4:] for off in (-1, 0, 1, 11, 12, 13)}
    lengths = {*range(ends[4], ends[6], 17), *near_ends}
    for length in sorted(length for length in lengths if length <= ends[6]):
        folder = tmp_path / f"cut-{length}"
        folder.mkdir()
        wal_path(folder, 1).write_bytes(whole[:length])
        expected = sum(1 for end in ends[1:] if end <= length)
        again = JournalWriter.open(folder, JournalOptions())
        kept = [(step.t_ns, step.event, step.commands) for step in again.recover()]

        assert kept == steps[:expected]
        assert (again.torn is None) == (length in ends)
        assert again.append(10**12, TimerFired(name="second"), ()) == expected + 1
        again.close()
        assert len(read(folder)) == expected + 1


def test_recover__crash_inside_the_first_write__starts_the_segment_again(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "whole")
    writer.append(1, fill(1), ())
    whole = wal_path(tmp_path / "whole", 1).read_bytes()
    writer.close()
    folder = tmp_path / "cut"
    folder.mkdir()
    wal_path(folder, 1).write_bytes(whole[:40])

    again = open_writer(folder)
    again.append(1, fill(1), ())
    again.close()

    assert again.torn is not None
    assert again.torn.dropped == 40
    assert len(read(folder)) == 1


def test_recover__crashed_between_creating_a_segment_and_its_header__goes_on(
    folder: Path,
) -> None:
    steps = sample_steps(4)
    writer = open_writer(folder)
    write_steps(writer, steps)
    writer.close()

    for _ in range(3):  # and again, before the restart got any further
        wal_path(folder, 2).touch()
        crashed = open_writer(folder)
        crashed.close()
        assert crashed.torn is not None
    wal_path(folder, 2).touch()
    again = open_writer(folder)
    again.append(10**12, fill(9), ())
    again.close()

    assert [event for _, event, _ in read(folder)] == [*(s[1] for s in steps), fill(9)]


def test_recover__zeros_after_a_power_cut__are_dropped_and_reported(folder: Path) -> None:
    steps = sample_steps(20)
    writer = open_writer(folder)
    write_steps(writer, steps)
    content = wal_path(folder, 1).read_bytes()
    writer.close()
    for path in folder.glob("*.sealed"):
        path.unlink()
    wal_path(folder, 1).write_bytes(content + bytes(500))

    again = JournalWriter.open(folder, JournalOptions())
    kept = [(step.t_ns, step.event, step.commands) for step in again.recover()]

    assert kept == steps
    assert again.torn is not None
    assert again.torn.dropped == 500
    again.close()


def test_recover__crash_between_sealing_and_compressing__compresses_now(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = sample_steps(100)
    writer = open_writer(folder)
    write_steps(writer, steps)
    monkeypatch.setattr("keeper.journal.writer.compress_segment", lambda *_: None)
    writer.close()
    monkeypatch.undo()
    assert wal_path(folder, 1).exists()

    again = open_writer(folder)
    again.close()

    assert again.torn is None
    assert not wal_path(folder, 1).exists()
    assert read(folder) == steps


def test_open__folder_in_use__names_it(folder: Path) -> None:
    writer = open_writer(folder)

    with pytest.raises(ConfigError, match="in use by another keeper"):
        JournalWriter.open(folder, JournalOptions())

    writer.close()
    open_writer(folder).close()


@pytest.mark.parametrize("missing", ["account-00000002.sealed", "market-00000003.sealed"])
def test_steps__a_sealed_stream_is_missing__names_it(folder: Path, missing: str) -> None:
    writer = open_writer(folder, SMALL)
    write_steps(writer, sample_steps(300))
    writer.close()
    (folder / missing).unlink()

    with pytest.raises(JournalCorrupt, match=missing):
        read(folder)


def test_roots__at_each_step__depend_on_the_steps_up_to_it_alone(tmp_path: Path) -> None:
    """Neither sealing, nor later records, nor reading back changes the root of a prefix."""
    steps = sample_steps(60)
    every = JournalOptions(max_segment_age_ns=7 * SECOND)
    whole = open_writer(tmp_path / "whole", every)
    roots = [Roots(0, bytes(32), bytes(32))]
    for step in steps:
        whole.append(*step)
        roots.append(whole.roots())
    whole.close()

    for count in (1, 2, 7, 30, 60):
        part = open_writer(tmp_path / f"part-{count}", every)
        write_steps(part, steps[:count])
        part.close()
        reader = JournalReader(tmp_path / f"part-{count}")
        assert sum(1 for _ in reader.steps()) == count
        assert reader.roots() == roots[count]

    assert len({root.account for root in roots}) > 30


def test_sync__after_append__returns(folder: Path) -> None:
    writer = open_writer(folder)
    writer.append(1, fill(1), ())

    writer.sync()
    writer.close()

    assert len(read(folder)) == 1


def test_append__disk_fails_to_sync__is_told_at_a_later_append(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    writer = open_writer(folder, JournalOptions(sync_interval_ms=1))
    monkeypatch.setattr(os, "fdatasync", broken)
    writer.append(1, fill(1), ())

    deadline = time.monotonic() + 10
    while writer._syncer._error is None and time.monotonic() < deadline:
        time.sleep(0.001)

    with pytest.raises(OSError, match="Input/output"):
        writer.append(2, fill(2), ())
    with pytest.raises(OSError, match="Input/output"):
        writer.sync()
    monkeypatch.undo()
    writer.close()
