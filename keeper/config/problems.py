"""What is wrong with a configuration: one value per fault, with its place and its fix."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, get_args

import msgspec
from pydantic import BaseModel, ValidationError

from keeper.config.strategies import KINDS
from keeper.domain.errors import ConfigError

__all__ = ["ConfigInvalid", "Problem", "line_of", "problems_of"]

HEADER: Final = re.compile(r"\s*\[(\[)?\s*([^\]]+?)\s*\]")
KEY: Final = re.compile(r"\s*([A-Za-z0-9_\-\"']+)\s*=")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One fault: stable code, dotted path, line (0 when not in the file), what, and the fix."""

    code: str
    path: str
    line: int
    message: str
    fix: str


class ConfigInvalid(ConfigError):
    """Raised with every fault found, so that one run of `config check` shows them all."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        lines = [
            f"{file}{f':{p.line}' if p.line else ''}: {p.path or 'file'}: {p.message}"
            for p in problems
        ]
        super().__init__("\n".join(lines), next_step="\n".join(p.fix for p in problems if p.fix))
        self.file = file
        self.problems = tuple(problems)


def problems_of(error: ValidationError, model: type[BaseModel], text: str) -> list[Problem]:
    """Turn a validation error into problems; values are never repeated, they might be secrets."""
    found = []
    for item in error.errors(include_input=False, include_url=False):
        loc = [part for part in item["loc"] if part not in KINDS]
        path = ".".join(str(part) for part in loc)
        code, message, fix = _explain(item["type"], item["msg"], item["loc"], model)
        found.append(
            Problem(code=code, path=path, line=line_of(text, loc), message=message, fix=fix)
        )
    return found


def _explain(
    kind: str, message: str, loc: Sequence[int | str], model: type[BaseModel]
) -> tuple[str, str, str]:
    """Say what is wrong and what to do; `loc` holds the tag of a union's member as well."""
    path = ".".join(str(part) for part in loc if part not in KINDS)
    if kind == "extra_forbidden":
        import difflib

        known = sorted(_known_keys(model, loc[:-1]))
        near = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.5)
        fix = f"did you mean {near[0]}?" if near else f"known keys here: {', '.join(known)}"
        tags = [str(part) for part in loc if part in KINDS]
        return "CONFIG_UNKNOWN_KEY", f"unknown key{f' of {tags[0]}' if tags else ''}", fix
    if kind == "missing":
        description = _description(model, loc)
        return "CONFIG_MISSING_KEY", "missing", f"set {path}: {description}"
    text = message.removeprefix("Value error, ")
    description = _description(model, loc)
    return "CONFIG_BAD_VALUE", text, f"{path}: {description}" if description else ""


def _models_at(model: type[BaseModel], loc: Iterable[int | str]) -> list[type[BaseModel]]:
    """Every model that may stand at a path: several for a union, unless the path has its tag."""
    current: list[type[BaseModel]] = [model]
    for part in loc:
        if isinstance(part, int):
            continue
        if part in KINDS:
            current = [m for m in current if part in get_args(m.model_fields["kind"].annotation)]
            continue
        annotations = [m.model_fields[part].annotation for m in current if part in m.model_fields]
        current = [found for annotation in annotations for found in _models_in(annotation)]
    return current


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _models_in(part)]


def _known_keys(model: type[BaseModel], loc: Sequence[int | str]) -> set[str]:
    return {name for found in _models_at(model, loc) for name in found.model_fields}


def _description(model: type[BaseModel], loc: Sequence[int | str]) -> str:
    names = [part for part in loc if isinstance(part, str)]
    if not names:
        return ""
    for found in _models_at(model, names[:-1]):
        if names[-1] in found.model_fields:
            return found.model_fields[names[-1]].description or ""
    return ""


def line_of(text: str, loc: Sequence[int | str]) -> int:
    """Return the line (from 1) a path is written on, else that of its nearest table, else 0."""
    best = 0
    depth = 0
    table: list[int | str] = []
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := HEADER.match(line):
            table = _table_path(header.group(2), header.group(1) is not None, counts)
            here = table
        elif key := KEY.match(line):
            here = [*table, key.group(1).strip("\"'")]
        else:
            continue
        if here == list(loc[: len(here)]) and len(here) > depth:
            best, depth = number, len(here)
    return best


def _table_path(name: str, is_array: bool, counts: dict[str, int]) -> list[int | str]:
    parts: list[int | str] = []
    names = [part.strip().strip("\"'") for part in name.split(".")]
    for index, part in enumerate(names):
        parts.append(part)
        dotted = ".".join(names[: index + 1])
        if is_array and index == len(names) - 1:
            counts[dotted] = counts.get(dotted, -1) + 1
        if dotted in counts:
            parts.append(counts[dotted])
    return parts
