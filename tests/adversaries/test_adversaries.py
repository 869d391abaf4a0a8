"""The bounds on what adversaries take, on a fast subset of what docs/adversaries.md measures."""

import pytest

from keeper.accounting.gate import Gate
from keeper.accounting.shares import Vault
from tests.adversaries.market import crash_and_exit, trend_through_a_hedge
from tests.adversaries.quorum import NAV, Plot, best
from tests.adversaries.table import BOUNDS, QUORUM, SEEDS_FAST
from tests.adversaries.volatility import lags

FAST_WIDTH = 3


class BucketNeverSpent(Gate):
    """The broken twin for gains: one per cent may be gained again and again."""

    __slots__ = ()

    def _from_bucket(self, accepted: int, gross: int) -> int:
        return min(gross - accepted, accepted // 20)


class HighForgotten(Gate):
    """The broken twin for losses: after three days a false price is the price."""

    __slots__ = ()

    def high(self) -> int:
        recent = [price for time, price in self.prices if time >= self.time - 3 * 86_400]
        return min([*recent, *(price for _, price in self.prices[-1:])], default=0)


class NothingUndone(Gate):
    """The broken twin for volatility: what undoes a loss waits like any gain."""

    __slots__ = ()

    def _lose(self, loss: int, accepted: int, shares: int) -> bool:
        overdrawn = super()._lose(loss, accepted, shares)
        self.recovery = self.fade_rate = self.pending_fade_rate = 0
        return overdrawn


@pytest.mark.parametrize("name", [name for name in QUORUM if name in BOUNDS])
def test_best__seven_days_of_a_colluding_quorum__takes_no_more_than_the_bound(name: str) -> None:
    taken, path = best(QUORUM[name], width=FAST_WIDTH)

    assert 0 < taken * 10_000 <= NAV * BOUNDS[name], path


@pytest.mark.parametrize("twin", [BucketNeverSpent, HighForgotten])
def test_best__gate_with_one_rule_broken__takes_more_than_the_bound(twin: type[Gate]) -> None:
    broken = max(
        best(QUORUM[name], width=FAST_WIDTH, make_gate=twin)[0] * 10_000 - NAV * BOUNDS[name]
        for name in ("30 % of the shares, releases vetoed", "fresh cash of 3/7 of NAV, vetoed")
    )

    assert broken > 0


def test_best__no_confederate__takes_nothing() -> None:
    taken, _ = best(Plot(shares_bps=0, cash=0, days=7, vetoed=False), width=FAST_WIDTH)

    assert taken == 0


@pytest.mark.parametrize("daily_bps", [100, 200, 300])
def test_lags__zero_drift_years__stay_within_the_bound(daily_bps: int) -> None:
    lag = lags(daily_bps, range(SEEDS_FAST))

    assert 0 < lag.mean < lag.p95 < lag.largest
    assert lag.mean <= BOUNDS[f"mean lag at {daily_bps // 100} % a day"] * 100


def test_lags__losses_that_cannot_be_undone__exceed_the_bound() -> None:
    lag = lags(200, range(4), NothingUndone)

    assert lag.mean > BOUNDS["mean lag at 2 % a day"] * 100


@pytest.mark.parametrize("crash_bps", [190, 1_500])
def test_crash_and_exit__in_the_block_before_the_cut__leaver_bears_his_part(crash_bps: int) -> None:
    crash = crash_and_exit(crash_bps)

    assert 0 <= crash.fair - crash.paid <= 2
    assert crash.held == (crash_bps > 200)


@pytest.mark.parametrize("trend_bps", [1_000, -1_000])
def test_trend_through_a_hedge__mean_as_the_mark__would_have_moved_by_far_more(
    trend_bps: int,
) -> None:
    """At the mark: `test_value__trend_through_a_hedged_book__moves_by_gamma_and_fees_alone`."""
    trend = trend_through_a_hedge(trend_bps)

    assert -2_000 < trend.gamma < 0
    assert abs(trend.at_mean) > 5_000


def test_price__gate_of_the_twins__differs_where_it_should() -> None:
    """The twins above break one rule each and leave the rest: a first small gain passes alike."""
    passed = []
    for make in (Gate, BucketNeverSpent, HighForgotten, NothingUndone):
        vault = Vault(virtual=10**12, deposit_cap=0, supply=10**25, accepted=NAV)
        passed.append(make(time=10**9).price(vault, NAV * 201 // 200, NAV, 10**9 + 60).accepted)

    assert len(set(passed)) == 1
