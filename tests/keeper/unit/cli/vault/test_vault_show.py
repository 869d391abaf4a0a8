"""What a vault shows: shares of NAV with custody, returns from events, totals, times."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from vault_samples import (
    ADA,
    BOUND,
    CLOB_LEG,
    NOW,
    POOL_LEG,
    ROUTE,
    SETTLED_AT,
    SHARE,
    USDC,
    VAULT,
    VIRTUAL,
    overview,
)

from keeper.addresses import AddressBook, Deployed, save_book
from keeper.chain.overview import Losses, Stake
from keeper.cli.access import Reach
from keeper.cli.vault.fees import last_fee, last_fee_row
from keeper.cli.vault.past import (
    Past,
    explain_returns,
    print_history,
    returns_of,
    settlements_of,
)
from keeper.cli.vault.show import overview_data, print_overview
from keeper.domain.errors import ConfigError
from keeper.domain.history import Cut, Epoch, Posted, Settled, VaultHistory

DAY = 86_400
POSTED = Posted(
    digest="0xd",
    data_root="0xr",
    pnl=(5 * USDC, -2 * USDC, 0, 0, 0),
    external_flow=USDC,
    equity=200 * USDC,
    credited=0,
    debited=0,
    venue_heights=(9,),
)


def epoch(number: int, nav: int, supply: int, *, settled: bool = True, **changes: Any) -> Epoch:
    cut = Cut(
        time_s=number * DAY,
        block=number,
        idle=0,
        leg_bid=0,
        leg_ask=0,
        deposit_total=0,
        redeem_total=0,
    )
    found = Settled(
        time_s=number * DAY + 60,
        block=number + 1,
        tx_hash=f"0x{number}",
        accepted=nav,
        gross=nav,
        gross_ask=nav,
        fee_shares=0,
        deposit_assets=0,
        deposit_shares=0,
        redeem_shares=0,
        redeem_assets=0,
        accepted_after=nav,
        supply_after=supply,
        whole_exit=False,
    )
    if not settled:
        return Epoch(number=number, cut=cut)
    return Epoch(
        number=number, cut=cut, posted=POSTED, settled=msgspec.structs.replace(found, **changes)
    )


HISTORY = VaultHistory(
    first_block=3,
    block=99,
    block_time_s=NOW,
    epochs=(
        epoch(1, 1_000 * USDC, 1_000 * SHARE, deposit_shares=1_000 * SHARE),
        epoch(2, 950 * USDC, 1_000 * SHARE),
        epoch(3, 0, 0, settled=False),
        epoch(9, 1_100 * USDC, 1_000 * SHARE),
    ),
    movements=(),
)


def shown(**changes: Any) -> dict[str, Any]:
    view = overview(**changes)
    data = overview_data(view, 31_337, returns_of(view, HISTORY), "dydx1owner")
    return {**data, "last_fee": last_fee(view, HISTORY)}


def test_overview_data__legs__value_share_of_nav_and_who_holds_it() -> None:
    idle, pool, book = shown()["legs"]

    assert [leg["value_assets"] for leg in (idle, pool, book)] == [
        *(600 * USDC, 300 * USDC),
        200 * USDC,
    ]
    assert [leg["nav_share_ppm"] for leg in (idle, pool, book)] == [545_454, 272_727, 181_818]
    assert VAULT in idle["custody"]
    assert POOL_LEG.address in pool["custody"]
    assert "dydx1owner" in book["custody"]
    assert ROUTE in book["custody"]
    assert "attested" in book["custody"]


def test_overview_data__pool_without_a_price__says_so_and_no_share_is_made_up() -> None:
    dead = dataclasses.replace(POOL_LEG, bid=None, ask=None, dead_reason="StalePrice(1, 2)")

    data = shown(legs=(dead, CLOB_LEG))

    pool = data["legs"][1]
    assert (pool["value_assets"], pool["nav_share_ppm"]) == (None, None)
    assert "StalePrice(1, 2)" in pool["custody"]
    assert data["estimated_nav_assets"] is None


def test_overview_data__empty_vault__divides_by_nothing() -> None:
    empty = dataclasses.replace(POOL_LEG, bid=0, ask=0)
    view = overview(legs=(empty,), idle=0, accepted_nav=0)
    nothing = dataclasses.replace(view, reporting=dataclasses.replace(view.reporting, attested=0))

    data = overview_data(nothing, 1, returns_of(view, HISTORY), "")

    assert [leg["nav_share_ppm"] for leg in data["legs"]] == [0, 0]


def test_overview_data__claimable__is_the_silo_less_what_is_pending() -> None:
    data = shown()

    assert data["deposits_pending_assets"] == 50 * USDC
    assert data["claimable_assets"] == 30 * USDC
    assert data["redemptions_pending_shares"] == 15 * SHARE
    assert data["claimable_shares"] == 25 * SHARE


def test_overview_data__limits__say_how_much_of_each_is_used() -> None:
    limits = shown()["limits"]

    assert limits["deposit_cap_used_ppm"] == 550_000
    assert limits["venue_used_ppm"] == 181_818
    assert limits["on_chain_ppm"] == 818_181


def test_overview_data__losses__what_is_left_and_until_when_none_may_be_risked() -> None:
    spent = Losses(10**15, 24 * 10**15, refilled_at=NOW + 17_280, paused_until=NOW + 1)

    free, bound = shown()["losses"], shown(losses=spent)["losses"]

    assert free == {
        "day_left_ppm": 4_000,
        "month_left_ppm": 24_000,
        "spent_until": None,
        "paused_until": None,
    }
    assert (bound["spent_until"], bound["paused_until"]) == (NOW + 17_280, NOW + 1)


def test_print_overview__losses_spent_and_paused__says_until_when(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spent = Losses(10**15, 24 * 10**15, refilled_at=NOW + 17_280, paused_until=NOW + 60)

    print_overview(shown(losses=spent))

    printed = capsys.readouterr().out
    assert "0.1000 % of NAV today, 2.4000 % this month; no new risk before" in printed
    assert "new deposits and new risk, until" in printed


def test_overview_data__fees__say_rate_mark_and_what_was_taken_last() -> None:
    """The last settlement took 10 of 1,000 shares that were worth 1,100."""
    taken = epoch(9, 1_100 * USDC, 1_000 * SHARE, fee_shares=10 * SHARE)
    view = overview()

    found = last_fee(view, msgspec.structs.replace(HISTORY, epochs=(taken,)))

    data = {**shown(), "last_fee": found}
    assert (data["performance_fee_bps"], data["high_water_mark_e12"]) == (1_000, 11 * 10**11)
    assert found is not None
    assert (found["epoch"], found["shares"]) == (9, 10 * SHARE)
    assert found["worth_assets"] == 10 * SHARE * 1_100 * USDC // (1_000 * SHARE + 10**12)
    assert last_fee_row(data) == "10.00 ATH, worth 10.999999 USDC, in epoch 9"


def test_last_fee__nothing_settled__is_none() -> None:
    assert last_fee(overview(), msgspec.structs.replace(HISTORY, epochs=())) is None


def test_overview_data__keeper_stake__is_worth_its_part_of_nav() -> None:
    stake = shown()["keeper_stake"]
    assert stake["shares"] == 55 * SHARE
    assert stake["worth_assets"] == 55 * SHARE * 1_100 * USDC // (1_000 * SHARE + VIRTUAL)
    assert stake["nav_share_ppm"] == 54_999
    assert (stake["leaving_shares"], stake["leaves_at"]) == (0, None)


def test_print_overview__stake_asked_for_and_leaving__says_bound_and_date(
    capsys: pytest.CaptureFixture[str],
) -> None:
    limits = dataclasses.replace(overview().limits, min_stake_bps=500)
    stake = Stake("0x" + "ea" * 20, 40 * SHARE, 15 * SHARE, NOW + DAY, deposit_cap=880 * USDC)
    print_overview(shown(stake=stake, limits=limits))
    printed = capsys.readouterr().out
    assert "at least 5 %: deposits are filled up to 880" in printed
    (leaving,) = (line for line in printed.splitlines() if line.startswith("  leaving"))
    assert " 15" in leaving
    assert " ATH from " in leaving


def test_overview_data__last_report__has_its_age() -> None:
    assert shown()["last_report"]["age_seconds"] == NOW - SETTLED_AT


def test_overview_data__worst_exit__is_the_bound_from_now() -> None:
    data = shown()

    assert data["worst_exit_at"] == NOW + BOUND
    assert data["worst_exit"].startswith("9 d 6 h after a redemption request, in kind")
    assert "owner key" in data["worst_exit"]
    assert data["wind_down_started_at"] is None


def test_print_overview__wind_down__says_since_when(capsys: pytest.CaptureFixture[str]) -> None:
    print_overview(shown(state=2, ended_at=NOW - 60))

    out = capsys.readouterr().out
    assert "WINDDOWN since 1970-01-12T13:45:40+00:00, for ever" in out
    assert "the vault winds down: keeper vault wind-down status" in out


def test_returns_of__windows__are_recomputable_from_the_inputs_beside_them() -> None:
    returns = returns_of(overview(), HISTORY)

    seven, ever = returns["windows"]["7_days"], returns["windows"]["since_inception"]
    assert (seven["from"], seven["to"], seven["return_ppm"]) == (2 * DAY, 9 * DAY, 157_894)
    assert (ever["from"], ever["return_ppm"], ever["settlements"]) == (DAY, 99_999, 3)
    assert returns["windows"]["30_days"] is None
    for found in (seven, ever):
        end = (found["end_nav_assets"] + 1) * (found["start_supply_shares"] + VIRTUAL)
        start = (found["start_nav_assets"] + 1) * (found["end_supply_shares"] + VIRTUAL)
        assert end * int(found["denominator"]) == start * int(found["numerator"])


def test_returns_of__whole_exit__counts_to_the_gross_that_leavers_were_paid() -> None:
    leaving = epoch(
        2,
        0,
        0,
        accepted=1_000 * USDC,
        gross=1_200 * USDC,
        redeem_shares=1_000 * SHARE,
        whole_exit=True,
    )
    history = msgspec.structs.replace(HISTORY, epochs=(HISTORY.epochs[0], leaving))

    found = returns_of(overview(), history)["windows"]["since_inception"]

    assert found["return_ppm"] == 199_999


def test_returns_of__drawdown__has_its_sample() -> None:
    assert returns_of(overview(), HISTORY)["drawdown"] == {
        "drawdown_ppm": 50_000,
        "high_at": DAY,
        "low_at": 2 * DAY,
        "settlements": 3,
        "span_seconds": 8 * DAY,
    }


def test_settlements_of__unsettled_epoch__is_left_out() -> None:
    rows = settlements_of(overview(), HISTORY)

    assert [row["epoch"] for row in rows] == [1, 2, 9]
    assert rows[1]["price_e12"] == (950 * USDC + 1) * 10**24 // (1_000 * SHARE + VIRTUAL)
    assert rows[1]["pnl_assets"]["inventory"] == -2 * USDC
    assert json.dumps(rows)


def test_print_overview__everything__is_one_screen_of_rows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_overview(shown())

    out = capsys.readouterr().out
    assert "600.00 USDC, 54.5454 %: the vault contract" in out
    assert "+15.7894 % net, 1970-01-03T00:00:00+00:00 to 1970-01-10" in out
    assert "5.0000 % in 3 settlements over 8 d" in out
    assert "1 h ago, digest 0xabab" in out
    assert "2 of 2 sign each report" in out
    assert f"owner                      {ADA}" in out


def test_print_history__rows__one_per_settlement(capsys: pytest.CaptureFixture[str]) -> None:
    print_history(overview(), settlements_of(overview(), HISTORY))

    out = capsys.readouterr().out
    assert "-2.00" in out
    assert "3 settlements over 8 d" in out


def test_explain_returns__each_window__shows_formula_and_inputs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    explain_returns(returns_of(overview(), HISTORY))

    out = capsys.readouterr().out
    assert "(NAV + 1) / (supply + virtual shares)" in out
    assert "NAV 950000000 supply 1000000000000000000000" in out
    assert "30 days: the history is too short" in out


def reach(folder: Path) -> Reach:
    return Reach(None, None, None, folder / "keeper.toml", ())


def book(chain_id: int, address: str) -> AddressBook:
    entry = Deployed(
        contract="MarketMakingVault",
        address=address,
        tx="0x1",
        block=276,
        args=[],
        abi_hash="0x",
        code_hash="0x",
        source_commit="",
    )
    return AddressBook(chain_id=chain_id, contracts={"vault": entry})


def test_first_block__book_beside_the_configuration__is_the_deployments(tmp_path: Path) -> None:
    save_book(tmp_path / "31337.json", book(31_337, VAULT.upper().replace("0X", "0x")))

    assert Past(None, None).first_block(reach(tmp_path), 31_337, VAULT) == 276
    assert Past(5, None).first_block(reach(tmp_path), 31_337, VAULT) == 5


def test_first_block__book_of_another_vault__searches_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_book(tmp_path / "31337.json", book(31_337, ADA))

    assert Past(None, None).first_block(reach(tmp_path), 31_337, VAULT) == 0
    assert "--from-block" in capsys.readouterr().err


def test_first_block__named_book_absent__is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Past(None, tmp_path / "absent.json").first_block(reach(tmp_path), 1, VAULT)
