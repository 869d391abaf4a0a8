"""Starts `keeper serve` as a process of its own, for tests that ask it things."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["KEEPER", "config_in", "served"]

ROOT = Path(__file__).resolve().parents[2]
KEEPER = str(Path(sys.executable).with_name("keeper"))


def config_in(folder: Path) -> Path:
    """Write a valid configuration whose journal is folder/journal."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(ROOT / "config" / "local.toml", folder / "keeper.toml"))


@contextmanager
def served(configs: Sequence[Path], *options: str, token: str = "") -> Iterator[dict[str, Any]]:
    """Serve keepers on a free port until left; yields what the command said, its pid too."""
    files = [word for config in configs for word in ("--config", str(config))]
    environment = {**os.environ, "KEEPER_WEB_TOKEN": token}
    process = subprocess.Popen(
        [KEEPER, "serve", *files, "--port", "0", "--json", *options],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield {**_said(process), "pid": process.pid}
    finally:
        process.terminate()
        assert process.wait(20) == 0
        assert process.stdout is not None
        process.stdout.close()


def _said(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Read the one JSON object it prints when it is ready."""
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if line.rstrip() == "}":
            found: dict[str, Any] = json.loads("".join(lines))
            return found
    raise AssertionError(f"it ended with {process.wait(20)}: {''.join(lines)}")
