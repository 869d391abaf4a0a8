"""Turns the checked configuration into the step function's settings, and both into hashes.

A section is read as `dict(section)`: a dump would first build a serialiser for its class.
"""

import hashlib
import json
from typing import Any, Final

from keeper.config.model import Config
from keeper.config.sections.limits import Limits
from keeper.config.sections.markets import Market
from keeper.config.sections.pools import Pool
from keeper.config.sections.vault import Housekeeping
from keeper.config.strategies import Overlays as OverlaysSection
from keeper.config.strategies import Rule
from keeper.domain.errors import ConfigError
from keeper.domain.settings import (
    AllocationSettings,
    HousekeepingSettings,
    LeaderSettings,
    MarketSettings,
    OrderToTrade,
    PoolEconomics,
    PoolSettings,
    Resting,
    RiskLimits,
    StepSettings,
    params_hash,
)
from keeper.domain.strategies import (
    AvellanedaStoikovParams,
    ConstantProductParams,
    FeeOverlay,
    FixedSpreadParams,
    FundingOverlay,
    GlftParams,
    ImbalanceOverlay,
    InventoryTarget,
    MegaVaultParams,
    Overlays,
    RangeOnBookParams,
    ReduceOnlyLadder,
    SessionGate,
    Strategy,
    ToxicityOverlay,
    TrendOverlay,
    VolatilityOverlay,
)

__all__ = [
    "config_hash",
    "market_settings",
    "overlay_params",
    "params_hash",
    "pool_settings",
    "risk_limits",
    "rule_params",
    "to_step_settings",
]

INDEPENDENT: Final = {"keys"}
RULES: Final[dict[str, type[Strategy]]] = {
    "avellaneda_stoikov": AvellanedaStoikovParams,
    "constant_product": ConstantProductParams,
    "fixed_spread": FixedSpreadParams,
    "glft": GlftParams,
    "megavault": MegaVaultParams,
    "range_on_book": RangeOnBookParams,
}
OVERLAYS: Final[dict[str, type[Any]]] = {
    "trend": TrendOverlay,
    "imbalance": ImbalanceOverlay,
    "volatility": VolatilityOverlay,
    "funding": FundingOverlay,
    "toxicity": ToxicityOverlay,
    "fee": FeeOverlay,
    "target": InventoryTarget,
    "session": SessionGate,
    "reduce_only": ReduceOnlyLadder,
}


def to_step_settings(config: Config) -> StepSettings:
    """Return what `step` may read. Raises ConfigError when the keeper's sections are missing."""
    if config.limits is None or not (config.markets or config.pools):
        raise ConfigError(
            "this configuration quotes nothing: [[markets]] and [limits] are missing",
            next_step="add them, or start from: keeper config init --venue dydx-testnet",
        )
    allocation = config.allocation
    return StepSettings(
        markets=tuple(market_settings(market) for market in config.markets),
        pools=tuple(pool_settings(pool) for pool in config.pools),
        allocation=None
        if allocation is None
        else AllocationSettings(clob_adapter=config.venue.leg, **dict(allocation)),
        limits=risk_limits(config.limits),
        housekeeping=None if config.housekeeping is None else _house(config, config.housekeeping),
    )


def _house(config: Config, section: Housekeeping) -> HousekeepingSettings:
    """Return what `step` may read of housekeeping: how many reporters there are, not where."""
    urls = () if config.relay is None else config.relay.reporter_urls
    return HousekeepingSettings(reporters=len(urls), **dict(section))


def risk_limits(limits: Limits) -> RiskLimits:
    """Return the limits `step` may read."""
    return RiskLimits(**dict(limits))


def market_settings(market: Market) -> MarketSettings:
    """Return what `step` may read of one market."""
    leader, resting, cap = market.leader, market.resting, market.order_to_trade
    values = dict(market) | {
        "strategy": rule_params(market.strategy),
        "leader": None if leader is None else LeaderSettings(**dict(leader)),
        "overlays": None if market.overlays is None else overlay_params(market.overlays),
        "resting": None if resting is None else Resting(**dict(resting)),
        "order_to_trade": None if cap is None else OrderToTrade(**dict(cap)),
    }
    return MarketSettings(**values)


def pool_settings(pool: Pool) -> PoolSettings:
    """Return what `step` may read of one pool."""
    economics = pool.economics
    terms = None if economics is None else PoolEconomics(**dict(economics))
    return PoolSettings(**dict(pool) | {"economics": terms})


def rule_params(rule: Rule) -> Strategy:
    """Return the parameters a rule's section means."""
    return RULES[rule.kind](**{name: value for name, value in rule if name != "kind"})


def overlay_params(section: OverlaysSection) -> Overlays:
    """Return the parameters the overlays' sections mean."""
    return Overlays(
        **{name: OVERLAYS[name](**dict(value)) for name, value in section if value is not None}
    )


def config_hash(config: Config) -> str:
    """Hash (sha256, hex) of the configuration without the names of secrets; no secret is in it."""
    body = config.model_dump(mode="json", exclude=INDEPENDENT)
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
