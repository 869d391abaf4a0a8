"""Parameters of a running keeper: which may change, by how much, and what a change makes of them.

What bounds a loss may be tightened while the keeper runs and set back up to what it started with;
to loosen it beyond that takes the file and a restart. What names a market, pool or rule needs a
restart as well. A change passes the same model and checks as the file.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from pydantic import BaseModel, ValidationError

from keeper.config.checks import check_meaning
from keeper.config.load import LoadedConfig, put_override
from keeper.config.model import Config
from keeper.config.problems import Problem, problems_of
from keeper.config.sections.limits import Limits
from keeper.config.settings import to_step_settings
from keeper.domain.errors import ConfigError
from keeper.domain.settings import StepSettings

__all__ = [
    "Change",
    "Parameter",
    "ParamsRefused",
    "changes_between",
    "file_lines",
    "is_limit",
    "loosens",
    "origin_of",
    "parameters",
    "running_config",
    "with_assignments",
]

NEEDS_RESTART: Final = {
    "ticker": "names the market",
    "kind": "names the rule",
    "symbol": "names the leader's market",
    "base_units": "belongs to the leader's market",
    "adapter": "names the pool",
    "pool": "names the pool",
    "hedge_market": "names the market that hedges the pool",
    "asset_is_token0": "describes the pool's tokens",
    "asset_decimals": "describes the pool's tokens",
    "base_decimals": "describes the pool's tokens",
}
TIGHTEN_ONLY: Final = {
    "market": frozenset(
        {
            *("max_position_quote_quantums", "hedge_max_slippage_ppm"),
            *("oracle_max_age_ms", "book_max_age_ms", "urgent_ppm"),
        }
    ),
    "pool": frozenset({"max_slippage_ppm", "snapshot_max_age_ms"}),
    "limits": frozenset(Limits.model_fields),
}
"""Keys of which a larger value allows a larger loss."""
LARGER_IS_TIGHTER: Final = frozenset({"stress_shock_ppm", "hedge_shock_ppm", "loss_window_minutes"})
"""Of those, the ones that are the other way round."""
ZERO_IS_OFF: Final = frozenset(
    {
        *("max_lp_quote_quantums", "max_open_interest_ppm", "max_volume_ppm", "depth_refills"),
        *("max_funding_ppm_per_day", "other_venue_band_ppm", "loss_window_quote_quantums"),
        *("max_report_age_seconds", "max_base_fee_wei", "max_depeg_ppm"),
    }
)
"""And the ones of which 0 allows everything."""
UNITS: Final = (
    ("quote_quantums", "1e-6 USDC"),
    ("_assets", "asset units"),
    ("_e9", "1e-9 per ppm"),
    ("_orders", "orders"),
    ("_ppm_per_day", "ppm a day"),
    ("_per_day", "a day"),
    ("_ppm", "ppm"),
    ("_ms", "ms"),
    ("seconds", "s"),
    ("fills", "fills"),
    ("_multiple", "times"),
    ("_refills", "times"),
    ("_minutes", "min"),
    ("_wei", "wei"),
    ("_ticks", "ticks"),
    ("_blocks", "venue blocks"),
    ("_block_offset", "venue blocks"),
    ("_per_block", "messages"),
    ("layers", "orders a side"),
    ("_messages", "messages"),
    ("max_ratio", "messages a fill, less one"),
    ("max_volume_ratio", "volume offered for that filled, less one"),
)


class ParamsRefused(ConfigError):
    """Raised with every reason why parameters are not taken; the running ones stay."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        text = "; ".join(f"{problem.path}: {problem.message}" for problem in problems)
        super().__init__(text, next_step="; ".join(p.fix for p in problems if p.fix))
        self.problems = tuple(problems)


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter: its path, value, unit, whether a change takes effect now, and what it is."""

    path: str
    value: Any
    unit: str
    live: str
    note: str
    description: str


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One value before and after."""

    path: str
    before: Any
    after: Any


def parameters(config: Config) -> list[Parameter]:
    """List everything a step reads, with `live` "now" or "restart"."""
    return [
        Parameter(
            path=path,
            value=value,
            unit=_unit(path),
            live="restart" if _name(path) in NEEDS_RESTART else "now",
            note=NEEDS_RESTART.get(_name(path), "") or _tighten_note(path),
            description=description,
        )
        for path, (value, description) in _values(config).items()
    ]


def running_config(started: Config, settings: StepSettings) -> Config:
    """Return the configuration a keeper would have started with to have these settings."""
    body = started.model_dump(mode="json")
    plain = msgspec.to_builtins(settings)
    body["markets"] = [_market_section(market) for market in plain["markets"]]
    body["pools"], body["limits"] = plain["pools"], plain["limits"]
    if plain["allocation"] is not None:
        del plain["allocation"]["clob_adapter"]
    body["allocation"] = plain["allocation"]
    if plain["housekeeping"] is not None:
        del plain["housekeeping"]["reporters"]
    body["housekeeping"] = plain["housekeeping"]
    return Config.model_validate_json(json.dumps(body))


def with_assignments(started: Config, running: Config, assignments: Sequence[str]) -> Config:
    """Return the running configuration with some `path=value` laid over it.

    `started` is what the keeper began with. Raises ParamsRefused naming every reason.
    """
    body = running.model_dump(mode="json")
    for item in assignments:
        path, separator, value = item.partition("=")
        if not separator:
            raise ParamsRefused([_problem("PARAM_UNKNOWN", item, "not path=value", _HOW)])
        put_override(body, f"{_inner(path.strip(), running)}={value}")
    try:
        after = Config.model_validate_json(json.dumps(body))
    except ValidationError as error:
        found = problems_of(error, Config, "")
        raise ParamsRefused([_outward(problem, running) for problem in found]) from None
    found = check_meaning(after) + _not_allowed(started, running, after)
    if found:
        raise ParamsRefused([_outward(problem, running) for problem in found])
    to_step_settings(after)
    return after


def changes_between(before: Config, after: Config) -> list[Change]:
    """List the values that differ, in the order of the file."""
    old, new = _values(before), _values(after)
    return [
        Change(path=path, before=old.get(path, (None,))[0], after=new.get(path, (None,))[0])
        for path in [*new, *(path for path in old if path not in new)]
        if old.get(path, (None,))[0] != new.get(path, (None,))[0]
    ]


def file_lines(changes: Sequence[Change]) -> list[str]:
    """Return what to write into the file so that a restart keeps the changes."""
    lines: list[str] = []
    for change in changes:
        head, name = _table_of(change.path)
        if head not in lines:
            lines.append(head)
        lines.insert(lines.index(head) + 1, f"{name} = {json.dumps(change.after)}")
    return lines


def origin_of(loaded: LoadedConfig, path: str) -> str:
    """Say where a parameter's value in the configuration came from: file, env, flag, default."""
    return loaded.origins.get(_inner(path, loaded.config), "default")


_HOW: Final = "for example: market.ETH-USD.strategy.layers=2 (see keeper params show)"


def _values(config: Config) -> dict[str, tuple[Any, str]]:
    """Value and description of every parameter by its path."""
    found: dict[str, tuple[Any, str]] = {}
    for market in config.markets:
        found |= _fields(f"market.{market.ticker}", market)
    for pool in config.pools:
        found |= _fields(f"pool.{pool.adapter}", pool)
    if config.allocation is not None:
        found |= _fields("allocation", config.allocation)
    if config.housekeeping is not None:
        found |= _fields("housekeeping", config.housekeeping)
    if config.limits is not None:
        found |= _fields("limits", config.limits)
    return found


def _fields(prefix: str, section: BaseModel) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            found |= _fields(f"{prefix}.{name}", value)
        elif value is not None:
            found[f"{prefix}.{name}"] = (value, field.description or "")
    return found


def _market_section(market: dict[str, Any]) -> dict[str, Any]:
    rule = market["strategy"]
    return {**market, "strategy": {"kind": rule.pop("type"), **rule}}


def _inner(path: str, config: Config) -> str:
    """Turn market.TICKER and pool.ADAPTER into the file's places. Raises ParamsRefused."""
    head, _, rest = path.partition(".")
    places: dict[str, Mapping[str, int]] = {
        "market": {market.ticker: index for index, market in enumerate(config.markets)},
        "pool": {pool.adapter: index for index, pool in enumerate(config.pools)},
    }
    if head in places:
        name, _, rest = rest.partition(".")
        if name in places[head] and rest:
            return f"{head}s.{places[head][name]}.{rest}"
    elif head in ("allocation", "housekeeping", "limits") and rest:
        return path
    raise ParamsRefused([_problem("PARAM_UNKNOWN", path, "no such parameter", _HOW)])


def _outward(problem: Problem, config: Config) -> Problem:
    """Name a problem's place as a person named it."""
    parts = problem.path.split(".")
    if len(parts) > 1 and parts[0] in ("markets", "pools") and parts[1].isdigit():
        index = int(parts[1])
        is_market = parts[0] == "markets"
        name = config.markets[index].ticker if is_market else config.pools[index].adapter
        parts[:2] = [parts[0][:-1], name]
    path = ".".join(parts)
    return msgspec.structs.replace(problem, path=path, fix=problem.fix.replace(problem.path, path))


def _not_allowed(started: Config, running: Config, after: Config) -> list[Problem]:
    allowed = _values(started)
    found: list[Problem] = []
    for change in changes_between(running, after):
        name = _name(change.path)
        if name in NEEDS_RESTART or change.before is None or change.after is None:
            reason = NEEDS_RESTART.get(name, "is not there while the keeper runs")
            fix = "set it in the file and restart the keeper"
            found.append(_problem("PARAM_NEEDS_RESTART", change.path, reason, fix))
        elif loosens(change.path, allowed[change.path][0], change.after):
            most = allowed[change.path][0]
            text = f"{change.after} is looser than {most}, which the keeper started with"
            bound = "at least" if name in LARGER_IS_TIGHTER else "at most"
            fix = f"{bound} {most} while it runs; looser takes the file and a restart"
            found.append(_problem("PARAM_LOOSENS", change.path, text, fix))
    return found


def is_limit(path: str) -> bool:
    """Whether a parameter bounds a loss."""
    return _name(path) in TIGHTEN_ONLY.get(path.split(".")[0], ())


def loosens(path: str, before: Any, after: Any) -> bool:
    """Whether a change of a limit allows a larger loss."""
    if not is_limit(path):
        return False
    name = _name(path)
    if name in LARGER_IS_TIGHTER:
        return bool(after < before)
    if name in ZERO_IS_OFF and 0 in (before, after):
        return bool(after == 0 and before != 0)
    return bool(after > before)


def _tighten_note(path: str) -> str:
    return "may be tightened" if is_limit(path) else ""


def _name(path: str) -> str:
    return path.rpartition(".")[2]


def _unit(path: str) -> str:
    return next((unit for ending, unit in UNITS if _name(path).endswith(ending)), "")


def _table_of(path: str) -> tuple[str, str]:
    """The file's table of a path, and the key in it."""
    head, _, rest = path.partition(".")
    if head not in ("market", "pool"):
        return f"[{head}]", rest
    name, _, rest = rest.partition(".")
    inner, dot, key = rest.rpartition(".")
    table = f"[{head}s.{inner}]" if dot else f"[[{head}s]]"
    return f"{table}  # {name}", key


def _problem(code: str, path: str, message: str, fix: str) -> Problem:
    return Problem(code=code, path=path, line=0, message=message, fix=fix)
