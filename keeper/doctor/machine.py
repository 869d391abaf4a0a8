"""Checks of this machine: disk, journal folder and its last segment, key files, open files."""

import os
import resource
import stat
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from keeper.config import LoadedConfig
from keeper.config.sections.keys import Key
from keeper.doctor.rows import Finding, Probe, fail, in_thread, ok, skip, warn
from keeper.journal.tail import last_segment, verify_from

__all__ = ["Machine", "ThisMachine", "machine_probes"]

MIB: Final = 1 << 20
LEAST_FREE_BYTES: Final = 512 * MIB
LITTLE_FREE_BYTES: Final = 4_096 * MIB
LEAST_FREE_FILES: Final = 1_000
LEAST_DESCRIPTORS: Final = 256
FEW_DESCRIPTORS: Final = 1_024


class Machine(Protocol):
    """What the operating system says; a port, so that a full disk can be tried."""

    def free_bytes(self, folder: Path) -> int:
        """Bytes a user may still write where `folder` is. Raises OSError."""
        ...

    def free_files(self, folder: Path) -> int | None:
        """Files that may still be created there; None where there is no such limit."""
        ...

    def descriptors(self) -> int:
        """Files and sockets this process may have open."""
        ...


class ThisMachine:
    """The one we run on."""

    def free_bytes(self, folder: Path) -> int:
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize

    def free_files(self, folder: Path) -> int | None:
        found = os.statvfs(folder)
        return found.f_favail if found.f_files else None

    def descriptors(self) -> int:
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


@dataclass(frozen=True, slots=True)
class _Bench:
    loaded: LoadedConfig
    machine: Machine
    environ: Mapping[str, str]

    @property
    def journal(self) -> Path | None:
        section = self.loaded.config.journal
        return None if section is None else self.loaded.journal_folder(section)

    async def disk(self) -> Sequence[Finding]:
        folder = self.journal or self.loaded.file.parent
        return [await in_thread(lambda: _disk(self.machine, _existing(folder)))]

    async def folder(self) -> Sequence[Finding]:
        folder = self.journal
        if folder is None:
            return [skip("no [journal] is configured")]
        return [await in_thread(lambda: _writable(folder))]

    async def segment(self) -> Sequence[Finding]:
        folder = self.journal
        if folder is None or not folder.is_dir():
            return [skip("there is no journal yet")]
        return [await in_thread(lambda: _last_segment(folder))]

    async def key_files(self) -> Sequence[Finding]:
        return await in_thread(lambda: _key_files(self.loaded, self.environ))

    async def open_files(self) -> Sequence[Finding]:
        return [_descriptors(self.machine.descriptors())]


def machine_probes(
    loaded: LoadedConfig, machine: Machine, environ: Mapping[str, str]
) -> list[Probe]:
    """Return the checks that need no network."""
    bench = _Bench(loaded, machine, environ)
    return [
        Probe("disk.space", bench.disk),
        Probe("journal.folder", bench.folder),
        Probe("journal.segment", bench.segment),
        Probe("keys.files", bench.key_files),
        Probe("process.files", bench.open_files),
    ]


def _existing(folder: Path) -> Path:
    """The folder, or its nearest ancestor that exists."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def _disk(machine: Machine, folder: Path) -> Finding:
    free, files = machine.free_bytes(folder), machine.free_files(folder)
    found = f"{free // MIB:,} MiB free at {folder}"
    fix = "free space there: a journal that cannot be written stops the keeper"
    if free < LEAST_FREE_BYTES:
        return fail(f"{found}, at least {LEAST_FREE_BYTES // MIB:,} are needed", fix)
    if files is not None and files < LEAST_FREE_FILES:
        return fail(f"only {files:,} files can still be created at {folder}", fix)
    if free < LITTLE_FREE_BYTES:
        return warn(found, fix)
    return ok(found)


def _writable(folder: Path) -> Finding:
    place = _existing(folder)
    fix = f"give this user the folder: chown and chmod u+rwx {place}"
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".doctor-"):
            pass
    except OSError as error:
        return fail(f"{place} cannot be written: {error.strerror}", fix)
    if place != folder:
        return ok(f"{folder} does not exist yet; it can be made in {place}")
    return ok(f"{folder} is writable")


def _last_segment(folder: Path) -> Finding:
    """JournalCorrupt becomes a row by itself: its text names the record."""
    start = last_segment(folder)
    if start is None:
        return skip("there is no journal yet")
    tail = verify_from(folder, start)
    torn = f", an incomplete last write of {tail.torn_bytes} bytes" if tail.torn_bytes else ""
    return ok(
        f"segment {start.segment} holds, records {start.last_seq + 1:,} to {tail.last_seq:,}{torn}"
    )


def _key_files(loaded: LoadedConfig, environ: Mapping[str, str]) -> list[Finding]:
    findings = []
    for role in type(loaded.config.keys).model_fields:
        key: Key | None = getattr(loaded.config.keys, role)
        findings += [_private(path, role) for path in _files_of(key, loaded, environ)]
    return findings or [skip("no key comes from a file")]


def _files_of(key: Key | None, loaded: LoadedConfig, environ: Mapping[str, str]) -> list[Path]:
    if key is None:
        return []
    named = [environ.get(f"{name}_FILE") for name in (key.env, key.password_env) if name]
    paths = [Path(name) for name in named if name]
    if key.keystore_file is not None:
        paths.append(loaded.path(key.keystore_file))
    return paths


def _private(path: Path, role: str) -> Finding:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return fail(f"{path}: {error.strerror}", "correct the path in [keys]", role)
    if mode & 0o077:
        return fail(f"{path} has mode {mode:04o}", f"chmod 600 {path}", role)
    return ok(f"{path} has mode {mode:04o}", role)


def _descriptors(count: int) -> Finding:
    found = f"{count:,} files may be open" if count >= 0 else "files may be open without limit"
    fix = "raise it: ulimit -n 4096, or LimitNOFILE= in the service"
    if 0 <= count < LEAST_DESCRIPTORS:
        return fail(found, fix)
    if 0 <= count < FEW_DESCRIPTORS:
        return warn(found, fix)
    return ok(found)
