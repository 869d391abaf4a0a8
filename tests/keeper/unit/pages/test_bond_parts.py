"""Bonds on the page: units of the contracts in those of people, nothing rounded up."""

import msgspec

from keeper.pages.bond_parts import BondSeen, bond_part
from keeper.pages.figures import bond_figure

BUYER = "0x00000000000000000000000000000000000000AA"
PRICE = 10**36


def seen() -> BondSeen:
    return BondSeen(
        market=3,
        auction="dutch",
        symbol="ALB",
        token_decimals=18,
        asset_decimals=8,
        opened_at=1_000,
        conclusion=9_000,
        unsold=7 * 10**18,
        sold=3 * 10**18,
        floor=PRICE,
        path=((1_000, 2 * PRICE), (2_000, PRICE * 19 // 10)),
        purchases=((2_000, BUYER, 1, 3 * 10**18, 570_000_099, PRICE * 19 // 10),),
        project="0xproject",
        vault="0xvault",
        locked_until=99_000,
        shares=5 * 10**18,
        share_symbol="athALB",
        share_decimals=18,
        depth_share=10**18 * 5 // 6,
        worth=570_000_099,
        waiting=199,
        queued=0,
        places=(("Idle in the vault", "the vault", 100_000_099), ("In a pool", "adapter", 0)),
    )


def test_bond_part__eight_decimals_of_the_asset__are_six_down() -> None:
    bond = bond_part(seen(), {BUYER.lower(): "dora"})

    (bought,) = bond.purchases
    assert (bought.cost_usdc_e6, bond.owned.worth_usdc_e6) == (5_700_000, 5_700_000)
    assert bond.owned.waiting_usdc_e6 == 1
    assert [part.assets_usdc_e6 for part in bond.owned.places] == [1_000_000, 0]
    assert bought.who == f"dora {BUYER}"


def test_bond_part__prices__are_a_millionth_of_a_millionth() -> None:
    bond = bond_part(seen(), {})

    assert bond.path == ((1_000_000, 2 * 10**12), (2_000_000, 1_900_000_000_000))
    assert (bond.purchases[0].price_usdc_e12, bond.floor_usdc_e12) == (bond.path[1][1], 10**12)
    assert bond.owned.depth_ppm == 833_333


def test_bond_figure__purchase__stands_on_the_path() -> None:
    figure = bond_figure(bond_part(seen(), {}))

    assert figure is not None
    assert [key.name for key in figure.chart.keys] == ["auction price", "floor", "purchases"]
    assert str(figure.chart.marks).count("<circle") == 1
    assert "from 2" in figure.chart.summary


def test_bond_figure__oracle_market_without_purchases__is_none() -> None:
    bond = bond_part(seen(), {})

    assert bond_figure(msgspec.structs.replace(bond, path=(), purchases=())) is None
