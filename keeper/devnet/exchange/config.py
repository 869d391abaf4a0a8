"""Owns the exchange's configuration: markets, fees, windows, ports; loaded once, frozen."""

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

__all__ = [
    "EquityTier",
    "ExchangeConfig",
    "LiquidationConfig",
    "MarketConfig",
    "Ports",
    "RateLimit",
    "RecordedConfig",
    "load_config",
]

QUOTE_RESOLUTION = -6  # one quote quantum is 1e-6 USDC


@dataclass(frozen=True, slots=True)
class MarketConfig:
    """Parameters of one perpetual market and its clob pair (same id for both).

    `oracle_price` is an integer in units of 10**oracle_exponent USD.
    """

    id: int
    ticker: str
    atomic_resolution: int
    oracle_exponent: int
    oracle_price: int
    step_base_quantums: int = 1_000_000
    subticks_per_tick: int = 100_000
    quantum_conversion_exponent: int = -9
    initial_margin_ppm: int = 50_000
    maintenance_fraction_ppm: int = 600_000
    open_interest_lower_cap: int = 0  # quote quantums; 0 and 0: margin does not scale
    open_interest_upper_cap: int = 0
    impact_notional: int = 10_000_000_000  # quote quantums
    default_funding_ppm: int = 0  # per 8 hours
    status: int = 1
    market_type: int = 1  # 1 cross, 2 isolated

    @property
    def price_exponent(self) -> int:
        """Decimal exponent of one subtick in USD."""
        return self.quantum_conversion_exponent + QUOTE_RESOLUTION - self.atomic_resolution

    @property
    def notional_exponent(self) -> int:
        """Exponent such that quantums * oracle price * 10**it is in quote quantums."""
        return self.oracle_exponent + self.atomic_resolution - QUOTE_RESOLUTION


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `limit` messages in any `blocks` consecutive blocks of an account."""

    blocks: int
    limit: int


@dataclass(frozen=True, slots=True)
class EquityTier:
    """From this net collateral on, so many stateful orders may be open. Quote quantums."""

    required: int
    limit: int


@dataclass(frozen=True, slots=True)
class LiquidationConfig:
    """How a liquidation is priced, and how much of it a block takes. Notionals: quote quantums."""

    max_fee_ppm: int = 15_000
    bankruptcy_adjustment_ppm: int = 1_000_000
    spread_to_maintenance_ppm: int = 1_500_000
    min_position_notional: int = 1_000_000_000
    max_position_portion_ppm: int = 1_000_000
    max_subaccount_notional: int = 100_000_000_000


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports; 0 takes a free one."""

    grpc: int = 0
    rest: int = 0
    websocket: int = 0
    admin: int = 0


@dataclass(frozen=True, slots=True)
class RecordedConfig:
    """A tape to play, the clock file that tells its time, and the accounts that act in it.

    Trades before `from_ns` are passed over.
    """

    tape_path: str
    from_ns: int
    clock_path: str
    maker: str
    taker: str


USD = 1_000_000  # quote quantums
EQUITY_TIERS = (
    EquityTier(0, 0),
    EquityTier(20 * USD, 1),
    EquityTier(100 * USD, 5),
    EquityTier(1_000 * USD, 10),
    EquityTier(10_000 * USD, 100),
    EquityTier(100_000 * USD, 200),
)

DEFAULT_MARKETS = (
    MarketConfig(
        id=0,
        ticker="BTC-USD",
        atomic_resolution=-10,
        oracle_exponent=-5,
        oracle_price=6_500_000_000,
        initial_margin_ppm=20_000,
    ),
    MarketConfig(
        id=1,
        ticker="ETH-USD",
        atomic_resolution=-9,
        oracle_exponent=-6,
        oracle_price=3_000_000_000,
    ),
)


@dataclass(frozen=True, slots=True)
class ExchangeConfig:
    """Everything the exchange is told at start.

    Fees in ppm of notional, `min_gas_price_micro` in millionths of a USDC quantum per gas,
    `genesis_time_ns` is used by the manual clock only.
    """

    chain_id: str = "localdydxprotocol"
    markets: tuple[MarketConfig, ...] = DEFAULT_MARKETS
    maker_fee_ppm: int = 100
    taker_fee_ppm: int = 500
    short_block_window: int = 40
    place_cancel_limits: tuple[RateLimit, ...] = (RateLimit(5, 4_000),)
    stateful_limits: tuple[RateLimit, ...] = (RateLimit(1, 2), RateLimit(100, 20))
    equity_tiers: tuple[EquityTier, ...] = EQUITY_TIERS
    liquidation: LiquidationConfig = field(default_factory=LiquidationConfig)
    gating_blocks: int = 50
    outage_seconds: int = 300
    seed: int = 1  # of the faults' chances
    history_blocks: int = 1_000
    nonce_window_ms: int = 30_000
    min_gas_price_micro: int = 25_000
    indexer_requests_per_10s: int = 0  # 0: not limited
    faucet: bool = False
    host: str = "127.0.0.1"
    ports: Ports = field(default_factory=Ports)
    ports_file: str = ""
    clock_path: str = ""  # empty: blocks are made by hand
    block_interval_ms: int = 1_000
    genesis_time_ns: int = 1_760_000_000_000_000_000
    recorded: RecordedConfig | None = None

    def market(self, market_id: int) -> MarketConfig | None:
        """Return the market with this id, if there is one."""
        return next((m for m in self.markets if m.id == market_id), None)

    def ticker(self, ticker: str) -> MarketConfig | None:
        """Return the market with this ticker, if there is one."""
        return next((m for m in self.markets if m.ticker == ticker), None)


def _strict(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    unknown = set(values) - {f.name for f in fields(cls)}
    if unknown:
        raise ValueError(f"unknown {cls.__name__} settings: {', '.join(sorted(unknown))}")
    return values


def load_config(path: Path) -> ExchangeConfig:
    """Read a JSON configuration. Raises ValueError on unknown keys, OSError if unreadable."""
    raw = _strict(ExchangeConfig, json.loads(path.read_text()))
    if "markets" in raw:
        raw["markets"] = tuple(MarketConfig(**_strict(MarketConfig, m)) for m in raw["markets"])
    if "ports" in raw:
        raw["ports"] = Ports(**_strict(Ports, raw["ports"]))
    if "recorded" in raw:
        raw["recorded"] = RecordedConfig(**_strict(RecordedConfig, raw["recorded"]))
    for name in ("place_cancel_limits", "stateful_limits"):
        if name in raw:
            raw[name] = tuple(RateLimit(**_strict(RateLimit, x)) for x in raw[name])
    if "equity_tiers" in raw:
        tiers = raw["equity_tiers"]
        raw["equity_tiers"] = tuple(EquityTier(**_strict(EquityTier, x)) for x in tiers)
    if "liquidation" in raw:
        raw["liquidation"] = LiquidationConfig(**_strict(LiquidationConfig, raw["liquidation"]))
    return ExchangeConfig(**raw)
