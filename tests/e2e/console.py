"""Runs `keeper` as a person does: a process of its own, its exit code and what it printed."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from keeper.cli.main import run

__all__ = ["KEEPER", "ROOT", "Refusal", "Run", "keeper", "keeper_here"]

ROOT = Path(__file__).resolve().parents[2]
KEEPER = str(Path(sys.executable).with_name("keeper"))
_PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a command that refused printed as JSON, its problems aside."""

    exit_code: int
    code: str
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Run:
    """A command that has ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def data(self) -> dict[str, Any]:
        """The JSON it printed. Raises AssertionError when it failed."""
        assert self.exit_code == 0, f"exit code {self.exit_code}\n{self.stdout}\n{self.stderr}"
        answer: dict[str, Any] = json.loads(self.stdout)
        return answer

    @property
    def problems(self) -> list[dict[str, Any]]:
        """The problems of a configuration that was refused."""
        found: list[dict[str, Any]] = self._error()["problems"]
        return found

    @property
    def refusal(self) -> Refusal:
        """The error it printed. Raises AssertionError when it printed none."""
        error = self._error()
        assert error["exit_code"] == self.exit_code
        return Refusal(self.exit_code, error["code"], error["message"], error["next_step"])

    def _error(self) -> dict[str, Any]:
        assert self.exit_code != 0, f"nothing was refused:\n{self.stdout}"
        assert "Traceback" not in self.stderr, self.stderr
        error: dict[str, Any] = json.loads(self.stdout)["error"]
        return error


def keeper(
    arguments: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    prefix: Sequence[str] = (),
    patience_seconds: float = _PATIENCE_SECONDS,
) -> Run:
    """Run `keeper ARGUMENTS --json` to its end, without a terminal; `prefix` runs it in turn.

    Raises subprocess.TimeoutExpired.
    """
    done = subprocess.run(
        [*prefix, KEEPER, *arguments, "--json"],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience_seconds,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr)


def keeper_here(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Run `keeper ARGUMENTS --json` in this process, where many runs are to differ in their data.

    It is the same command, without a process's start; an error that is not expected is raised.
    """
    printed, said = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, environment or {}),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(said),
    ):
        exit_code = run([*arguments, "--json"])
    return Run(exit_code, printed.getvalue(), said.getvalue())
