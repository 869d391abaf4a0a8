"""Brings a state that another release left behind to the schema of this one; pure."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from keeper.core.state import State, state_bytes, state_from_bytes
from keeper.domain.events import SCHEMA_VERSION

__all__ = ["MIGRATIONS", "MigrationError", "migrate"]

Tree = dict[str, Any]
"""A state as plain JSON values."""

_TURN_2: Final = {"t_ns": -1, "code": "", "limit": 0, "value": 0, "operator": "", "reason": ""}
"""Of a phase that is not ACTIVE nobody wrote down since when and why."""
_MARKET_2: Final = {
    "facts_t_ns": -1,
    **dict.fromkeys(("open_interest", "volume_quote_quantums", "funding_ppb_per_hour"), 0),
    **dict.fromkeys(("bid_depth", "ask_depth"), 0),
}
_LIMITS_2: Final = dict.fromkeys(
    (
        *("stress_shock_ppm", "stress_loss_multiple", "hedge_shock_ppm", "max_lp_quote_quantums"),
        *("max_open_interest_ppm", "max_volume_ppm", "depth_refills", "depth_band_ppm"),
        *("max_market_facts_age_ms", "max_funding_ppm_per_day", "other_venue_band_ppm"),
        *("loss_window_minutes", "loss_window_quote_quantums", "max_report_age_seconds"),
        *("max_base_fee_wei", "max_depeg_ppm", "max_asset_price_age_seconds"),
    ),
    0,
)
"""Limits that did not exist are off; a run begins with those of its file."""


_NO_PACE_2: Final = {"resting": None, "order_to_trade": None}
_TRAFFIC_2: Final = {
    "piece_ns": 0,
    "pieces": [],
    "total": {
        "number": -1,
        **dict.fromkeys(("orders", "order_volume", "fills", "fill_volume"), 0),
    },
    "renewals": 0,
}


def _since_1(tree: Tree) -> Tree:
    """Bring limits by market size, stress and window, what made the phase what it is, and the
    pace of orders: none of them has to rest, no message was counted."""
    guard, settings = tree["guard"], tree["settings"]
    if settings is not None:
        markets = [market | _NO_PACE_2 for market in settings["markets"]]
        settings = settings | {"limits": settings["limits"] | _LIMITS_2, "markets": markets}
    orders = tree["orders"]
    working = {number: order | {"changed_ns": -1} for number, order in orders["working"].items()}
    return tree | {
        "chain": _chain_2(tree["chain"]),
        "guard": guard | {"turn": _TURN_2, "loss": guard["loss"] | {"window": []}},
        "markets": {name: market | _market_2(market) for name, market in tree["markets"].items()},
        "orders": orders | {"working": working},
        "pools": {name: pool | _pool_2(pool) for name, pool in tree["pools"].items()},
        "settings": settings,
    }


def _chain_2(chain: Tree) -> Tree:
    """No feed of the asset's price was read, nor whom the contract names its keeper."""
    unread: Tree = dict.fromkeys(("asset_price", "asset_price_decimals", "asset_priced_at"), 0)
    unread["other_keeper"] = ""
    vault = None if chain["vault"] is None else chain["vault"] | unread
    return chain | {"base_fee_wei": 0, "vault": vault}


def _market_2(market: Tree) -> Tree:
    settings = market["settings"]
    paced = None if settings is None else settings | _NO_PACE_2
    return _MARKET_2 | {"settings": paced, "traffic": _TRAFFIC_2}


def _pool_2(pool: Tree) -> Tree:
    """Until it is observed again, no price makes it hold more or less of the base token."""
    bounds = {"base_low": pool["base"], "base_high": pool["base"]}
    return bounds | dict.fromkeys(("in_ranges", "coming", "going"), 0)


MIGRATIONS: Final[dict[int, Callable[[Tree], Tree]]] = {1: _since_1}
"""By schema version: what turns a state of that schema into one of the next."""


class MigrationError(Exception):
    """Raised when a state cannot be brought to this schema without losing or inventing something;
    the journal's upgrade and replay handle it."""


def migrate(schema: int, raw: bytes) -> State:
    """Return the state of this schema for the canonical bytes of one of `schema`.

    Nothing is dropped and nothing is filled in: a key that this schema does not know, or lacks, is
    an error unless a migration deals with it. Raises MigrationError.
    """
    if schema > SCHEMA_VERSION:
        raise MigrationError(f"schema {schema} is newer than this release's {SCHEMA_VERSION}")
    tree = msgspec.json.decode(raw)
    for version in range(schema, SCHEMA_VERSION):
        step = MIGRATIONS.get(version)
        if step is None:
            raise MigrationError(f"no migration leads from schema {version} to {version + 1}")
        tree = step(tree)
    return _exactly(tree)


def _exactly(tree: Tree) -> State:
    """Read a state and make sure that it says the very same."""
    try:
        state = state_from_bytes(msgspec.json.encode(tree))
    except msgspec.ValidationError as error:
        raise MigrationError(f"the state does not fit schema {SCHEMA_VERSION}: {error}") from error
    difference = _first_difference(tree, msgspec.json.decode(state_bytes(state)), "$")
    if difference:
        raise MigrationError(f"schema {SCHEMA_VERSION} and the state differ: {difference}")
    return state


def _first_difference(old: Any, new: Any, path: str) -> str:
    """Name the first place at which two trees differ; empty when they are equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if key not in new:
                return f"{path}.{key} is not known"
            if key not in old:
                return f"{path}.{key} is missing"
            if difference := _first_difference(old[key], new[key], f"{path}.{key}"):
                return difference
        return ""
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        found = (_first_difference(a, b, f"{path}[{n}]") for n, (a, b) in pairs)
        return next((difference for difference in found if difference), "")
    return "" if old == new else f"{path} would change"
