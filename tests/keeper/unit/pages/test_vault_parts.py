"""What the chain tells on the page: parts that sum to NAV, rows for every epoch, facts in words."""

import msgspec
import pytest

from keeper.domain.history import Cut, Epoch, Movement, Posted, Settled, VaultHistory
from keeper.pages.assembling import Sources, page_data
from keeper.pages.mode import mode_of
from keeper.pages.report_data import JournalParts, PageNotes
from keeper.pages.vault_parts import Leg, VaultNow, VaultParts, vault_parts

ADA = "0x00000000000000000000000000000000000000AA"
USDC = 10**6
SHARE = 10**18
DAY = 86_400


def epoch(number: int, accepted: int, *, deposits: int = 0, paid: int = 0) -> Epoch:
    """An epoch whose gain of 5 USDC was not accepted yet; 10 USDC are on the bridge."""
    return Epoch(
        number=number,
        cut=Cut(
            time_s=number * DAY,
            block=number,
            idle=accepted // 2,
            leg_bid=accepted // 4,
            leg_ask=accepted // 4,
            deposit_total=deposits,
            redeem_total=0,
        ),
        posted=Posted(
            digest="0xd1",
            data_root="0xda",
            pnl=(3 * USDC, -USDC, 0, 0, 0),
            external_flow=0,
            equity=accepted // 4 - 5 * USDC,
            credited=0,
            debited=0,
            venue_heights=(7,),
        ),
        settled=Settled(
            time_s=number * DAY + 60,
            block=number + 1,
            tx_hash="0x1",
            accepted=accepted,
            gross=accepted + 5 * USDC,
            gross_ask=accepted + 5 * USDC,
            fee_shares=0,
            deposit_assets=deposits,
            deposit_shares=deposits * 10**12,
            redeem_shares=0,
            redeem_assets=paid,
            accepted_after=accepted + deposits - paid,
            supply_after=400 * SHARE,
            whole_exit=False,
        ),
    )


@pytest.fixture
def now() -> VaultNow:
    return VaultNow(
        vault="0xvault",
        chain_id=31_337,
        block=99,
        time_s=3 * DAY,
        state="OPEN",
        asset_decimals=6,
        share_decimals=18,
        share_symbol="ATH",
        virtual_shares=10**12,
        idle=150 * USDC,
        accepted_nav=400 * USDC,
        supply=400 * SHARE,
        attested=100 * USDC,
        deposits_waiting=50 * USDC,
        redemptions_waiting=2 * SHARE,
        deposit_cap=1_000 * USDC,
        venue_cap_bps=5_000,
        min_on_chain_bps=3_000,
        fee_bps=1_000,
        mark_e36=10**24,
        legs=(
            Leg(adapter="0xpool", attested=False, value=150 * USDC),
            Leg(adapter="0xclob", attested=True, value=0),
        ),
        owner="0xowner",
        keeper="0xkeeper",
        guardian="0xguardian",
        reporters=("0xr1", "0xr2", "0xr3"),
        quorum=2,
    )


def history(*epochs: Epoch, movements: tuple[Movement, ...] = ()) -> VaultHistory:
    return VaultHistory(
        first_block=0, block=99, block_time_s=3 * DAY, epochs=epochs, movements=movements
    )


def parts_of(now: VaultNow, *epochs: Epoch) -> VaultParts:
    return vault_parts(now, history(*epochs), {}, "dydx1owner")


def test_vault_parts__after_a_settlement__places_sum_to_the_accepted_value(now: VaultNow) -> None:
    last = epoch(2, 400 * USDC, deposits=40 * USDC, paid=30 * USDC)

    parts = parts_of(now, epoch(1, 400 * USDC), last)

    assert last.settled is not None
    assert sum(p.assets_usdc_e6 for p in parts.nav_parts) == last.settled.accepted_after
    by_name = {part.name: part.assets_usdc_e6 for part in parts.nav_parts}
    assert by_name["between vault and order book"] == 10 * USDC
    assert by_name["gain not yet accepted"] == -5 * USDC


def test_vault_parts__leavers_paid_with_what_came_home_after_the_cut__no_place_is_negative(
    now: VaultNow,
) -> None:
    """200 were idle at the cut, 230 paid: of the rest 10 were on the bridge, 20 at the venue."""
    last = epoch(2, 400 * USDC, paid=230 * USDC)

    parts = parts_of(now, last)

    assert last.settled is not None
    by_name = {part.name: part.assets_usdc_e6 for part in parts.nav_parts}
    assert sum(by_name.values()) == last.settled.accepted_after
    assert by_name["idle"] == 0
    assert "between vault and order book" not in by_name
    assert by_name["collateral on the order book"] == (100 - 5 - 20) * USDC


def test_vault_parts__now__is_idle_pools_and_the_order_book(now: VaultNow) -> None:
    parts = parts_of(now, epoch(1, 400 * USDC))

    current = [part.now_usdc_e6 for part in parts.nav_parts]
    assert current[:3] == [150 * USDC, 150 * USDC, 100 * USDC]


def test_vault_parts__a_pool_without_a_price__is_not_said_to_be_worth_anything(
    now: VaultNow,
) -> None:
    dead = msgspec.structs.replace(now, legs=(Leg(adapter="0xp", attested=False, value=None),))

    parts = parts_of(dead, epoch(1, 400 * USDC))

    (pools,) = [part for part in parts.nav_parts if "Uniswap" in part.name]
    assert pools.now_usdc_e6 is None


def test_vault_parts__before_any_settlement__all_there_is_is_idle(now: VaultNow) -> None:
    parts = parts_of(now)

    assert [(p.name, p.assets_usdc_e6) for p in parts.nav_parts] == [("idle", 150 * USDC)]
    assert parts.settlements == ()
    assert parts.returns == ()


def test_vault_parts__reports__sum_by_cause(now: VaultNow) -> None:
    parts = parts_of(now, epoch(1, 400 * USDC), epoch(2, 400 * USDC))

    assert [cause.amount_usdc_e6 for cause in parts.pnl] == [6 * USDC, -2 * USDC, 0, 0, 0]


def test_vault_parts__two_settlements__have_a_return_and_no_longer_window(now: VaultNow) -> None:
    parts = parts_of(now, epoch(1, 400 * USDC), epoch(2, 404 * USDC))

    (only,) = parts.returns
    assert (only.window, only.from_s, only.to_s) == ("since inception", DAY, 2 * DAY)
    assert only.change_ppm == pytest.approx(10_000, abs=2)


def test_vault_parts__limits__are_shown_with_what_is_used_of_them(now: VaultNow) -> None:
    facts = {fact.name: fact for fact in parts_of(now, epoch(1, 400 * USDC)).facts}

    book = facts["Share on the order book"]
    assert (book.value, book.limit, book.used_ppm) == ("25.00 %", "at most 50.00 %", 500_000)
    assert facts["Deposit cap"].used_ppm == 450_000
    assert facts["Last report"].value == "2 d ago"


def test_vault_parts__a_known_account__is_named_beside_its_address(now: VaultNow) -> None:
    claim = Movement(
        kind="shares claimed",
        time_s=5,
        block=1,
        tx_hash="0xtx",
        account=ADA,
        assets=7 * USDC,
        shares=6 * SHARE,
    )

    (event,) = vault_parts(now, history(movements=(claim,)), {ADA.lower(): "ada"}, "").events

    assert event.who == f"ada {ADA}"
    assert event.amount == "7.00 USDC for 6.00 ATH"


def test_vault_parts__holders__leave_out_whom_nobody_named(now: VaultNow) -> None:
    roles = [holder.role for holder in vault_parts(now, history(), {}, "").holders]

    assert roles == ["keeper", "reporter 1", "reporter 2", "reporter 3", "owner", "guardian"]


def test_page_data__notes__give_title_and_checks(now: VaultNow) -> None:
    sources = Sources(
        mode="testnet",
        treasurer="",
        now=now,
        history=history(epoch(1, 400 * USDC)),
        journal=JournalParts(),
        notes=PageNotes(title="A day"),
    )

    data = page_data(sources)

    assert (data.title, data.mode, data.block) == ("A day", "testnet", 99)
    assert data.nav_usdc_e6 == 400 * USDC


@pytest.mark.parametrize(
    ("chain_id", "shadow", "mode"),
    [
        ("dydx-mainnet-1", False, "live"),
        ("dydx-testnet-4", True, "shadow of testnet"),
        ("another-1", False, "another-1"),
    ],
)
def test_mode_of__any_chain__is_one_word_people_know(
    chain_id: str, shadow: bool, mode: str
) -> None:
    assert mode_of(chain_id, shadow=shadow) == mode
