"""The high-water mark by worked examples: what lifts it, and what it starts from."""

from fractions import Fraction

from keeper.accounting.high_water import HighWater
from keeper.accounting.shares import PRICE_ONE, Pricing, Vault, fee_shares

VIRTUAL = 10**12
SHARE = 10**18
USDC = 10**6
START = PRICE_ONE // VIRTUAL


def vault(assets: int = 1_000) -> Vault:
    """So many USDC and shares, at the initial price."""
    return Vault(
        virtual=VIRTUAL,
        deposit_cap=10**15,
        supply=assets * SHARE,
        idle=assets * USDC,
        accepted=assets * USDC,
    )


def settle(held: Vault, water: HighWater, accepted: int, gross: int, fee_bps: int = 1_000) -> int:
    """Settle at so many USDC; return the fee in share units."""
    pricing = Pricing(
        accepted=accepted * USDC,
        gross=gross * USDC,
        gross_ask=gross * USDC,
        deposits_open=True,
        mark=water.mark,
        fee_bps=fee_bps,
    )
    fill = held.settle(pricing)
    water.settled(held, fill)
    return fill.fee_shares


def test_report__gift__lifts_the_mark_by_its_part_of_a_share() -> None:
    held, water = vault(), HighWater(START)

    water.report(held, 1_050 * USDC, 1_010 * USDC, 50 * USDC)

    assert Fraction(water.mark - START, START) >= Fraction(50 * USDC, 1_000 * USDC + 1)
    assert water.exempt == 40 * USDC


def test_report__loss_to_strangers__changes_nothing() -> None:
    held, water = vault(), HighWater(START)

    water.report(held, 990 * USDC, 990 * USDC, -10 * USDC)

    assert (water.mark, water.exempt) == (START, 0)


def test_report__gift_beyond_gross__lifts_by_gross_alone() -> None:
    held, water = vault(), HighWater(START)

    water.report(held, 100 * USDC, 100 * USDC, 2**200)

    assert water.mark <= START + START * 100 // 1_000 + 1


def test_report__shares_burnt_since__lifts_the_mark_by_as_much_as_the_price() -> None:
    held, water = vault(), HighWater(START)
    water.report(held, 1_000 * USDC, 1_000 * USDC, 0)
    shares = held.supply + held.virtual
    held.supply -= shares // 50

    water.report(held, 1_000 * USDC, 1_000 * USDC, 0)

    assert Fraction(water.mark, START) >= Fraction(shares, held.supply + held.virtual)
    assert water.mark - 1 < Fraction(START * shares, held.supply + held.virtual)


def test_report__nearly_no_shares__starts_anew() -> None:
    held, water = vault(0), HighWater(9 * START, exempt=7)

    water.report(held, USDC, USDC, 5 * USDC)

    assert (water.mark, water.exempt) == (-(-(USDC + 1) * PRICE_ONE // VIRTUAL), 0)


def test_settled__gain__mark_is_the_price_after_the_fee() -> None:
    held, water = vault(), HighWater(START)

    fee = settle(held, water, 1_010, 1_010)

    assert fee > 0
    assert water.mark == -(-(1_010 * USDC + 1) * PRICE_ONE // (held.supply + VIRTUAL))
    assert settle(held, water, 1_010, 1_010) == 0


def test_settled__loss__mark_stays_and_the_way_back_is_free() -> None:
    held, water = vault(), HighWater(START)

    fees = [settle(held, water, nav, nav) for nav in (900, 950, 1_000)]

    assert fees == [0, 0, 0]
    assert water.mark == START


def test_settled__leavers_leave_a_gift_behind__mark_follows_it() -> None:
    """40 of the gift are not accepted when nine of ten leave: 0.36 more for each share left."""
    held, water = vault(), HighWater(START, exempt=40 * USDC)
    held.redeems.total = 900 * SHARE

    settle(held, water, 1_000, 1_040)

    assert (water.mark - START) * 1_000 // START == 359
    assert water.exempt == 40 * USDC


def test_settled__everybody_leaves__mark_falls_to_what_is_left() -> None:
    held, water = vault(), HighWater(2 * START, exempt=5)
    held.redeems.total = held.supply

    settle(held, water, 1_000, 1_000)

    assert water.mark == (held.accepted + 1) * PRICE_ONE // (held.supply + VIRTUAL)
    assert water.exempt == 0


def test_fee_shares__gain_of_ten__are_worth_one_after_they_are_minted() -> None:
    held = vault()
    pricing = Pricing(
        accepted=1_010 * USDC,
        gross=1_010 * USDC,
        gross_ask=1_010 * USDC,
        deposits_open=True,
        mark=START,
        fee_bps=1_000,
    )

    fee = fee_shares(held, pricing, pricing.accepted)

    worth = Fraction(fee * pricing.accepted, held.supply + VIRTUAL + fee)
    assert USDC - 1 < worth <= USDC
