"""Writes a configuration file in which every key carries its description; presets per venue."""

import json
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from keeper.config.load import put_override
from keeper.config.model import Config
from keeper.config.presets import preset
from keeper.domain.errors import ConfigError

__all__ = ["ROLE_SECTIONS", "draft", "missing_keys", "render_config"]

ROLE_SECTIONS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "keeper": (
        ("journal", "leader", "markets", "allocation", "housekeeping", "limits"),
        ("keeper", "venue"),
    ),
    "reporter": (("reporter",), ("reporter",)),
    "treasurer": (("treasurer",), ("treasurer_venue",)),
    "relay": (("relay",), ("relayer",)),
}
KEY_VARIABLES: Final = {
    "keeper": "KEEPER_HOT_KEY",
    "venue": "KEEPER_VENUE_KEY",
    "reporter": "KEEPER_REPORTER_KEY",
    "treasurer_venue": "KEEPER_TREASURER_KEY",
    "relayer": "KEEPER_RELAYER_KEY",
}
ALWAYS: Final = ("format_version", "vault", "evm", "venue", "clock", "keys")
HEADER: Final = """\
#:schema keeper.schema.json
# Athanor keeper configuration ({venue}).
# Unknown keys are refused. Secrets never stand here: [keys] names environment variables.
# Check it:            keeper config check {name}
# Override one value:  KEEPER__EVM__RPC_URL=... (environment) or --set evm.rpc_url=... (flag)
# Editor completion:   the file named above; anew: keeper config schema > keeper.schema.json
"""


def draft(venue: str, roles: Sequence[str], overrides: Sequence[str]) -> dict[str, Any]:
    """Return the values of a new file: the venue's preset, the roles' sections, then `path=value`.

    Sections an override touches are included with their preset. Raises ConfigError.
    """
    touched = {item.partition("=")[0].strip().split(".")[0] for item in overrides}
    wanted = {*ALWAYS, *touched, *(name for role in roles for name in ROLE_SECTIONS[role][0])}
    data = {key: value for key, value in preset(venue).items() if key in wanted}
    names = [name for role in roles for name in ROLE_SECTIONS[role][1]]
    data["keys"] = {name: {"env": KEY_VARIABLES[name]} for name in names}
    if "allocation" in data and "pools" not in data:
        data["allocation"]["pool_target_ppm"] = 0
    for item in overrides:
        put_override(data, item)
    return data


def missing_keys(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (dotted path, description) of every mandatory key the draft does not have yet."""
    return list(_missing(Config, data, ""))


def _missing(
    model: type[BaseModel], data: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        inner = _model_of(field.annotation, data.get(name))
        if name not in data:
            if field.is_required() and inner is not None and not _is_union(field.annotation):
                yield from _missing(inner, {}, f"{path}.")
            elif field.is_required():
                yield path, field.description or ""
        elif isinstance(data[name], Mapping) and inner is not None:
            yield from _missing(inner, data[name], f"{path}.")
        elif isinstance(data[name], list) and inner is not None:
            for index, item in enumerate(data[name]):
                yield from _missing(inner, item, f"{path}.{index}.")


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _model_of(annotation: Any, value: Any) -> type[BaseModel] | None:
    """Return the section class behind an annotation; a tagged union is decided by `kind`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [m for m in (_model_of(part, value) for part in get_args(annotation)) if m]
    kind = value.get("kind") if isinstance(value, Mapping) else None
    for model in found:
        if kind is not None and get_args(model.model_fields["kind"].annotation) == (kind,):
            return model
    return found[0] if found else None


def render_config(data: Mapping[str, Any], *, venue: str, name: str = "keeper.toml") -> str:
    """Return the file's text: each section, each key with its description, defaults written out."""
    lines = [HEADER.format(venue=venue, name=name)]
    lines += _keys_of(Config, data)
    for key, field in Config.model_fields.items():
        model = _model_of(field.annotation, data.get(key))
        if model is None or (key not in data and not field.default):
            continue
        value = data.get(key, {})
        if isinstance(value, list):
            for item in value:
                lines += _table(f"[[{key}]]", _doc(model), model, item)
        else:
            lines += _table(f"[{key}]", _doc(model), model, value)
    return "\n".join(lines).rstrip() + "\n"


def _doc(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip()


def _table(head: str, comment: str, model: type[BaseModel], data: Mapping[str, Any]) -> list[str]:
    lines = ["", f"# {comment}", head, *_keys_of(model, data)]
    path = head.strip("[]")
    for key, field in model.model_fields.items():
        inner = _model_of(field.annotation, data.get(key))
        if inner is not None and isinstance(data.get(key), Mapping):
            lines += _table(f"[{path}.{key}]", field.description or "", inner, data[key])
    return lines


def _keys_of(model: type[BaseModel], data: Mapping[str, Any]) -> list[str]:
    unknown = sorted(set(data) - set(model.model_fields))
    if unknown:
        raise ConfigError(
            f"unknown key {unknown[0]} in {model.__name__.lower()}",
            next_step=f"known keys: {', '.join(model.model_fields)}",
        )
    lines = []
    for key, field in model.model_fields.items():
        if _model_of(field.annotation, data.get(key)) is not None:
            continue
        value = data.get(key, _default_of(field))
        lines.append(f"# {field.description}")
        lines.append(f"# {key} =" if value is None else f"{key} = {_toml(value)}")
    return lines


def _default_of(field: FieldInfo) -> Any:
    return None if field.default is PydanticUndefined else field.default


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:_}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value)
