"""Where a bond's terms come from: a file, or a person at a terminal."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keeper.cli.failures import ArgumentInvalid
from keeper.cli.output import note

if TYPE_CHECKING:
    from keeper.cli.bond.file import BondFile

__all__ = ["bond_of", "save_bond"]


def bond_of(file: Path | None, project: str | None) -> "BondFile":
    """Read a file, or ask on the terminal. Raises ArgumentInvalid, click.Abort."""
    from keeper.cli.bond.file import ask_bond, read_bond_file

    if file is not None:
        if project is not None:
            raise ArgumentInvalid(
                "the file names the project", next_step="drop --project, or the file"
            )
        return read_bond_file(file)
    if not sys.stdin.isatty():
        raise ArgumentInvalid(
            "what bond? there is no terminal to ask on",
            next_step="name a file like config/bonds/example.toml",
        )
    return ask_bond(_prompt, project)


def save_bond(file: Path, bond: "BondFile") -> None:
    """Write a bond's terms as a file. Raises ArgumentInvalid."""
    from keeper.cli.bond.file import bond_toml

    try:
        file.write_text(bond_toml(bond), encoding="utf-8")
    except OSError as error:
        raise ArgumentInvalid(
            f"{file} cannot be written: {error.strerror}", next_step="name another file"
        ) from error
    note(f"wrote {file}")


def _prompt(text: str, default: str) -> str:
    answer: str = click.prompt(text, default=default or None, type=str, err=True)
    return answer.strip()
