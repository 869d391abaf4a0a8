"""docs/strategies.md shows what the commands in it print, and names every rule and overlay."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from keeper.cli.codes import CODES
from keeper.config.presets import OVERLAYS, RULES
from tests.keeper.unit.cli.conftest import Shell

FILE = Path(__file__).resolve().parents[4] / "docs" / "strategies.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
CODE = re.compile(r"`([A-Z]+(?:_[A-Z]+)+)`")


def shown() -> Iterator[tuple[list[str], str]]:
    """Each command's words and the text under it."""
    for block in BLOCK.findall(FILE.read_text()):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command.split()[1:], output


def renewed(keeper: Callable[..., Shell]) -> str:
    """The document with what its commands print now."""
    text = FILE.read_text()
    for words, output in shown():
        command = "$ keeper " + " ".join(words) + "\n"
        text = text.replace(command + output, command + keeper(*words).out)
    return text


def test_strategies_doc__figures__are_what_the_commands_print(
    keeper: Callable[..., Shell],
) -> None:
    assert len(list(shown())) >= 8
    assert FILE.read_text() == renewed(keeper)


def test_strategies_doc__rules_and_overlays__all_described() -> None:
    text = FILE.read_text()

    assert [kind for kind in RULES if f"\n## {kind}\n" not in text] == []
    assert [name for name in OVERLAYS if f"| `{name}` |" not in text] == []


def test_strategies_doc__codes__are_explained() -> None:
    assert set(CODE.findall(FILE.read_text())) <= CODES.keys()
