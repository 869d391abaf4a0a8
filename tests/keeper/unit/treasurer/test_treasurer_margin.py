"""Equity and free collateral of a subaccount, by hand."""

from keeper.treasurer.margin import Holding, MarketTerms, Worth, worth_of

ETH = MarketTerms(price=3_000_000_000, exponent=-9, funding_index=1_000, initial_margin_ppm=50_000)


def test_worth_of__no_positions__all_free() -> None:
    assert worth_of(2_000_000_000, [], {}) == Worth(2_000_000_000, 2_000_000_000)


def test_worth_of__short__margin_with_buffer_stays() -> None:
    # -0.25 ETH at 3000 is -750 USDC; margin 37.5, with the buffer 41.25 USDC, rounded up twice.
    short = Holding(perpetual_id=1, quantums=-250_000_000, funding_index=1_000, quote_balance=0)

    found = worth_of(2_750_000_000, [short], {1: ETH})

    assert found == Worth(2_000_000_000, 2_000_000_000 - 41_250_002)


def test_worth_of__unsettled_funding__paid_rounded_up() -> None:
    # index +3 on 500,000 quantums long: 1,500,000 / 1e6 = 1.5 paid, counted as 2.
    held = Holding(perpetual_id=1, quantums=500_000, funding_index=997, quote_balance=-10)

    assert worth_of(100, [held], {1: ETH}).equity == 100 - 10 - 2 + 1_500_000


def test_worth_of__under_water__nothing_free() -> None:
    long = Holding(perpetual_id=1, quantums=1_000_000_000, funding_index=1_000, quote_balance=0)

    assert worth_of(-2_999_000_000, [long], {1: ETH}) == Worth(1_000_000, 0)
