"""Child processes of the local world: started with a log file, awaited, stopped."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Child", "ChildFailed", "run_to_end", "start_child", "wait_for_file"]


class ChildFailed(Exception):
    """Raised when a child process ends badly; carries the end of its log."""

    def __init__(self, name: str, code: int | None, log: Path) -> None:
        lines = log.read_text(errors="replace").splitlines()[-25:] if log.exists() else []
        super().__init__("\n".join([f"{name} ended with code {code}; the end of {log}:", *lines]))


@dataclass(slots=True)
class Child:
    """A running child and where it writes."""

    name: str
    process: asyncio.subprocess.Process
    log: Path
    stopping: bool = field(default=False)

    def check(self) -> None:
        """Raise ChildFailed if it ended although nobody stopped it."""
        if self.process.returncode is not None and not self.stopping:
            raise ChildFailed(self.name, self.process.returncode, self.log)

    async def stop(self, *, patience_seconds: float = 20) -> int:
        """Ask it to end (SIGTERM), kill it when it does not; return its exit code."""
        self.stopping = True
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), patience_seconds)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        return self.process.returncode or 0


async def start_child(
    name: str,
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
    *,
    tethered: bool = False,
) -> Child:
    """Start `command`, both outputs into `log`, with `environment` added to ours.

    A `tethered` one has an input that ends when this process does.
    """
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE if tethered else None,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
        )
    return Child(name, process, log)


async def run_to_end(
    name: str,
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
    *,
    cwd: Path | None = None,
) -> str:
    """Run `command` to its end and return its standard output. Raises ChildFailed."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **(environment or {})},
            cwd=cwd,
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        errors.write(output)
    if process.returncode != 0:
        raise ChildFailed(name, process.returncode, log)
    return output.decode()


async def wait_for_file(path: Path, child: Child, *, patience_seconds: float = 30) -> None:
    """Wait until the child has written `path`. Raises ChildFailed, TimeoutError."""
    async with asyncio.timeout(patience_seconds):
        while not path.exists():
            child.check()
            await asyncio.sleep(0.05)
