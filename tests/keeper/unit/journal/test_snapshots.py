"""Starting from a snapshot: what is read, that the state is the same, what is passed over."""

import hashlib
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard

from benchmarks.restart import live_a_day, restart
from benchmarks.tape import Market, TapeClock, play, record
from keeper.core.state import State, copy_state, initial_state, state_bytes
from keeper.core.step import step
from keeper.domain.approval import Approved
from keeper.domain.commands import Command
from keeper.domain.errors import JournalCorrupt, ReplayMismatch
from keeper.domain.events import Event, OperatorCommand, VaultObserved, VenueBlock
from keeper.engine.sequencer import Issued, Recovery, Sequencer
from keeper.journal import JournalOptions, JournalReader, JournalWriter, data_root
from keeper.journal.layout import wal_path
from keeper.journal.records import SnapshotRecord
from keeper.journal.rerun import CORE, Core
from keeper.journal.snapshots import read_snapshot, snapshot_path, snapshot_segments
from keeper.replay import replay
from keeper.reporter.journal_check import JournalCheck

SEGMENT = 300
OPTIONS = JournalOptions(max_segment_steps=SEGMENT)


@dataclass
class Played:
    """A keeper on the tape that has not stopped yet."""

    folder: Path
    sequencer: Sequencer
    market: Market
    journal: JournalWriter

    def crashed(self, to: Path) -> Path:
        """Return the folder as a killed process would have left it now."""
        self.journal.settle()
        return Path(shutil.copytree(self.folder, to))


@contextmanager
def played(folder: Path, *, blocks: int = 60) -> Iterator[Played]:
    journal, clock = JournalWriter.open(folder, OPTIONS), TapeClock()
    sequencer = Sequencer(CORE, journal, clock)
    sequencer.recover()

    def process(event: Event) -> list[Issued]:
        issued = sequencer.process(event)
        journal.settle()  # the tape plays hours in a second: do not run ahead of the disk
        return issued

    yield Played(folder, sequencer, play(process, clock, layers=3, blocks=blocks), journal)
    sequencer.close()


@contextmanager
def recovered(folder: Path, core: Core = CORE) -> Iterator[tuple[Sequencer, Recovery]]:
    sequencer = Sequencer(core, JournalWriter.open(folder, OPTIONS), TapeClock())
    try:
        yield sequencer, sequencer.recover()
    finally:
        sequencer._journal.close()


@pytest.fixture(scope="module")
def crash(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A journal of several segments whose keeper was killed, and its last state."""
    folder = tmp_path_factory.mktemp("crash")
    with played(folder / "live") as live:
        return live.crashed(folder / "killed"), state_bytes(live.sequencer.state)


@pytest.fixture
def killed(crash: tuple[Path, bytes], tmp_path: Path) -> Path:
    return Path(shutil.copytree(crash[0], tmp_path / "killed"))


def test_recover__killed_after_many_segments__decides_only_the_tail_again(
    crash: tuple[Path, bytes], killed: Path
) -> None:
    with recovered(killed) as (sequencer, recovery):
        assert state_bytes(sequencer.state) == crash[1]
        assert sequencer.seq > 4 * SEGMENT
        assert recovery.decided == sequencer.seq - recovery.snapshot_seq < SEGMENT
        assert recovery.passed_over == ()


def test_recover__one_bit_changed_before_the_snapshot__is_named_and_nothing_starts(
    killed: Path,
) -> None:
    """What is not read again is still checked: no keeper trades beside a damaged log."""
    dice = random.Random(5)
    first = int(newest(killed).stem.rsplit("-", 1)[1])
    older = [path for path in killed.glob("*.sealed") if int(path.stem.rsplit("-", 1)[1]) < first]
    assert len(older) >= 8
    for path in older:
        sound = path.read_bytes()
        damaged = bytearray(sound)
        damaged[dice.randrange(len(sound))] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)

        with pytest.raises(JournalCorrupt, match=path.name), recovered(killed):
            pass

        path.write_bytes(sound)
    with recovered(killed) as (_, recovery):
        assert recovery.decided < SEGMENT


def test_recover__a_file_before_the_snapshot_cut_short_or_gone__is_named(killed: Path) -> None:
    victim = min(killed.glob("account-*.sealed"))
    sound = victim.read_bytes()
    victim.write_bytes(sound[:-3])
    with pytest.raises(JournalCorrupt, match=victim.name), recovered(killed):
        pass
    victim.unlink()

    with pytest.raises(JournalCorrupt, match=victim.name), recovered(killed):
        pass


def test_restart__killed_after_many_segments__a_new_process_quotes_after_the_tail_alone(
    tmp_path: Path,
) -> None:
    day, figures = live_a_day(tmp_path / "live", 300, JournalOptions(max_segment_steps=500))
    killed = Path(shutil.copytree(tmp_path / "live", tmp_path / "killed"))

    found = restart(killed)

    assert day.steps > 2_000
    assert found.snapshot_seq > 0
    assert found.decided == day.steps - found.snapshot_seq <= 2 * 500
    assert [figure.samples > 0 for figure in figures] == [True] * 4


def test_recover__after_a_clean_stop__decides_nothing_again(tmp_path: Path) -> None:
    with played(tmp_path) as live:
        last = live.sequencer
    with recovered(tmp_path) as (sequencer, recovery):
        assert (recovery.decided, recovery.snapshot_seq) == (0, last.seq)
        assert state_bytes(sequencer.state) == state_bytes(last.state)
        assert sequencer.carried.frozen() == last.carried.frozen()


def test_recover__with_and_without_snapshots__goes_on_to_the_same_log(
    killed: Path, tmp_path: Path
) -> None:
    """What a start derives from the log is in the snapshot: both go on alike, byte for byte."""
    other = Path(shutil.copytree(killed, tmp_path / "other"))
    for segment in snapshot_segments(other):
        snapshot_path(other, segment).unlink()
    roots, frozen = [], []

    for folder in (killed, other):
        with recovered(folder) as (sequencer, _):
            frozen.append(sequencer.carried.frozen())
            sequencer.process(VenueBlock(height=10_000, time_ns=1))
            roots.append(sequencer._journal.roots())

    assert roots[0] == roots[1]
    assert frozen[0] == frozen[1]
    assert frozen[0].run == 1
    assert frozen[0].account_height == 100


def newest(folder: Path) -> Path:
    return snapshot_path(folder, snapshot_segments(folder)[0])


def garbled(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def another(path: Path) -> None:
    raw = zstandard.ZstdDecompressor().decompress(path.read_bytes())
    changed = raw.replace(b'"quote_balance":', b'"quote_balance":1', 1)
    path.write_bytes(zstandard.ZstdCompressor().compress(changed))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(garbled, "cannot be read|its hash is"), (torn, "cannot be read"), (another, "its hash is")],
)
def test_recover__newest_snapshot_damaged__says_so_and_uses_the_one_before(
    crash: tuple[Path, bytes], killed: Path, damage: Callable[[Path], None], reason: str
) -> None:
    path = newest(killed)
    damage(path)

    with recovered(killed) as (sequencer, recovery):
        assert state_bytes(sequencer.state) == crash[1]
        assert SEGMENT <= recovery.decided < 2 * SEGMENT
        assert len(recovery.passed_over) == 1
        assert path.name in recovery.passed_over[0]
        assert any(word in recovery.passed_over[0] for word in reason.split("|"))


def test_recover__every_snapshot_damaged__decides_all_of_it_again(
    crash: tuple[Path, bytes], killed: Path
) -> None:
    for segment in snapshot_segments(killed):
        garbled(snapshot_path(killed, segment))

    with recovered(killed) as (sequencer, recovery):
        assert state_bytes(sequencer.state) == crash[1]
        assert recovery.decided == sequencer.seq
        assert len(recovery.passed_over) == 4


def test_recover__snapshot_durable_but_not_in_the_log__uses_the_one_before(
    crash: tuple[Path, bytes], tmp_path: Path
) -> None:
    with played(tmp_path / "live") as live:
        live.sequencer._end_segment()
        killed = live.crashed(tmp_path / "killed")
        expected = state_bytes(live.sequencer.state)

    with recovered(killed) as (sequencer, recovery):
        assert state_bytes(sequencer.state) == expected
        assert "is not in the log" in recovery.passed_over[0]
        assert 0 < recovery.decided <= SEGMENT


def test_recover__half_written_snapshot__is_removed(killed: Path) -> None:
    half = killed / "snapshot-00000099.tmp"
    half.write_bytes(b"half")

    with recovered(killed) as (_, recovery):
        assert recovery.passed_over == ()

    assert not half.exists()


def test_recover__a_bit_of_the_tail_changed__is_named(killed: Path) -> None:
    path = sorted(killed.glob("open-*.wal"))[-1]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(JournalCorrupt, match=path.name), recovered(killed):
        pass


def test_recover__the_tail_holds_other_commands__refuses(killed: Path) -> None:
    def silent(state: State, t_ns: int, seq: int, event: Event) -> tuple[Approved[Command], ...]:
        step(state, t_ns, seq, event)
        return ()

    with pytest.raises(ReplayMismatch), recovered(killed, Core(initial_state, silent)):
        pass


def test_recover__killed_right_after_a_file_was_created__starts_the_segment_again(
    crash: tuple[Path, bytes], killed: Path
) -> None:
    number = max(int(path.stem[5:]) for path in killed.glob("open-*.wal"))
    with recovered(killed):
        pass
    wal_path(killed, number + 1).touch()

    with recovered(killed) as (sequencer, _):
        assert state_bytes(sequencer.state) == crash[1]
        sequencer.process(VenueBlock(height=10_000, time_ns=1))

    assert replay(killed).summary.records == sequencer.seq


def test_replay__from_the_first_record__finds_every_snapshot_equal(killed: Path) -> None:
    logged = [e for e in JournalReader(killed).entries() if isinstance(e, SnapshotRecord)]

    summary = replay(killed).summary

    assert summary.snapshots == len(logged) >= 4
    assert summary.decided == summary.records


def test_replay__state_differs_from_a_logged_snapshot__names_the_step(tmp_path: Path) -> None:
    def forgetful(state: State, t_ns: int, seq: int, event: Event) -> tuple[Approved[Command], ...]:
        commands = step(state, t_ns, seq, event)
        state.chain.external = seq
        return commands

    record(tmp_path, OPTIONS, core=Core(initial_state, forgetful), blocks=40)

    with pytest.raises(ReplayMismatch, match=r"step \d+: the snapshot differs"):
        replay(tmp_path)


def test_rest__quiet_and_nearly_full__ends_the_segment_before_its_limit(tmp_path: Path) -> None:
    journal = JournalWriter.open(tmp_path, JournalOptions(max_segment_steps=10))
    sequencer = Sequencer(CORE, journal, TapeClock())
    sequencer.recover()

    for height in range(1, 9):
        sequencer.process(VenueBlock(height=height, time_ns=1))
        sequencer.rest()
    before = snapshot_segments(tmp_path)
    sequencer.process(VenueBlock(height=9, time_ns=1))
    sequencer.rest()
    journal.settle()

    assert (before, snapshot_segments(tmp_path)) == ([], [2])
    sequencer.close()


def test_rest__after_a_cut__keeps_a_snapshot(tmp_path: Path) -> None:
    journal = JournalWriter.open(tmp_path, JournalOptions())
    sequencer = Sequencer(CORE, journal, TapeClock())
    sequencer.recover()

    found = []
    for event in (vault("OPEN", 5), vault("CUT", 6), vault("CUT", 7), vault("OPEN", 8)):
        sequencer.process(event)
        sequencer.rest()
        journal.settle()
        found.append(snapshot_segments(tmp_path))

    assert found == [[], [2], [2], [3, 2]]
    sequencer.close()


def vault(state: str, block: int) -> VaultObserved:
    return VaultObserved(
        block_number=block,
        block_hash=state,
        block_timestamp=1,
        state=state,
        epoch=1,
        next_cut_at=0,
        cut_at=0,
        last_settled_at=0,
        supply=0,
        deposits_waiting=0,
        idle=0,
        accepted_nav=0,
        owed_assets=0,
        venue_cap_bps=0,
        min_on_chain_bps=0,
        adapters=(),
    )


def test_root_at_cut__snapshots_before_and_after__is_that_of_the_records_up_to_it(
    tmp_path: Path,
) -> None:
    with played(tmp_path / "live", blocks=20) as live:
        live.sequencer._end_segment()
        live.journal.settle()
        live.sequencer.process(vault("CUT", 5))
        roots, state = live.journal.roots(), state_bytes(live.sequencer.state)
        at_cut = live.crashed(tmp_path / "at-cut")

    expected = data_root(roots.account, roots.market, hashlib.sha256(state).digest())
    found = [JournalCheck(folder).root_at_cut(1) for folder in (at_cut, tmp_path / "live")]
    assert found == ["0x" + expected.hex()] * 2
    assert replay(at_cut).summary.data_root == expected.hex()


def test_close__twice_without_an_event_between__adds_no_segment(tmp_path: Path) -> None:
    with played(tmp_path, blocks=5):
        pass
    segments = JournalReader(tmp_path)
    assert list(segments.steps())

    for _ in range(2):
        sequencer = Sequencer(CORE, JournalWriter.open(tmp_path, OPTIONS), TapeClock())
        sequencer.recover()
        sequencer.close()

    again = JournalReader(tmp_path)
    assert list(again.steps())
    assert again.segments == segments.segments


def test_close__disk_failed_before__leaves_no_snapshot_of_what_is_not_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with played(tmp_path / "live", blocks=5) as live:
        live.journal.append = failing  # type: ignore[method-assign]
        with pytest.raises(Exception, match="cannot be written"):
            live.sequencer.process(OperatorCommand(verb="halt", argument="", operator="alice"))
        logged = live.sequencer.seq

    assert snapshot_segments(tmp_path / "live") == []
    with recovered(tmp_path / "live") as (sequencer, _):
        assert sequencer.seq == logged


def failing(*_: object, **__: object) -> int:
    raise OSError("no space left")


def test_prune__many_snapshots__the_newest_four_stay(crash: tuple[Path, bytes]) -> None:
    segments = snapshot_segments(crash[0])

    assert len(segments) == 4
    assert segments == sorted(segments, reverse=True)
    assert all(isinstance(read_snapshot(crash[0], segment), bytes) for segment in segments)


def test_copy_state__any_state_of_the_tape__gives_the_same_bytes(tmp_path: Path) -> None:
    rng, checked = random.Random(3), 0
    with played(tmp_path, blocks=1) as live:
        process, clock = live.sequencer.process, TapeClock()
        state = live.sequencer.state

        def checking(event: Event) -> list[object]:
            nonlocal checked
            issued = process(event)
            if rng.random() < 0.05:
                copy, expected = copy_state(state), state_bytes(state)
                assert copy.to_bytes(lambda: None) == expected
                checked += 1
            return issued  # type: ignore[return-value]

        play(checking, clock, layers=3, blocks=30)  # type: ignore[arg-type]

    assert checked > 20
