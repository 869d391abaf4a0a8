"""The README's own commands, as they stand there: from nothing to a keeper's first quotes."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.console import ROOT, keeper
from tests.e2e.local_world import Service, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

START_SECONDS = 420
BLOCK = re.compile(r"first quotes.*?```\n(.*?)```", re.DOTALL)


def commands(out: Path) -> list[tuple[str, ...]]:
    """The block's `keeper` commands, their world in `out` instead of the repository."""
    (block,) = BLOCK.findall((ROOT / "README.md").read_text())
    lines = [line.split("#")[0].strip() for line in block.splitlines()]
    found = [shlex.split(line)[1:] for line in lines if line.startswith("keeper ")]
    return [tuple(word.replace("out/world", f"{out}/world") for word in words) for words in found]


@pytest.fixture
def services() -> Iterator[list[Service]]:
    started: list[Service] = []
    yield started
    for service in reversed(started):
        service.stop()


def test_readme__first_quote__by_its_commands(tmp_path: Path, services: list[Service]) -> None:
    up, run, logs = commands(tmp_path)
    nothing = {"KEEPER_HOT_KEY": "", "KEEPER_VENUE_KEY": ""}
    services.append(Service((*up, "--out", str(tmp_path)), tmp_path / "up.log", {}))
    assert services[0].line(START_SECONDS).startswith("{")

    services.append(Service(run, tmp_path / "run.log", nothing))

    def quotes() -> bool:
        assert services[1].process.poll() is None, services[1].log.read_text()
        shown = keeper(logs)
        return shown.exit_code == 0 and "SHADOW" in shown.stdout

    assert until(quotes, "the first quotes in the log")
