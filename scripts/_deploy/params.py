"""Parameters of a deployment, read from TOML: every key known, no key defaulted."""

import json
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

__all__ = [
    "ClobParams",
    "LiquidityParams",
    "ListingParams",
    "ParamsInvalid",
    "PoolParams",
    "ProtocolParams",
    "ReporterParams",
    "VaultParams",
    "WorldParams",
    "load_listing",
    "load_protocol",
    "load_world",
]

T = TypeVar("T")


class ParamsInvalid(ValueError):
    """A key is missing, unknown or of the wrong type, or a name has no address; names the key."""


@dataclass(frozen=True, slots=True)
class VaultParams:
    """What the factory makes a vault by; `deposit_cap` in asset units.

    `owner` proposes to the timelock that owns the vault, which waits `owner_delay_seconds`. `pairs`
    are the order-book markets, `venue:PAIR`; `salt` tells equal vaults apart.
    """

    salt: int
    single_operator: bool
    asset: str
    name: str
    symbol: str
    owner: str
    owner_delay_seconds: int
    keeper: str
    guardian: str
    fee_recipient: str
    pairs: list[str]
    deposit_cap: int
    venue_cap_bps: int
    min_on_chain_bps: int
    fee_bps: int
    min_stake_bps: int


@dataclass(frozen=True, slots=True)
class ReporterParams:
    """The first set of reporters and how many must sign."""

    reporters: list[str]
    quorum: int


@dataclass(frozen=True, slots=True)
class PoolParams:
    """One Uniswap v3 adapter, of a pool that the vault factory's Uniswap knows."""

    name: str
    pool: str
    feed: str
    max_feed_age_seconds: int
    deviation_limit_bps: int
    cooldown_seconds: int
    max_value_change_bps: int
    min_observations: int


@dataclass(frozen=True, slots=True)
class ClobParams:
    """One order-book adapter and the only address it sends to."""

    name: str
    route: str


@dataclass(frozen=True, slots=True)
class ProtocolParams:
    """Everything one vault needs; the vault factory takes pools of one Uniswap alone."""

    uniswap_v3_factory: str
    vault: VaultParams
    reporter: ReporterParams
    uniswap_v3: list[PoolParams]
    clob: list[ClobParams]


@dataclass(frozen=True, slots=True)
class LiquidityParams:
    """Liquidity around the first price; `half_width_ticks` 0 means the whole range."""

    weth_units: int
    half_width_ticks: int


@dataclass(frozen=True, slots=True)
class WorldParams:
    """The local world's foreign parts; `eth_price_e8` is the feed's first answer, 8 decimals."""

    usdc_decimals: int
    eth_price_e8: int
    pool_fee_ppm: int
    observations: int
    liquidity: list[LiquidityParams]


@dataclass(frozen=True, slots=True)
class ListingParams:
    """A project's token and pool; `price_e8` is the feed's first answer, 8 decimals."""

    name: str
    symbol: str
    supply_units: int
    price_e8: int
    pool_fee_ppm: int
    observations: int
    liquidity_units: int
    half_width_ticks: int


def load_protocol(path: Path, externals: Path | None) -> ProtocolParams:
    """Read a protocol's parameters. Raises ParamsInvalid.

    A value `@name` is the address of that name in `externals`, a record written by `local_world`.
    """
    names = {} if externals is None else json.loads(externals.read_text())["contracts"]
    raw = _resolve(tomllib.loads(path.read_text()), names)
    _require_keys(raw, {field.name for field in fields(ProtocolParams)}, "top level")
    return ProtocolParams(
        uniswap_v3_factory=raw["uniswap_v3_factory"],
        vault=_build(VaultParams, raw["vault"]),
        reporter=_build(ReporterParams, raw["reporter"]),
        uniswap_v3=[_build(PoolParams, item) for item in raw["uniswap_v3"]],
        clob=[_build(ClobParams, item) for item in raw["clob"]],
    )


def load_world(path: Path) -> WorldParams:
    """Read the local world's parameters. Raises ParamsInvalid."""
    raw = tomllib.loads(path.read_text())
    liquidity = [_build(LiquidityParams, item) for item in raw.get("liquidity", [])]
    return _build(WorldParams, raw | {"liquidity": liquidity})


def load_listing(path: Path) -> ListingParams:
    """Read a project's listing. Raises ParamsInvalid."""
    return _build(ListingParams, tomllib.loads(path.read_text()))


def _resolve(value: Any, names: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _resolve(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, names) for item in value]
    if not (isinstance(value, str) and value.startswith("@")):
        return value
    if value[1:] not in names:
        raise ParamsInvalid(f"no address for {value}")
    return names[value[1:]]["address"]


def _build(kind: type[T], raw: dict[str, Any]) -> T:
    wanted: dict[str, Any] = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]
    _require_keys(raw, set(wanted), kind.__name__)
    for name, value in raw.items():
        expected = wanted[name] if wanted[name] in (bool, int, str) else list
        if type(value) is not expected:
            raise ParamsInvalid(f"{kind.__name__}.{name}: {value!r} is no {expected.__name__}")
    return kind(**raw)


def _require_keys(raw: dict[str, Any], wanted: set[str], where: str) -> None:
    if set(raw) != wanted:
        raise ParamsInvalid(f"{where}: missing or unknown {sorted(set(raw) ^ wanted)}")
