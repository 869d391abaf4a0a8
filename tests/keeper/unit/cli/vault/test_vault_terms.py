"""Prices, times and limits before signing, from numbers written out."""

import dataclasses

import pytest
from vault_samples import (
    BOUND,
    CLOB_LEG,
    NEXT_CUT,
    NOW,
    POOL_LEG,
    SETTLED_AT,
    SHARE,
    USDC,
    overview,
)

from keeper.chain.overview import Limits, estimate
from keeper.cli.vault.terms import (
    Holdings,
    deposit_panel,
    deposit_terms,
    price_e12,
    redeem_panel,
    redeem_terms,
)
from keeper.pages.times import in_time, lasting

HELD = Holdings(assets=5_000 * USDC, allowance=7 * USDC, shares=25 * SHARE, wei=1)
T = 1_000 * SHARE + 10**12
"""Supply and virtual shares of the sample."""


def test_price__settled__is_nav_and_one_over_supply_and_virtual() -> None:
    assert price_e12(overview(), 1_100 * USDC) == (1_100 * USDC + 1) * 10**24 // T


def test_estimate__live_legs__gross_is_idle_pool_and_attested_ask_adds_the_spread() -> None:
    found = estimate(overview(), NOW)

    assert found is not None
    assert (found.gross, found.gross_ask, found.accepted) == (
        *(1_100 * USDC, 1_110 * USDC),
        1_100 * USDC,
    )


def test_estimate__gain_above_the_bucket__is_not_accepted_yet() -> None:
    """Idle is 100 above: one per cent passes at once, the rest waits."""
    found = estimate(overview(idle=700 * USDC), NOW)

    assert found is not None
    assert (found.gross, found.accepted) == (1_200 * USDC, 1_111 * USDC)
    assert not found.deposits_open


def test_estimate__gain_above_the_mark__owes_the_fee_that_both_estimates_count() -> None:
    """11 of gain are accepted over a mark of 1.1: a tenth of it, in shares."""
    view = overview(idle=700 * USDC)
    found = estimate(view, NOW)

    assert found is not None
    assert found.fee_shares == 1_099_999 * T // (1_111 * USDC - 1_099_999)
    redeemed = redeem_terms(view, found, 10 * SHARE, HELD)
    assert redeemed["fee_shares_estimate"] == found.fee_shares
    assert redeemed["assets_at_estimated_price"] == (
        10 * SHARE * (1_111 * USDC + 1) // (T + found.fee_shares)
    )
    assert deposit_terms(view, found, USDC, HELD)["shares_at_estimated_price"] == (
        USDC * (T + found.fee_shares) // (1_210 * USDC + 1)
    )


def test_estimate__at_the_mark_or_held__owes_no_fee() -> None:
    for idle in (600, 500):
        found = estimate(overview(idle=idle * USDC), NOW)

        assert found is not None
        assert found.fee_shares == 0


def test_deposit_panel__no_rate__says_that_there_is_no_fee_now() -> None:
    view = overview(limits=Limits(2_000 * USDC, 5_000, 3_000, fee_bps=0, min_stake_bps=0))

    panel = dict(deposit_panel(view, deposit_terms(view, estimate(view, NOW), USDC, None)))

    assert panel["fees"].startswith("no performance fee now")


def test_estimate__adapter_without_a_price__is_unknown() -> None:
    dead = dataclasses.replace(POOL_LEG, bid=None, ask=None, dead_reason="StalePrice(1, 2)")

    assert estimate(overview(legs=(dead, CLOB_LEG)), NOW) is None


def test_deposit_terms__shares__at_the_settled_and_at_the_estimated_ask_price() -> None:
    view = overview()

    terms = deposit_terms(view, estimate(view, NOW), 1_000 * USDC, HELD)

    assert terms["shares_at_settled_price"] == 1_000 * USDC * T // (1_100 * USDC + 1)
    assert terms["shares_at_estimated_price"] == 1_000 * USDC * T // (1_110 * USDC + 1)
    assert terms["room_under_cap_assets"] == (2_000 - 1_100 - 50) * USDC
    assert (terms["balance_assets"], terms["allowance_assets"]) == (5_000 * USDC, 7 * USDC)
    assert terms["settled_price_age_seconds"] == NOW - SETTLED_AT


def test_deposit_terms__times__cut_then_report_window_then_a_second_cut_to_leave() -> None:
    terms = deposit_terms(overview(), None, USDC, None)

    assert terms["next_cut_at"] == terms["claimable_at_earliest"] == NEXT_CUT
    assert terms["claimable_at_latest_if_reported"] == NEXT_CUT + 6 * 3_600
    assert terms["exit_at_latest_if_reported_and_paid"] == NEXT_CUT + 86_400 + 6 * 3_600
    assert terms["worst_exit_at"] == NEXT_CUT + 6 * 3_600 + BOUND
    assert terms["shares_at_estimated_price"] is None


def test_redeem_terms__assets__at_the_settled_and_at_the_accepted_estimate() -> None:
    view = overview(idle=500 * USDC)

    terms = redeem_terms(view, estimate(view, NOW), 10 * SHARE, HELD)

    assert terms["assets_at_settled_price"] == 10 * SHARE * (1_100 * USDC + 1) // T
    assert terms["assets_at_estimated_price"] == 10 * SHARE * (1_000 * USDC + 1) // T
    assert terms["queued_shares"] == 15 * SHARE
    assert terms["exit_at_latest_if_reported_and_paid"] == NEXT_CUT + 6 * 3_600


def test_terms__cut_already_due__is_priced_from_now() -> None:
    terms = deposit_terms(overview(next_cut_at=5), None, USDC, None)

    assert terms["next_cut_at"] == NOW


def test_deposit_panel__rows__say_price_age_limits_fees_and_worst_exit() -> None:
    view = overview()

    panel = dict(deposit_panel(view, deposit_terms(view, estimate(view, NOW), USDC, HELD)))

    assert "1 h old" in panel["shares at the settled price"]
    assert "at 1.10999999989 USDC" in panel["shares at the estimated price"]
    assert "9 d 6 h after a redemption request" in panel["worst exit"]
    assert panel["limits"] == "at least 1.00 USDC, room under the cap 850.00 USDC"
    assert panel["in the wallet"] == "5,000.00 USDC, the vault may take 7.00 USDC"
    assert panel["fees"].startswith(
        "10 % of what a share gains above its high-water mark of 1.10 USDC"
    )


@pytest.mark.parametrize(
    ("idle", "said"),
    [(700, "deposits would wait"), (500, "would be held a day (LOSS)"), (600, "NAV 1,100")],
)
def test_deposit_panel__vault__says_what_the_estimate_would_do_to_the_request(
    idle: int, said: str
) -> None:
    """100 more than was accepted, 100 less, and the same."""
    view = overview(idle=idle * USDC)

    panel = dict(deposit_panel(view, deposit_terms(view, estimate(view, NOW), USDC, HELD)))

    assert said in panel["vault"]


def test_deposit_panel__above_the_cap__says_that_the_rest_waits() -> None:
    view = overview()

    panel = dict(deposit_panel(view, deposit_terms(view, estimate(view, NOW), 851 * USDC, HELD)))

    assert panel["limits"].endswith(
        "room under the cap 850.00 USDC: what is above it waits, cancellable"
    )


def test_deposit_panel__dead_price__names_the_adapter_and_its_error() -> None:
    dead = dataclasses.replace(POOL_LEG, bid=None, ask=None, dead_reason="StalePrice(1, 2)")
    view = overview(legs=(dead, CLOB_LEG))

    panel = dict(deposit_panel(view, deposit_terms(view, None, USDC, None)))

    assert panel["shares at the estimated price"].startswith(f"unknown: {POOL_LEG.address}")
    assert "StalePrice(1, 2)" in panel["shares at the estimated price"]


def test_redeem_panel__rows__say_what_idle_money_must_pay_first() -> None:
    view = overview()

    panel = dict(redeem_panel(view, redeem_terms(view, estimate(view, NOW), 10 * SHARE, HELD)))

    assert panel["redeem"] == "10.00 ATH of 25.00 ATH"
    assert "600.00 USDC now" in panel["paid from"]
    assert "16.49" in panel["paid from"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "0 s"), (59, "59 s"), (60, "1 min"), (3_661, "1 h 1 min")),
        *((86_400, "1 d"), (90_061, "1 d 1 h"), (86_460, "1 d")),
    ],
)
def test_lasting__two_largest_units__rounded_down(seconds: int, text: str) -> None:
    assert lasting(seconds) == text


def test_in_time__past__is_now() -> None:
    assert in_time(5, 5) == "now"
    assert in_time(86_405, 5) == "1970-01-02T00:00:05+00:00 (in 1 d)"


def test_deposit_terms__stake_bounds_below_the_cap__room_is_the_stakes() -> None:
    seen = overview()
    stake = dataclasses.replace(seen.stake, deposit_cap=1_200 * USDC)

    terms = deposit_terms(dataclasses.replace(seen, stake=stake), None, USDC, None)

    assert (terms["cap_assets"], terms["room_under_cap_assets"]) == (1_200 * USDC, 50 * USDC)
