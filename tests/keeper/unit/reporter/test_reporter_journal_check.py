"""The data root of a cut: equal however the log went on, and refused when the log does not hold."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from keeper.core.state import State, initial_state, state_bytes
from keeper.domain.approval import Approved
from keeper.domain.commands import Command
from keeper.domain.events import Event, VaultObserved
from keeper.journal import JournalOptions, JournalWriter, data_root
from keeper.journal.layout import wal_path
from keeper.journal.rerun import Core
from keeper.reporter.journal_check import JournalCheck
from keeper.reporter.model import Refusal
from tests.keeper.samples import SECOND, open_writer, sample_steps, write_steps

CUT_AFTER = 400


def counting_step(state: State, t_ns: int, seq: int, event: Event) -> tuple[Approved[Command], ...]:
    """A core that remembers the last step and asks for what the sample log holds."""
    state.t_ns, state.seq = t_ns, seq
    return tuple(Approved(command) for command in RECORDED.get(seq, ()))


RECORDED = {seq: commands for seq, (_, _, commands) in enumerate(sample_steps(CUT_AFTER), start=1)}
CORE = Core(initial_state, counting_step)


def vault(state: str, epoch: int) -> VaultObserved:
    return VaultObserved(
        block_number=5,
        block_hash="0x05",
        block_timestamp=1,
        state=state,
        epoch=epoch,
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


def write_until_cut(writer: JournalWriter) -> None:
    write_steps(writer, sample_steps(CUT_AFTER))
    writer.append(500 * SECOND, vault("OPEN", 2), ())
    writer.append(501 * SECOND, vault("CUT", 2), ())


def write_beyond(writer: JournalWriter) -> None:
    writer.append(502 * SECOND, vault("CUT", 2), ())
    for number in range(600):
        writer.append((503 + number) * SECOND, vault("OPEN", 2), ())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def test_root_at_cut__log_that_ends_there__is_of_roots_and_state(folder: Path) -> None:
    writer = open_writer(folder)
    write_until_cut(writer)
    state = initial_state()
    state.t_ns, state.seq = 501 * SECOND, CUT_AFTER + 2
    roots = writer.roots()

    found = JournalCheck(folder, CORE).root_at_cut(2)

    state_hash = hashlib.sha256(state_bytes(state)).digest()
    assert found == "0x" + data_root(roots.account, roots.market, state_hash).hex()


@pytest.mark.parametrize(
    "go_on",
    [
        pytest.param(lambda _: None, id="closed at once"),
        pytest.param(write_beyond, id="went on"),
    ],
)
@pytest.mark.parametrize("segment_bytes", [16_000_000, 20_000])
def test_root_at_cut__log_went_on_or_was_sealed__same_root(
    folder: Path, go_on: Callable[[JournalWriter], None], segment_bytes: int
) -> None:
    writer = open_writer(folder, JournalOptions(max_segment_bytes=segment_bytes))
    write_until_cut(writer)
    before = JournalCheck(folder, CORE).root_at_cut(2)

    go_on(writer)
    while_open = JournalCheck(folder, CORE).root_at_cut(2)
    writer.close()
    sealed = JournalCheck(folder, CORE).root_at_cut(2)

    assert isinstance(before, str)
    assert before == while_open == sealed


def test_root_at_cut__cut_not_seen__behind(folder: Path) -> None:
    writer = open_writer(folder)
    write_until_cut(writer)

    found = JournalCheck(folder, CORE).root_at_cut(3)

    assert found == Refusal(code="JOURNAL_BEHIND", subject="dataRoot", ours=3, theirs=CUT_AFTER + 2)


def test_root_at_cut__another_decision__replay_differs_and_names_the_step(folder: Path) -> None:
    writer = open_writer(folder)
    write_until_cut(writer)

    def forgetful(state: State, t_ns: int, seq: int, event: Event) -> tuple[Approved[Command], ...]:
        return counting_step(state, t_ns, seq, event)[1:] if seq == 2 else ()

    found = JournalCheck(folder, Core(initial_state, forgetful)).root_at_cut(2)

    assert isinstance(found, Refusal)
    assert found.code == "JOURNAL_REPLAY_DIFFERS"
    assert "step 1" in found.detail


def test_root_at_cut__one_bit_changed__corrupt_and_names_the_record(folder: Path) -> None:
    writer = open_writer(folder)
    write_until_cut(writer)
    path = wal_path(folder, 1)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))

    found = JournalCheck(folder, CORE).root_at_cut(2)

    assert isinstance(found, Refusal)
    assert found.code == "JOURNAL_CORRUPT"
    assert path.name in found.detail


def test_root_at_cut__journal_of_a_shadow__refused(folder: Path) -> None:
    writer = open_writer(folder)
    write_until_cut(writer)

    def shadow_step(
        state: State, t_ns: int, seq: int, event: Event
    ) -> tuple[Approved[Command], ...]:
        state.mode = "shadow"
        return counting_step(state, t_ns, seq, event)

    found = JournalCheck(folder, Core(initial_state, shadow_step)).root_at_cut(2)

    assert found == Refusal(code="JOURNAL_SHADOW", subject="dataRoot", ours="live", theirs="shadow")
