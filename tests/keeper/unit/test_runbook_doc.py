"""docs/runbook.md tells people to type commands and options that exist, and codes that are said."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from keeper.cli.codes import CODES, REPORTERS
from keeper.cli.main import cli

RUNBOOK = (Path(__file__).resolve().parents[3] / "docs" / "runbook.md").read_text()
TYPED = re.compile(r"(?:^|`)keeper ([^`\n#]+)", re.MULTILINE)
CODE = re.compile(r"`([A-Z]+(?:_[A-Z]+)*)`")
OTHER = {"ACTIVE", "SO_PEERCRED", "KEEPER_CONFIG", "KEEPER_HOT_KEY", "KEEPER_HOT_KEY_FILE"}


def _resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    command: click.Command = cli
    while words and isinstance(command, click.Group):
        name, *words = words
        found = command.get_command(click.Context(command), name)
        assert found is not None, name
        command = found
    return command, words


def _typed() -> Iterator[tuple[str, click.Command, list[str]]]:
    for line in TYPED.findall(RUNBOOK):
        first = line.split(";")[0].split(", ")[0]
        yield line, *_resolved(first.split())


def test_runbook__commands__exist_with_their_options() -> None:
    seen = list(_typed())

    assert len(seen) >= 25
    for line, command, words in seen:
        known = {name for option in command.params for name in option.opts}
        assert not isinstance(command, click.Group), line
        assert {word for word in words if word.startswith("--")} <= known, line


def test_runbook__codes__are_explained_by_the_command_line() -> None:
    named = set(CODE.findall(RUNBOOK)) - OTHER

    assert named <= CODES.keys()
    assert REPORTERS.keys() <= named
