"""What fits of a range breaks no limit and one part more does, by the second implementation."""

import random
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from keeper.core.pool_limits import WHOLE, fitting_parts
from keeper.domain.approval import Refused
from keeper.domain.settings import RiskLimits
from keeper.risk.chain import PoolView
from keeper.risk.pools import PoolChange, change_of
from tests.keeper.limit_cases import Case, pool_case, pool_command_of, pool_view_of
from tests.keeper.second_opinion import judge_pool

SIZES = {"MAX_LP", "MAX_POSITION", "STRESS", "HEDGE_MARGIN"}
STATES = 6_000
OFTEN = 20
"""A limit that cut fewer ranges than this was not tried."""

Fit = Callable[[PoolView, Callable[[int], PoolChange]], tuple[int, Refused | None]]


@cache
def mints() -> tuple[Case, ...]:
    """Random mints that nothing but a limit on size may stand against."""
    rng = random.Random("ranges that fit")
    cases = (pool_case(rng) for _ in range(STATES))
    return tuple(
        case
        for case in cases
        if case["command"]["kind"] == "mint" and set(judge_pool(case)) <= SIZES
    )


def part(case: Case, parts: int) -> Case:
    """The same mint with so many parts of its liquidity."""
    command = case["command"]
    return case | {"command": command | {"liquidity": command["liquidity"] * parts // WHOLE}}


def held_back(case: Case) -> Case:
    """A tenth of position, stress and hedge is left to the quotes."""
    limits = case["limits"]
    daily = limits["daily_loss_quote_quantums"] * 9 // 10
    return case | {
        "limits": limits | {"daily_loss_quote_quantums": daily},
        "max_position": case["max_position"] * 9 // 10,
        "equity": case["equity"] * 9 // 10,
    }


def misfit(case: Case, fit: Fit) -> tuple[str, str]:
    """Say what cut a mint, and what is wrong with the size it was cut to; empty: neither."""
    view = pool_view_of(case, RiskLimits(**case["limits"]))

    def change(parts: int) -> PoolChange:
        command = pool_command_of(part(case, parts))
        return change_of(command, view.pool, view.seen, view.mark)

    parts, refused = fit(view, change)
    code, faults = "" if refused is None else refused.code, judge_pool(case)
    if not faults:
        return code, "" if parts == WHOLE and refused is None else "cut without need"
    if refused is None or (refused.limit, refused.value) not in faults.get(code, set()):
        return code, "cut for another reason"
    if parts and judge_pool(held_back(part(case, parts))):
        return code, "too much"
    if not judge_pool(held_back(part(case, parts + 1))):
        return code, "too little"
    return code, ""


def test_fitting_parts__random_mints__largest_part_that_breaks_no_limit() -> None:
    cut: Counter[str] = Counter()
    for case in mints():
        code, wrong = misfit(case, fitting_parts)
        assert wrong == ""
        cut[code] += 1

    assert all(cut[code] >= OFTEN for code in ("", *SIZES))


def half(view: PoolView, change: Callable[[int], PoolChange]) -> tuple[int, Refused | None]:
    parts, refused = fitting_parts(view, change)
    return (parts, None) if refused is None else (WHOLE // 2, refused)


def one_more(view: PoolView, change: Callable[[int], PoolChange]) -> tuple[int, Refused | None]:
    parts, refused = fitting_parts(view, change)
    return (parts, None) if refused is None else (parts + 1, refused)


def one_less(view: PoolView, change: Callable[[int], PoolChange]) -> tuple[int, Refused | None]:
    parts, refused = fitting_parts(view, change)
    return (parts, None) if refused is None else (max(0, parts - 1), refused)


def all_of_it(*_: Any) -> tuple[int, Refused | None]:
    return WHOLE, None


@pytest.mark.parametrize(
    ("broken", "wrongs"),
    [
        (half, {"too much", "too little"}),
        (one_more, {"too much"}),
        (one_less, {"too little"}),
        (all_of_it, {"cut for another reason"}),
    ],
)
def test_fitting_parts__broken_fit__is_caught(broken: Fit, wrongs: set[str]) -> None:
    found = {misfit(case, broken)[1] for case in mints()}

    assert found - {""} == wrongs
