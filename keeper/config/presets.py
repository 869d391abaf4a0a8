"""Starting values per venue for `keeper config init`; a file made from them states every one."""

import json
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["FEEDS", "OVERLAYS", "RULES", "VENUES", "preset"]

RULES: Final[dict[str, dict[str, Any]]] = {
    "megavault": {
        "layers": 2,
        "spread_min_ppm": 3_000,
        "spread_buffer_ppm": 1_500,
        "skew_factor_ppm": 2_000_000,
        "order_size_pct_ppm": 100_000,
        "activation_threshold_quote_quantums": 1_000_000_000,
    },
    "fixed_spread": {
        "layers": 2,
        "half_spread_ppm": 500,
        "layer_step_ppm": 500,
        "order_size_quote_quantums": 2_000_000_000,
    },
    "avellaneda_stoikov": {
        "layers": 2,
        "layer_step_ppm": 300,
        "order_size_quote_quantums": 2_000_000_000,
        "gamma_e9": 2_000,
        "k_e9": 4_000_000,
        "volatility_ppm": 30_000,
        "horizon_seconds": 3_600,
        "max_inventory_orders": 8,
    },
    "glft": {
        "layers": 2,
        "layer_step_ppm": 300,
        "order_size_quote_quantums": 2_000_000_000,
        "gamma_e9": 5_000,
        "k_e9": 4_000_000,
        "arrivals_per_day": 2_000,
        "volatility_ppm": 30_000,
        "drift_ppm": 0,
        "impact_ppm": 0,
        "horizon_seconds": 0,
        "max_inventory_orders": 8,
    },
    "constant_product": {
        "layers": 3,
        "order_size_quote_quantums": 2_000_000_000,
        "reserves_quote_quantums": 40_000_000_000_000,
        "fee_ppm": 300,
    },
    "range_on_book": {
        "layers": 3,
        "order_size_quote_quantums": 2_000_000_000,
        "reserves_quote_quantums": 1_000_000_000_000,
        "fee_ppm": 300,
        "width_ppm": 50_000,
    },
}
"""Example parameters of each quoting rule, for ether at about 3,000 USDC and a vault of 100,000."""

OVERLAYS: Final[dict[str, dict[str, Any]]] = {
    "trend": {
        "fast_seconds": 5,
        "slow_seconds": 60,
        "gain_ppm": 300_000,
        "max_shift_ppm": 100,
    },
    "imbalance": {"seconds": 5, "shift_ppm": 50},
    "volatility": {
        "seconds": 600,
        "floor_ppm": 30_000,
        "gain_ppm": 10_000,
        "max_widen_ppm": 2_000,
    },
    "funding": {"holding_seconds": 1_800, "max_shift_ppm": 50},
    "toxicity": {
        "horizon_seconds": 5,
        "fills": 50,
        "gain_ppm": 500_000,
        "max_widen_ppm": 500,
    },
    "fee": {"maker_fee_ppm": 100},
    "target": {"quote_quantums": 0},
    "session": {"windows": [[0, 7_200]], "outside": "reduce"},
    "reduce_only": {"from_quote_quantums": 8_000_000_000},
}
"""Example parameters of each overlay, for the same market as `RULES`."""
ETH_MARKET: Final[dict[str, Any]] = {
    "ticker": "ETH-USD",
    "strategy": {"kind": "megavault", **RULES["megavault"]},
    "good_til_block_offset": 10,
    "refresh_blocks": 2,
    "price_tolerance_ppm": 200,
    "size_tolerance_ppm": 50_000,
    "oracle_max_age_ms": 10_000,
    "book_max_age_ms": 10_000,
    "max_position_quote_quantums": 20_000_000_000,
    "inventory_band_quote_quantums": 10_000_000_000,
    "hedge_max_slippage_ppm": 3_000,
    "resting": {"min_resting_ms": 500, "urgent_ppm": 100},
    "order_to_trade": {
        "window_seconds": 600,
        "free_messages": 3_000,
        "max_ratio": 250,
        "max_volume_ratio": 2_000,
    },
}
ETH_LEADER: Final[dict[str, Any]] = {
    "symbol": "ETHUSDT",
    "weight_ppm": 600_000,
    "venue_weight_ppm": 0,
    "max_age_ms": 3_000,
    "band_ppm": 1_000,
    "pull_band_ppm": 5_000,
    "basis_seconds": 300,
    "max_basis_ppm": 5_000,
    "missing_widen_ppm": 0,
}
FEEDS: Final[dict[str, dict[str, str]]] = {
    "binance-usdm": {
        "ws_url": "wss://fstream.binance.com",
        "rest_url": "https://fapi.binance.com",
    },
    "binance-spot": {
        "ws_url": "wss://stream.binance.com:9443",
        "rest_url": "https://api.binance.com",
    },
}
"""Public market data, by kind of feed."""
LEADER: Final[dict[str, Any]] = {"kind": "binance-usdm", **FEEDS["binance-usdm"]}
POOL: Final[dict[str, Any]] = {
    "hedge_market": "ETH-USD",
    "asset_is_token0": True,
    "asset_decimals": 6,
    "base_decimals": 18,
    "half_width_ticks": 1_800,
    "recentre_ticks": 900,
    "max_slippage_ppm": 5_000,
    "snapshot_max_age_ms": 30_000,
    "cooldown_seconds": 120,
}
LIMITS: Final[dict[str, Any]] = {
    "max_order_quote_quantums": 10_000_000_000,
    "max_gross_quote_quantums": 60_000_000_000,
    "price_band_ppm": 50_000,
    "daily_loss_quote_quantums": 2_000_000_000,
    "drawdown_ppm": 50_000,
    "max_messages_per_block": 40,
    "max_intent_age_ms": 2_000,
    "max_height_age_ms": 10_000,
    "max_clock_skew_ms": 5_000,
}
EVM: Final[dict[str, Any]] = {
    "confirmations": 3,
    "max_fee_per_gas_wei": 100_000_000_000,
    "max_priority_fee_per_gas_wei": 1_000_000_000,
    "max_gas": 3_000_000,
}
COMMON: Final[dict[str, Any]] = {
    "format_version": 1,
    "journal": {"folder": "journal"},
    "markets": [ETH_MARKET],
    "pools": [POOL],
    "allocation": {
        "clob_target_ppm": 350_000,
        "pool_target_ppm": 200_000,
        "min_move_assets": 100_000_000,
        "transaction_deadline_seconds": 120,
    },
    "housekeeping": {
        "cut_lead_seconds": 30,
        "cut_jitter_seconds": 120,
        "redemption_buffer_ppm": 20_000,
        "claim_floor_assets": 100_000_000,
        "report_retry_seconds": 15,
        "report_alert_seconds": 7_200,
        "payment_alert_seconds": 86_400,
        "settlement_alert_seconds": 432_000,
        "stake_room_alert_ppm": 100_000,
    },
    "limits": LIMITS,
    "reporter": {"bind_port": 8700, "capture_folder": "captures"},
    "treasurer": {
        "trading_share_ppm": 100_000,
        "wallet_float_quote_quantums": 1_000_000,
        "min_move_quote_quantums": 10_000_000,
    },
    "relay": {},
}
VENUES: Final[dict[str, dict[str, Any]]] = {
    "local": {
        "reporter": {"journal_folder": "journal"},
        "housekeeping": {"cut_lead_seconds": 0, "cut_jitter_seconds": 2, "report_retry_seconds": 3},
        "evm": {"rpc_url": "http://127.0.0.1:8545", "chain_id": 31_337, "confirmations": 1},
        "venue": {
            "chain_id": "localdydxprotocol",
            "grpc_endpoint": "127.0.0.1:9090",
            "grpc_insecure": True,
            "rest_url": "http://127.0.0.1:3002",
            "ws_url": "ws://127.0.0.1:3003",
        },
    },
    "dydx-testnet": {
        "leader": LEADER,
        "venue": {
            "chain_id": "dydx-testnet-4",
            "grpc_endpoint": "oegs-testnet.dydx.exchange:443",
            "grpc_insecure": False,
            "grpc_messages_per_minute": 250,
            "grpc_fallbacks": ["test-dydx-grpc.kingnodes.com:443"],
            "rest_url": "https://indexer.v4testnet.dydx.exchange",
            "ws_url": "wss://indexer.v4testnet.dydx.exchange/v4/ws",
        },
    },
    "dydx-mainnet": {
        "leader": LEADER,
        "limits": {
            "max_open_interest_ppm": 20_000,
            "max_volume_ppm": 50_000,
            "depth_refills": 20,
            "max_funding_ppm_per_day": 3_000,
            "other_venue_band_ppm": 50_000,
        },
        "venue": {
            "chain_id": "dydx-mainnet-1",
            "grpc_endpoint": "oegs.dydx.trade:443",
            "grpc_insecure": False,
            "grpc_messages_per_minute": 250,
            "grpc_fallbacks": [
                "dydx-ops-grpc.kingnodes.com:443",
                "dydx-dao-grpc-1.polkachu.com:443",
            ],
            "rest_url": "https://indexer.dydx.trade",
            "ws_url": "wss://indexer.dydx.trade/v4/ws",
        },
    },
}
OPERATORS_CHOICE: Final = {
    "limits": ("max_order_quote_quantums", "max_gross_quote_quantums", "daily_loss_quote_quantums"),
    "markets": ("max_position_quote_quantums", "inventory_band_quote_quantums"),
}
"""What a mainnet file never gets from a preset: how much may be lost is the operator's word."""


def preset(venue: str) -> dict[str, Any]:
    """Return a fresh copy of a venue's starting values, all sections included."""
    base = _merged(COMMON, {"evm": EVM, "venue": {"kind": "dydx", "subaccount": 0}})
    data = _merged(base, VENUES[venue])
    if "leader" in data:
        data["markets"] = [{**market, "leader": {**ETH_LEADER}} for market in data["markets"]]
    if venue == "dydx-mainnet":
        for section, names in OPERATORS_CHOICE.items():
            for item in data[section] if isinstance(data[section], list) else [data[section]]:
                for name in names:
                    del item[name]
    return data


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Deep copy of `base` with `over` laid on top; lists are replaced whole."""
    result = json.loads(json.dumps(base))
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = _merged(result[key], value) if both else json.loads(json.dumps(value))
    return dict(result)
