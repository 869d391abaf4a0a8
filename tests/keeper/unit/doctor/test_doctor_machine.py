"""Checks of the machine: full disk, folder, changed record, key files, open files."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from keeper.config import LoadedConfig, parse_config
from keeper.doctor.machine import MIB, ThisMachine, machine_probes
from keeper.doctor.rows import Row, examine
from keeper.journal import JournalOptions
from keeper.journal.layout import wal_path
from tests.keeper.samples import open_writer, sample_steps, write_steps


@dataclass
class ThatMachine:
    """One with everything in plenty, unless a test says otherwise."""

    bytes_left: int = 100_000 * MIB
    files_left: int | None = 1_000_000
    descriptor_limit: int = 65_536

    def free_bytes(self, folder: Path) -> int:
        assert folder.is_dir()
        return self.bytes_left

    def free_files(self, folder: Path) -> int | None:
        assert folder.is_dir()
        return self.files_left

    def descriptors(self) -> int:
        return self.descriptor_limit


@pytest.fixture
def loaded(config_text: str, tmp_path: Path) -> LoadedConfig:
    return parse_config(config_text, tmp_path / "keeper.toml", environ={})


@pytest.fixture
def journal(loaded: LoadedConfig) -> Path:
    section = loaded.config.journal
    assert section is not None
    return loaded.journal_folder(section)


def rows(
    loaded: LoadedConfig, machine: ThatMachine | None = None, **environ: str
) -> dict[str, list[Row]]:
    probes = machine_probes(loaded, machine or ThatMachine(), environ)
    found: dict[str, list[Row]] = {probe.id: [] for probe in probes}
    for row in asyncio.run(examine(probes, 10)):
        found[row.id].append(row)
    return found


def status(
    loaded: LoadedConfig, check: str, machine: ThatMachine | None = None, **environ: str
) -> str:
    (row,) = rows(loaded, machine, **environ)[check]
    assert (row.fix != "") == (row.status in ("warn", "fail"))
    return row.status.value


def test_machine_probes__nothing_wrong__no_row_fails(loaded: LoadedConfig) -> None:
    found = {row.status.value for each in rows(loaded).values() for row in each}

    assert found <= {"ok", "skip"}


@pytest.mark.parametrize(
    ("machine", "wanted"),
    [
        (ThatMachine(bytes_left=0), "fail"),
        (ThatMachine(bytes_left=512 * MIB - 1), "fail"),
        (ThatMachine(bytes_left=512 * MIB), "warn"),
        (ThatMachine(bytes_left=4_096 * MIB), "ok"),
        (ThatMachine(files_left=999), "fail"),
        (ThatMachine(files_left=None), "ok"),
    ],
)
def test_disk__free_space__is_judged(
    loaded: LoadedConfig, machine: ThatMachine, wanted: str
) -> None:
    assert status(loaded, "disk.space", machine) == wanted


@pytest.mark.parametrize(
    ("limit", "wanted"), [(64, "fail"), (256, "warn"), (1_024, "ok"), (-1, "ok")]
)
def test_open_files__limit__is_judged(loaded: LoadedConfig, limit: int, wanted: str) -> None:
    machine = ThatMachine(descriptor_limit=limit)

    assert status(loaded, "process.files", machine) == wanted


def test_folder__cannot_be_written__fails(config_text: str) -> None:
    """Nobody makes files in /proc, whoever runs the test."""
    text = config_text.replace('folder = "journal"', 'folder = "/proc/journal"')
    loaded = parse_config(text, Path("/proc/keeper.toml"), environ={})

    assert status(loaded, "journal.folder") == "fail"


def test_folder__journal_there__is_left_as_it_was(loaded: LoadedConfig, journal: Path) -> None:
    writer = open_writer(journal)
    write_steps(writer, sample_steps(20))
    before = sorted(journal.iterdir())

    assert status(loaded, "journal.folder") == "ok"
    assert sorted(journal.iterdir()) == before


@pytest.mark.parametrize("segment_bytes", [16_000_000, 20_000])
@pytest.mark.parametrize("closed", [False, True])
def test_segment__written_whole__holds(
    loaded: LoadedConfig, journal: Path, segment_bytes: int, closed: bool
) -> None:
    writer = open_writer(journal, JournalOptions(max_segment_bytes=segment_bytes))
    write_steps(writer, sample_steps(400))
    if closed:
        writer.close()

    (row,) = rows(loaded)["journal.segment"]

    assert row.status.value == "ok"
    assert row.found.endswith("to 400")


def test_segment__one_bit_changed__fails_and_names_the_record(
    loaded: LoadedConfig, journal: Path
) -> None:
    write_steps(open_writer(journal), sample_steps(400))
    path = wal_path(journal, 1)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    (row,) = rows(loaded)["journal.segment"]

    assert row.status.value == "fail"
    assert "record" in row.found
    assert "does not trade on this journal" in row.fix


def test_segment__last_write_cut_short__holds_and_says_so(
    loaded: LoadedConfig, journal: Path
) -> None:
    write_steps(open_writer(journal), sample_steps(50))
    path = wal_path(journal, 1)
    path.write_bytes(path.read_bytes()[:-3])

    (row,) = rows(loaded)["journal.segment"]

    assert row.status.value == "ok"
    assert "incomplete last write" in row.found


def test_segment__no_journal__is_skipped(loaded: LoadedConfig) -> None:
    assert status(loaded, "journal.segment") == "skip"


@pytest.mark.parametrize(("mode", "wanted"), [(0o600, "ok"), (0o640, "fail"), (0o604, "fail")])
def test_key_files__mode__is_judged(
    loaded: LoadedConfig, tmp_path: Path, mode: int, wanted: str
) -> None:
    file = tmp_path / "key"
    file.write_text("0x01")
    file.chmod(mode)

    assert status(loaded, "keys.files", KEEPER_HOT_KEY_FILE=str(file)) == wanted


def test_key_files__named_but_absent__fails(loaded: LoadedConfig, tmp_path: Path) -> None:
    assert status(loaded, "keys.files", KEEPER_HOT_KEY_FILE=str(tmp_path / "none")) == "fail"


def test_this_machine__here__answers(tmp_path: Path) -> None:
    machine = ThisMachine()

    assert machine.free_bytes(tmp_path) > 0
    assert machine.descriptors() > 0
    assert machine.free_files(tmp_path) != 0
