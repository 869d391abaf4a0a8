"""Checks across sections: what each field alone cannot show."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from keeper.config.budget import VENUE_MESSAGES_PER_BLOCK, message_budget
from keeper.config.model import Config
from keeper.config.problems import Problem
from keeper.config.sections.keys import Key
from keeper.config.sections.markets import Market, MarketLeader
from keeper.config.sections.pools import NO_HEDGE
from keeper.config.settings import overlay_params, pool_settings, rule_params
from keeper.config.strategies import MegaVault, Rule
from keeper.domain.protocol import (
    REPORT_WINDOW_SECONDS,
    SETTLEMENT_DELAY_SECONDS,
    WIND_DOWN_DELAY_SECONDS,
)
from keeper.domain.units import PPM
from keeper.strategies import overlays, rules
from keeper.strategies.range_economics import half_width_ticks

__all__ = ["check_meaning", "rule_problems"]

COMMAND_ROLES: Final = ("venue", "treasurer_venue")
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1", "[::1]")


def check_meaning(config: Config) -> list[Problem]:
    """Return every contradiction in a configuration whose fields are each valid."""
    return [
        *_keeper_parts(config),
        *_budget(config),
        *_markets(config),
        *_leaders(config),
        *_pools(config),
        *_allocation(config),
        *_order_book_leg(config),
        *_limits(config),
        *_housekeeping(config),
        *_subaccounts(config),
        *_plaintext(config),
        *_key_sources(config),
    ]


def _problem(path: str, message: str, fix: str) -> Problem:
    return Problem(code="CONFIG_CONTRADICTION", path=path, line=0, message=message, fix=fix)


def _keeper_parts(config: Config) -> Iterator[Problem]:
    if not (config.markets or config.pools):
        return
    for name in ("journal", "limits"):
        if getattr(config, name) is None:
            yield _problem(
                name, "missing: markets or pools are configured", f"add a [{name}] section"
            )


def _budget(config: Config) -> Iterator[Problem]:
    if config.limits is None:
        return
    budget = message_budget(config)
    needed, allowed = budget.worst_per_block, budget.limit_per_block
    if needed > allowed:
        yield _problem(
            "limits.max_messages_per_block",
            f"the markets can need {needed} messages in a block, the limit is {allowed}",
            "quote fewer layers or markets, or raise the limit",
        )
    minute, endpoint = budget.renewals_per_minute, config.venue.grpc_messages_per_minute
    if endpoint and minute * 5 > endpoint * 4:
        yield _problem(
            "venue.grpc_messages_per_minute",
            f"a book that never moves takes {minute} messages a minute, the endpoint {endpoint}, "
            "a fifth of them kept for cancels",
            "quote fewer layers or markets, let orders live longer, or use a node of one's own",
        )
    if allowed > VENUE_MESSAGES_PER_BLOCK:
        yield _problem(
            "limits.max_messages_per_block",
            f"the venue takes {VENUE_MESSAGES_PER_BLOCK} a block, the limit is {allowed}",
            f"set at most {VENUE_MESSAGES_PER_BLOCK}",
        )


def _markets(config: Config) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, market in enumerate(config.markets):
        path = f"markets.{index}"
        if market.ticker in seen:
            yield _problem(f"{path}.ticker", f"{market.ticker} is listed twice", "list it once")
        seen.add(market.ticker)
        yield from _market(path, market, config)


def _market(path: str, market: Market, config: Config) -> Iterator[Problem]:
    lifetime = market.good_til_block_offset
    if lifetime + 2 > config.venue.short_block_window:
        yield _problem(
            f"{path}.good_til_block_offset",
            f"{lifetime} + 2 blocks exceed the venue's window of {config.venue.short_block_window}",
            "set a smaller offset: it is the dead-man's switch",
        )
    if market.refresh_blocks >= lifetime:
        yield _problem(
            f"{path}.refresh_blocks",
            f"orders live {lifetime} blocks and would be renewed at {market.refresh_blocks} left",
            "set refresh_blocks below good_til_block_offset (2 is usual)",
        )
    if market.inventory_band_quote_quantums > market.max_position_quote_quantums:
        yield _problem(
            f"{path}.inventory_band_quote_quantums",
            "the band is wider than the largest position, so it would never act",
            "set it at or below max_position_quote_quantums",
        )
    yield from _resting(path, market)
    yield from rule_problems(market.strategy, f"{path}.strategy")
    yield from _overlays(f"{path}.overlays", market)
    rule = market.strategy
    if isinstance(rule, MegaVault) and rule.layers * rule.order_size_pct_ppm > PPM:
        yield _problem(
            f"{path}.strategy.order_size_pct_ppm",
            f"{rule.layers} layers of it are more than the equity",
            "lower layers or order_size_pct_ppm",
        )


def _resting(path: str, market: Market) -> Iterator[Problem]:
    """An order that waits must not stand beyond the price around which it was made."""
    spread = rules.half_spread_ppm(rule_params(market.strategy), 0)
    resting = market.resting
    if resting is not None and 0 < spread < resting.urgent_ppm:
        yield _problem(
            f"{path}.resting.urgent_ppm",
            f"an order could wait {resting.min_resting_ms} ms beyond the reference: "
            f"the half spread is {spread} ppm",
            f"set at most {spread}",
        )
    cap = market.order_to_trade
    if cap is not None and cap.free_messages < 2 * market.strategy.layers:
        yield _problem(
            f"{path}.order_to_trade.free_messages",
            f"{cap.free_messages} messages do not even place the {2 * market.strategy.layers} "
            "quotes once",
            "set more: without a fill the free messages are all there is",
        )


def rule_problems(rule: Rule, path: str) -> list[Problem]:
    """Return what the rule itself says of its parameters, each at the field it names first."""
    fields = type(rule).model_fields
    found: list[Problem] = []
    for text in rules.problems(rule_params(rule)):
        named = next((word for word in text.replace(":", " ").split() if word in fields), "")
        found.append(_outside(".".join(part for part in (path, named) if part), text))
    return found


def _overlays(path: str, market: Market) -> Iterator[Problem]:
    if market.overlays is None:
        return
    for text in overlays.problems(overlay_params(market.overlays)):
        name, _, rest = text.partition(": ")
        yield _outside(f"{path}.{name}.{rest.split()[0]}", rest)
    shift = overlays.greatest_shift_ppm(overlay_params(market.overlays))
    spread = rules.half_spread_ppm(rule_params(market.strategy), 0)
    if 0 < spread <= shift:
        text = f"together they may move quotes by {shift} ppm, the half spread is {spread} ppm"
        yield _outside(path, text)
    target = market.overlays.target
    band = market.inventory_band_quote_quantums
    if target is not None and abs(target.quote_quantums) > band:
        yield _problem(
            f"{path}.target.quote_quantums",
            f"the hedge brings home what is beyond {band}, so the target would never be held",
            "set it within inventory_band_quote_quantums",
        )


def _outside(path: str, text: str) -> Problem:
    fix = "see docs/strategies.md for the parameters and what they mean"
    return Problem(code="STRATEGY_DOMAIN", path=path, line=0, message=text, fix=fix)


def _leaders(config: Config) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, market in enumerate(config.markets):
        path = f"markets.{index}.leader"
        if market.leader is None:
            continue
        if config.leader is None:
            yield _problem(path, "no [leader] feed is configured", "add a [leader] section")
        if market.leader.symbol in seen:
            yield _problem(
                f"{path}.symbol", f"{market.leader.symbol} leads two markets", "name it once"
            )
        seen.add(market.leader.symbol)
        yield from _leader(path, market.leader)
    if config.leader is not None and config.markets and not seen:
        yield _problem("leader", "no market has a leader", "add a [markets.leader] section")


def _leader(path: str, leader: MarketLeader) -> Iterator[Problem]:
    if leader.weight_ppm + leader.venue_weight_ppm > PPM:
        yield _problem(
            f"{path}.weight_ppm",
            "the weights of leader and venue add up to more than 1,000,000 ppm",
            "lower one of them: what is left is the oracle's",
        )
    if leader.pull_band_ppm <= leader.band_ppm:
        yield _problem(
            f"{path}.pull_band_ppm",
            "quotes would be pulled before they widen",
            "set it above band_ppm",
        )
    if leader.on_missing == "widen" and leader.missing_widen_ppm == 0:
        yield _problem(
            f"{path}.missing_widen_ppm",
            "without the leader quotes would not be any wider",
            'set how much wider, or on_missing = "pull"',
        )


def _pools(config: Config) -> Iterator[Problem]:
    tickers = {market.ticker for market in config.markets}
    for index, pool in enumerate(config.pools):
        if pool.hedge_market not in (NO_HEDGE, *tickers):
            yield _problem(
                f"pools.{index}.hedge_market",
                f"{pool.hedge_market} is not among the markets ({', '.join(sorted(tickers))})",
                "add a [[markets]] entry for it, correct the name, or say 'none'",
            )
        half_width = half_width_ticks(pool_settings(pool), fee_ppm=0)
        if pool.recentre_ticks > half_width:
            yield _problem(
                f"pools.{index}.recentre_ticks",
                "the range would run out before it is moved",
                f"set it at or below the half width, {half_width} ticks",
            )


def _allocation(config: Config) -> Iterator[Problem]:
    allocation = config.allocation
    if allocation is None:
        return
    if allocation.clob_target_ppm + allocation.pool_target_ppm > PPM:
        yield _problem(
            "allocation", "the targets add up to more than 1,000,000 ppm", "lower one of them"
        )
    if allocation.pool_target_ppm and not config.pools:
        yield _problem(
            "allocation.pool_target_ppm", "no pool is configured", "set 0 or add a [[pools]] entry"
        )


def _order_book_leg(config: Config) -> Iterator[Problem]:
    """Nothing can be on an order book of a vault without an adapter for one."""
    if config.venue.leg is not None:
        return
    if config.markets:
        yield _problem("venue.adapter", "markets are configured", "name the vault's ClobAdapter")
    if config.allocation is not None and config.allocation.clob_target_ppm:
        yield _problem("allocation.clob_target_ppm", "venue.adapter is 'none'", "set 0")


def _limits(config: Config) -> Iterator[Problem]:
    """A limit whose number nothing would ever be compared with."""
    limits = config.limits
    if limits is None:
        return
    if limits.max_depeg_ppm and config.vault.asset_feed is None:
        yield _problem(
            "limits.max_depeg_ppm", "no feed of the asset is read", "set vault.asset_feed, or 0"
        )
    others = config.pools or any(market.leader for market in config.markets)
    if limits.other_venue_band_ppm and not others:
        yield _problem(
            "limits.other_venue_band_ppm",
            "no leader and no pool shows a price to compare with",
            "add a [markets.leader] or a [[pools]] entry, or set 0",
        )
    if limits.max_report_age_seconds >= WIND_DOWN_DELAY_SECONDS:
        yield _problem(
            "limits.max_report_age_seconds",
            "too long: after 7 days without a report the vault may end",
            f"set less than {WIND_DOWN_DELAY_SECONDS}",
        )


def _housekeeping(config: Config) -> Iterator[Problem]:
    """A wait longer than the report window, or an alert at a moment when nothing can be done."""
    house = config.housekeeping
    if house is None:
        return
    if house.cut_lead_seconds + house.cut_jitter_seconds >= REPORT_WINDOW_SECONDS:
        yield _problem(
            "housekeeping.cut_lead_seconds",
            "reporters would be asked after the report window of 6 hours has passed",
            "lower it or cut_jitter_seconds",
        )
    bounds = (
        ("report_alert_seconds", REPORT_WINDOW_SECONDS, "the report window has 6 hours"),
        ("payment_alert_seconds", SETTLEMENT_DELAY_SECONDS, "a payment may take 3 days"),
        ("settlement_alert_seconds", WIND_DOWN_DELAY_SECONDS, "after 7 days the vault may end"),
    )
    for name, bound, why in bounds:
        if getattr(house, name) >= bound:
            yield _problem(f"housekeeping.{name}", f"too long: {why}", f"set less than {bound}")


def _subaccounts(config: Config) -> Iterator[Problem]:
    if config.venue.reserve_subaccount == config.venue.subaccount:
        yield _problem(
            "venue.reserve_subaccount",
            "the reserve is the trading subaccount itself",
            "name another subaccount, or leave it out",
        )


def _plaintext(config: Config) -> Iterator[Problem]:
    """Unencrypted gRPC carries signed orders and account data: on loopback only."""
    venue = config.venue
    insecure = [
        ("venue.grpc_insecure", venue.grpc_insecure, endpoint)
        for endpoint in (venue.grpc_endpoint, *venue.grpc_fallbacks)
    ]
    if reporter := config.reporter:
        insecure.append(
            (
                "reporter.venue_grpc_insecure",
                reporter.venue_grpc_insecure,
                reporter.venue_grpc_endpoint,
            )
        )
    for path, flag, endpoint in insecure:
        if flag and urlsplit(f"//{endpoint}").hostname not in LOOPBACK:
            yield _problem(path, f"{endpoint} is not on this machine", "set it to false (TLS)")


def _key_sources(config: Config) -> Iterator[Problem]:
    for name in type(config.keys).model_fields:
        key = getattr(config.keys, name)
        if key is None:
            continue
        if sum((key.env is not None, key.keystore_file is not None, bool(key.command))) != 1:
            yield _problem(
                f"keys.{name}",
                "exactly one source is needed",
                "set one of env, keystore_file and command",
            )
        if (key.keystore_file is None) != (key.password_env is None):
            yield _problem(
                f"keys.{name}",
                "keystore_file and password_env belong together",
                "name the variable that holds the keystore's password",
            )
        yield from _signing_command(f"keys.{name}", name, key, config.venue.place_deadline_ms)


def _signing_command(path: str, role: str, key: Key, deadline_ms: int) -> Iterator[Problem]:
    """What signs for a venue key elsewhere is told whole, and answers before orders are late."""
    together = (bool(key.command), key.public_key is not None, key.timeout_ms is not None)
    if any(together) and not all(together):
        yield _problem(
            path,
            "command, public_key and timeout_ms belong together",
            "name all three: what is signed is checked against the key, within the time",
        )
    if key.command and role not in COMMAND_ROLES:
        yield _problem(
            f"{path}.command",
            "a command signs for venue keys alone",
            f"use env or keystore_file here, or a command for {' or '.join(COMMAND_ROLES)}",
        )
    if key.timeout_ms is not None and key.timeout_ms >= deadline_ms:
        yield _problem(
            f"{path}.timeout_ms",
            f"a signature may take {key.timeout_ms} ms, an order {deadline_ms}",
            "set it below venue.place_deadline_ms",
        )
