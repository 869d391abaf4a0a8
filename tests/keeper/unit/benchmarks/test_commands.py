"""The benchmark of commands: each is really answered, and none of them may fail unnoticed."""

import subprocess
from pathlib import Path

import pytest

from benchmarks import commands


def test_figures__three_commands__each_measured_from_exec_to_exit() -> None:
    found = {figure.name: figure for figure in commands.figures(runs=1, times=1)}

    assert list(found) == ["keeper --help", "keeper config check", "keeper status"]
    assert all(0 < figure.cpu_p50_us < 60e6 for figure in found.values())


def test_measured__a_command_that_fails__no_figure(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        commands._measured(tmp_path, "keeper status", ("status", "--config", "none.toml"), 1, 1)
