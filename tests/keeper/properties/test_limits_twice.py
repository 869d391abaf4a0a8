"""Two implementations of the limits agree on random states, to the code and both numbers."""

import ast
import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from keeper.domain.approval import Approved, Refused
from keeper.domain.settings import RiskLimits
from tests.keeper import second_opinion
from tests.keeper.limit_cases import (
    Case,
    Verdict,
    allocation_case,
    order_case,
    pool_case,
    verdict_on_allocation,
    verdict_on_order,
    verdict_on_pool,
)
from tests.keeper.second_opinion import Faults, judge_allocation, judge_order, judge_pool

STATES = {"order": 6_700, "pool": 2_500, "allocation": 800}
OFTEN = 20
"""A limit that decided fewer states than this was not tried."""

Judges = tuple[
    Callable[[random.Random], Case],
    Callable[[Case, RiskLimits], Verdict],
    Callable[[Case], Faults],
]
KINDS: dict[str, Judges] = {
    "order": (order_case, verdict_on_order, judge_order),
    "pool": (pool_case, verdict_on_pool, judge_pool),
    "allocation": (allocation_case, verdict_on_allocation, judge_allocation),
}


def disagreement(verdict: Verdict, faults: Faults) -> str:
    """Say how the keeper's verdict and the second opinion differ; empty when they agree."""
    if isinstance(verdict, Approved):
        return f"approved, and breaks {faults}" if faults else ""
    if (verdict.limit, verdict.value) in faults.get(verdict.code, set()):
        return ""
    return f"{verdict} is not among {faults}"


def judged(kind: str, loosened: dict[str, int]) -> Iterator[tuple[Verdict, Faults]]:
    """Endless states of a kind; the keeper's limits are loosened, the second opinion's never."""
    draw, keeper, second = KINDS[kind]
    rng = random.Random(f"limits of {kind}")
    while True:
        case = draw(rng)
        limits = replace(RiskLimits(**case["limits"]), **loosened)
        yield keeper(case, limits), second(case)


@pytest.mark.parametrize("kind", KINDS)
def test_limits__random_states__both_implementations_agree_to_both_numbers(kind: str) -> None:
    """Nothing approved breaks a limit, and nothing is refused that the other finds within all."""
    codes: Counter[str] = Counter()
    for verdict, faults in islice(judged(kind, {}), STATES[kind]):
        assert disagreement(verdict, faults) == ""
        codes[verdict.code if isinstance(verdict, Refused) else "APPROVED"] += 1

    assert codes["APPROVED"] > STATES[kind] // 10
    assert {code for code, times in codes.items() if times >= OFTEN} >= TRIED[kind]


TRIED = {
    "order": {
        *("HALTED", "EXITING", "REDUCING", "NOT_REDUCING", "MESSAGE_RATE", "SIZE_STEP"),
        *("PRICE_TICK", "MARKET_STATUS", "ZERO_ORACLE", "PRICE_BAND", "VENUE_BAND", "MAX_ORDER"),
        *("MAX_POSITION", "MAX_GROSS", "MARGIN", "STRESS", "OPEN_INTEREST", "VOLUME", "DEPTH"),
        *("MARKET_FACTS", "FUNDING", "REPORT_AGE", "ASSET_PRICE", "DEPEG"),
    },
    "pool": {
        *("HALTED", "EXITING", "SNAPSHOT_AGE", "COOLDOWN", "DEADLINE", "LIQUIDITY", "ZERO_MARK"),
        *("LOSSES_SPENT", "VAULT_PAUSED", "GAS_CEILING", "REPORT_AGE", "POOL_OFF_MARK"),
        *("SLIPPAGE", "MAX_LP", "MAX_POSITION", "STRESS", "HEDGE_MARGIN"),
    },
    "allocation": {"IDLE_SHORT", "VENUE_CAP", "MIN_ON_CHAIN"},
}
LOOSENED: list[tuple[str, dict[str, int], str]] = [
    ("order", {"max_order_quote_quantums": 10**30}, "MAX_ORDER"),
    ("order", {"max_gross_quote_quantums": 10**30}, "MAX_GROSS"),
    ("order", {"price_band_ppm": 10**9}, "PRICE_BAND"),
    ("order", {"max_messages_per_block": 10**9}, "MESSAGE_RATE"),
    ("order", {"stress_shock_ppm": 0}, "STRESS"),
    ("order", {"stress_loss_multiple": 10**9}, "STRESS"),
    ("order", {"daily_loss_quote_quantums": 10**30}, "STRESS"),
    ("order", {"max_open_interest_ppm": 0}, "OPEN_INTEREST"),
    ("order", {"max_volume_ppm": 0}, "VOLUME"),
    ("order", {"depth_refills": 0}, "DEPTH"),
    ("order", {"max_market_facts_age_ms": 10**15}, "MARKET_FACTS"),
    ("order", {"max_funding_ppm_per_day": 0}, "FUNDING"),
    ("order", {"other_venue_band_ppm": 0}, "VENUE_BAND"),
    ("order", {"max_report_age_seconds": 0}, "REPORT_AGE"),
    ("order", {"max_depeg_ppm": 0}, "DEPEG"),
    ("order", {"max_asset_price_age_seconds": 10**9}, "ASSET_PRICE"),
    ("pool", {"max_depeg_ppm": 0}, "DEPEG"),
    ("pool", {"max_lp_quote_quantums": 0}, "MAX_LP"),
    ("pool", {"hedge_shock_ppm": 0}, "HEDGE_MARGIN"),
    ("pool", {"stress_shock_ppm": 0}, "STRESS"),
    ("pool", {"max_base_fee_wei": 0}, "GAS_CEILING"),
    ("pool", {"max_report_age_seconds": 0}, "REPORT_AGE"),
    ("allocation", {"max_base_fee_wei": 0}, "GAS_CEILING"),
]


@pytest.mark.parametrize(
    ("kind", "loosened", "code"), LOOSENED, ids=[f"{k}-{c}-{next(iter(v))}" for k, v, c in LOOSENED]
)
def test_limits__keeper_that_does_not_mind_one__is_caught(
    kind: str, loosened: dict[str, int], code: str
) -> None:
    states = islice(judged(kind, loosened), STATES[kind])

    caught = next(
        (
            True
            for verdict, faults in states
            if isinstance(verdict, Approved) and set(faults) == {code}
        ),
        False,
    )

    assert caught


@pytest.mark.parametrize(
    ("place", "name", "code"),
    [
        ("keeper.risk.orders", "_check_net", "MAX_POSITION"),
        ("keeper.risk.orders", "_check_money", "MARGIN"),
        ("keeper.risk.orders", "_check_stress", "STRESS"),
        ("keeper.risk.orders", "_check_bounds", "VOLUME"),
        ("keeper.risk.pools", "_check_hedge", "HEDGE_MARGIN"),
        ("keeper.risk.pools", "_check_stress", "STRESS"),
        ("keeper.risk.chain", "check_change", "MAX_LP"),
    ],
)
def test_limits__keeper_without_one_check__is_caught(
    monkeypatch: pytest.MonkeyPatch, place: str, name: str, code: str
) -> None:
    def passes(*_arguments: Any, **_named: Any) -> None:
        return None

    monkeypatch.setattr(f"{place}.{name}", passes)
    kind = "order" if place.endswith("orders") else "pool"

    found = (
        faults
        for verdict, faults in islice(judged(kind, {}), STATES[kind])
        if isinstance(verdict, Approved) and faults
    )

    assert any(code in faults for faults in found)


def test_limits__keeper_that_refuses_what_is_allowed__is_caught() -> None:
    states = islice(judged("order", {"max_order_quote_quantums": 1}), 100)

    assert any(disagreement(verdict, faults) for verdict, faults in states)


def test_second_opinion__its_imports__nothing_of_the_keeper() -> None:
    tree = ast.parse(Path(second_opinion.__file__).read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]

    assert [ast.unparse(node) for node in found] == ["from typing import Any"]
