"""Contradictions between fields that are each valid."""

from pathlib import Path

import pytest

from keeper.config import ConfigInvalid, parse_config, to_step_settings
from keeper.domain.settings import LeaderSettings


@pytest.mark.parametrize(
    ("override", "path"),
    [
        ("limits.max_messages_per_block=4", "limits.max_messages_per_block"),
        ("limits.max_messages_per_block=801", "limits.max_messages_per_block"),
        ("venue.short_block_window=11", "markets.0.good_til_block_offset"),
        ("markets.0.refresh_blocks=10", "markets.0.refresh_blocks"),
        (
            "markets.0.inventory_band_quote_quantums=20_000_000_001",
            "markets.0.inventory_band_quote_quantums",
        ),
        ("markets.0.strategy.order_size_pct_ppm=500_001", "markets.0.strategy.order_size_pct_ppm"),
        ("pools.0.hedge_market=BTC-USD", "pools.0.hedge_market"),
        ("pools.0.recentre_ticks=1_801", "pools.0.recentre_ticks"),
        ("venue.adapter=none", "venue.adapter"),
        ("venue.adapter=none", "allocation.clob_target_ppm"),
        ("allocation.pool_target_ppm=650_001", "allocation"),
        ('venue.grpc_fallbacks=["oegs.dydx.trade:443"]', "venue.grpc_insecure"),
        ("venue.grpc_messages_per_minute=62", "venue.grpc_messages_per_minute"),
        ("venue.grpc_endpoint=oegs.dydx.trade:443", "venue.grpc_insecure"),
        ("reporter.venue_grpc_endpoint=10.0.0.1:9090", "reporter.venue_grpc_insecure"),
        ("keys.keeper.keystore_file=key.json", "keys.keeper"),
        ("keys.venue.password_env=PASSWORD", "keys.venue"),
        ('keys.venue.command=["sign"]', "keys.venue"),
        ("keys.venue.timeout_ms=250", "keys.venue"),
        (f"keys.venue.public_key=02{'5a' * 32}", "keys.venue"),
        ('keys.keeper.command=["sign"]', "keys.keeper.command"),
        ("keys.venue.timeout_ms=2_000", "keys.venue.timeout_ms"),
        ("keys.venue.public_key=0x5a", "keys.venue.public_key"),
        ("venue.reserve_subaccount=0", "venue.reserve_subaccount"),
        ("housekeeping.cut_lead_seconds=21_598", "housekeeping.cut_lead_seconds"),
        ("housekeeping.report_alert_seconds=21_600", "housekeeping.report_alert_seconds"),
        ("housekeeping.payment_alert_seconds=259_200", "housekeeping.payment_alert_seconds"),
        ("housekeeping.settlement_alert_seconds=604_800", "housekeeping.settlement_alert_seconds"),
    ],
)
def test_check_meaning__contradiction__names_the_field(
    local_text: str, override: str, path: str
) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse_config(local_text, Path("keeper.toml"), environ={}, overrides=(override,))

    assert path in [problem.path for problem in caught.value.problems]
    assert all(problem.fix for problem in caught.value.problems)


@pytest.mark.parametrize(
    "override",
    [
        "housekeeping.cut_lead_seconds=21_597",
        "housekeeping.report_alert_seconds=21_599",
        "housekeeping.payment_alert_seconds=259_199",
        "housekeeping.settlement_alert_seconds=604_799",
    ],
)
def test_check_meaning__housekeeping_just_in_time__passes(local_text: str, override: str) -> None:
    parse_config(local_text, Path("keeper.toml"), environ={}, overrides=(override,))


def test_check_meaning__key_of_a_command__passes_as_its_only_source(local_text: str) -> None:
    whole = local_text.replace(
        'env = "KEEPER_VENUE_KEY"',
        f'command = ["sign", "--slot", "3"]\npublic_key = "02{"5a" * 32}"\ntimeout_ms = 250',
    )

    key = parse_config(whole, Path("keeper.toml"), environ={}).config.keys.venue

    assert key is not None
    assert (key.command, key.timeout_ms) == (("sign", "--slot", "3"), 250)


POOL_ALONE = (
    "venue.adapter=none",
    "markets=[]",
    "pools.0.hedge_market=none",
    "allocation.clob_target_ppm=0",
)


def test_check_meaning__vault_of_one_pool_that_nothing_hedges__passes(local_text: str) -> None:
    loaded = parse_config(local_text, Path("keeper.toml"), environ={}, overrides=POOL_ALONE)

    settings = to_step_settings(loaded.config)
    assert settings.markets == ()
    assert settings.allocation is not None
    assert settings.allocation.clob_adapter is None


def test_check_meaning__market_listed_twice__is_refused(local_text: str) -> None:
    start = local_text.index("[[markets]]")
    end = local_text.index("# One Uniswap v3 pool")
    text = local_text + "\n" + local_text[start:end]

    with pytest.raises(ConfigInvalid) as caught:
        parse_config(text, Path("keeper.toml"), environ={})

    assert [problem.path for problem in caught.value.problems] == ["markets.1.ticker"]


def test_check_meaning__markets_without_limits__asks_for_the_section(local_text: str) -> None:
    start = local_text.index("[limits]")
    end = local_text.index("# Who signs")
    text = local_text[:start] + local_text[end:]

    with pytest.raises(ConfigInvalid, match=r"limits: missing"):
        parse_config(text, Path("keeper.toml"), environ={})


LED = (
    "leader.kind=binance-usdm",
    "leader.ws_url=wss://fstream.binance.com",
    "leader.rest_url=https://fapi.binance.com",
    "markets.0.leader.symbol=ETHUSDT",
    "markets.0.leader.weight_ppm=600_000",
    "markets.0.leader.venue_weight_ppm=100_000",
    "markets.0.leader.max_age_ms=3_000",
    "markets.0.leader.band_ppm=1_000",
    "markets.0.leader.pull_band_ppm=5_000",
    "markets.0.leader.basis_seconds=300",
    "markets.0.leader.max_basis_ppm=5_000",
    "markets.0.leader.missing_widen_ppm=0",
)


def test_parse_config__leader__reaches_the_step_settings(local_text: str) -> None:
    config = parse_config(local_text, Path("keeper.toml"), environ={}, overrides=LED).config

    (market,) = to_step_settings(config).markets

    assert market.leader == LeaderSettings(
        symbol="ETHUSDT",
        base_units=1,
        weight_ppm=600_000,
        venue_weight_ppm=100_000,
        max_age_ms=3_000,
        band_ppm=1_000,
        pull_band_ppm=5_000,
        basis_seconds=300,
        max_basis_ppm=5_000,
        on_missing="pull",
        missing_widen_ppm=0,
    )


@pytest.mark.parametrize(
    ("override", "path"),
    [
        ("markets.0.leader.venue_weight_ppm=400_001", "markets.0.leader.weight_ppm"),
        ("markets.0.leader.pull_band_ppm=1_000", "markets.0.leader.pull_band_ppm"),
        ("markets.0.leader.on_missing=widen", "markets.0.leader.missing_widen_ppm"),
    ],
)
def test_check_meaning__leader_contradicts_itself__names_the_field(
    local_text: str, override: str, path: str
) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse_config(local_text, Path("keeper.toml"), environ={}, overrides=(*LED, override))

    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize(
    ("overrides", "path"), [(LED[3:], "markets.0.leader"), (LED[:3], "leader")]
)
def test_check_meaning__half_of_a_leader__asks_for_the_other(
    local_text: str, overrides: tuple[str, ...], path: str
) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse_config(local_text, Path("keeper.toml"), environ={}, overrides=overrides)

    assert [problem.path for problem in caught.value.problems] == [path]
