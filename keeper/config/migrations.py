"""Brings configuration files of older formats to the present one, comments and order kept.

`MIGRATIONS[n]` turns a document of format n into one of format n + 1. There is one format so far,
so there is none; a file of another format is never read by guessing.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.toml_document import TOMLDocument

from keeper.config.model import FORMAT_VERSION
from keeper.domain.errors import ConfigError

__all__ = ["MIGRATIONS", "Migrated", "Migration", "difference", "migrate"]

Migration = Callable[[TOMLDocument], TOMLDocument]
"""Pure: it reads its document and returns another, or the same one changed; no file, no clock."""

MIGRATIONS: Final[dict[int, Migration]] = {}
LEAST_FORMAT: Final = 1
VERSION_KEY: Final = "format_version"


@dataclass(frozen=True, slots=True)
class Migrated:
    """A file's text before and after, and the formats it had and has."""

    before: str
    after: str
    found: int
    now: int

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


def migrate(
    text: str,
    name: str,
    *,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    newest: int = FORMAT_VERSION,
) -> Migrated:
    """Bring a file's text to the newest format, one step at a time.

    Raises ConfigError when it is no TOML, names no format, or one that is not known.
    """
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError(
            f"{name} is not valid TOML: {error}", next_step="correct that line"
        ) from error
    found = _format_of(document, name)
    if found > newest:
        raise ConfigError(
            f"{name} has format {found}; this keeper knows formats up to {newest}",
            next_step="install the keeper it was written for, or a newer one",
        )
    for version in range(found, newest):
        step = migrations.get(version)
        if step is None:
            raise ConfigError(
                f"{name} has format {found}, which this keeper no longer knows",
                next_step="write it anew: keeper config init",
            )
        document = step(document)
        document[VERSION_KEY] = version + 1
    after = text if found == newest else tomlkit.dumps(document)
    return Migrated(before=text, after=after, found=found, now=newest)


def difference(migrated: Migrated, name: str) -> str:
    """Return the unified diff of the two texts; empty when they are equal."""
    lines = difflib.unified_diff(
        migrated.before.splitlines(keepends=True),
        migrated.after.splitlines(keepends=True),
        f"{name} (format {migrated.found})",
        f"{name} (format {migrated.now})",
    )
    return "".join(lines)


def _format_of(document: TOMLDocument, name: str) -> int:
    version = document.unwrap().get(VERSION_KEY)
    if isinstance(version, bool) or not isinstance(version, int) or version < LEAST_FORMAT:
        said = "no format_version" if version is None else f"format_version {version!r}"
        raise ConfigError(
            f"{name} has {said}; it cannot be told what it is",
            next_step=f"if it is of the present format, add: {VERSION_KEY} = {FORMAT_VERSION}",
        )
    return version
