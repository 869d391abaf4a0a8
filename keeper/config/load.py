"""Reads one TOML file, lays environment and flags over it, remembers where each value is from."""

import json
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from keeper.config.checks import check_meaning
from keeper.config.model import FORMAT_VERSION, Config
from keeper.config.problems import ConfigInvalid, Problem, line_of, problems_of
from keeper.config.sections.processes import JournalSection
from keeper.domain.errors import ConfigError

__all__ = ["ENV_PREFIX", "LoadedConfig", "load_config", "parse_config", "put_override"]

ENV_PREFIX: Final = "KEEPER__"


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A valid configuration, its file, and per dotted path where the value came from.

    Origins are 'file', 'env NAME', 'flag' or 'default'.
    """

    config: Config
    file: Path
    origins: Mapping[str, str]

    def path(self, name: str) -> Path:
        """Resolve a path written in the file: relative ones start at the file's folder."""
        return (self.file.parent / Path(name).expanduser()).resolve()

    def journal_folder(self, section: JournalSection) -> Path:
        """Folder of the keeper's journal; a shadow's stands beside the live one's."""
        suffix = "-shadow" if self.config.mode == "shadow" else ""
        return self.path(section.folder.rstrip("/") + suffix)


def load_config(
    file: Path, *, environ: Mapping[str, str] | None = None, overrides: Sequence[str] = ()
) -> LoadedConfig:
    """Load, override and check. Raises ConfigInvalid (every fault) or ConfigError (unreadable)."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        new = "write one with: keeper config init --venue dydx-testnet --out keeper.toml"
        raise ConfigError(
            f"configuration {file} cannot be read: {reason}",
            next_step=f"name yours with --config or KEEPER_CONFIG, or {new}",
        ) from error
    return parse_config(
        text, file, environ=os.environ if environ is None else environ, overrides=overrides
    )


def parse_config(
    text: str, file: Path, *, environ: Mapping[str, str], overrides: Sequence[str] = ()
) -> LoadedConfig:
    """Check configuration text as if it stood in `file`. Raises ConfigInvalid."""
    data = _toml(text, file)
    origins = dict.fromkeys(_leaves(data), "file")
    _check_version(data, file)
    for name, value in sorted(environ.items()):
        if name.startswith(ENV_PREFIX) and name != ENV_PREFIX:
            path = name[len(ENV_PREFIX) :].lower().split("__")
            _put(data, path, value)
            origins[".".join(path)] = f"env {name}"
    for item in overrides:
        origins[put_override(data, item)] = "flag"
    config = _validate(data, text, file)
    if found := check_meaning(config):
        raise ConfigInvalid(str(file), [_located(problem, text) for problem in found])
    for path_name in _leaves(config.model_dump(mode="json")):
        origins.setdefault(path_name, "default")
    return LoadedConfig(config=config, file=file, origins=origins)


def _toml(text: str, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{file} is not valid TOML: {error}", next_step="correct that line"
        ) from error


def _check_version(data: Mapping[str, Any], file: Path) -> None:
    version = data.get("format_version")
    if version is not None and version != FORMAT_VERSION:
        raise ConfigError(
            f"{file} has format_version {version!r}; this keeper reads {FORMAT_VERSION}",
            next_step=f"keeper config migrate --dry-run {file}",
        )


def _validate(data: Mapping[str, Any], text: str, file: Path) -> Config:
    try:
        return Config.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        raise ConfigInvalid(str(file), problems_of(error, Config, text)) from None


def _located(problem: Problem, text: str) -> Problem:
    loc = [int(part) if part.isdigit() else part for part in problem.path.split(".")]
    return Problem(
        code=problem.code,
        path=problem.path,
        line=line_of(text, loc),
        message=problem.message,
        fix=problem.fix,
    )


def put_override(data: dict[str, Any], item: str) -> str:
    """Lay one `path=value` over the data and return its path. Raises ConfigError."""
    dotted, separator, value = item.partition("=")
    path = dotted.strip().split(".")
    if not separator or not all(path):
        raise ConfigError(
            f"--set {dotted!r} is not path=value", next_step="for example: --set evm.chain_id=1"
        )
    _put(data, path, value.strip())
    return ".".join(path)


def _put(data: dict[str, Any], path: Sequence[str], value: str) -> None:
    """Set a dotted path; the value is read as TOML (numbers, booleans, lists), else as text."""
    node: Any = data
    for part, following in zip(path, [*path[1:], ""], strict=True):
        key: Any = int(part) if part.isdigit() else part
        is_place = isinstance(node, list | dict)
        if not is_place or isinstance(node, list) != isinstance(key, int):
            raise ConfigError(
                f"{'.'.join(path)}: {part!r} does not name a place in the configuration",
                next_step="paths look like evm.chain_id or markets.0.refresh_blocks",
            )
        if isinstance(node, list):
            if key == len(node):
                node.append({})
            elif key > len(node):
                raise ConfigError(
                    f"{'.'.join(path)}: there are only {len(node)} entries",
                    next_step=f"entries are counted from 0; the next new one is {len(node)}",
                )
        elif not following:
            node[key] = _scalar(value)
            return
        elif node.get(key) is None:
            node[key] = {}
        if not following:
            node[key] = _scalar(value)
            return
        node = node[key]


def _scalar(value: str) -> Any:
    """Read a number, boolean or list as TOML writes it; hexadecimal and all else is text."""
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value
    plain = isinstance(parsed, (bool, int, float, list, str)) and not value.startswith("0x")
    return parsed if plain else value


def _leaves(value: Any, prefix: str = "") -> Iterator[str]:
    items: Any = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        items = enumerate(value)
    if not items:
        if prefix:
            yield prefix
        return
    for key, item in items:
        yield from _leaves(item, f"{prefix}.{key}" if prefix else str(key))
