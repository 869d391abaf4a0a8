"""A bond's cost beside a maker's loan with an option and beside a retainer, inputs stated."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from keeper.cli.amounts import parse_amount, shown
from keeper.cli.bond.figures import part_text, price_text
from keeper.cli.failures import ArgumentInvalid
from keeper.cli.output import print_table, scaled

if TYPE_CHECKING:
    from keeper.chain.bonds import BondReader
    from keeper.wallet import Wallet

__all__ = ["Asked", "Deal", "compare", "deal_of_market", "deal_of_words", "print_comparison"]

PRICE_DECIMALS = 36
BPS = 10_000
UNITS = 18
"""Decimals of token and money where no market says them."""
ONE = 10**18
NAMELESS = "tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The rivals' terms as they were typed; `loan` None for as many tokens as the bond sells."""

    loan: str | None
    strike_bps: int
    months: int
    volatility_bps: int
    loan_fee: str | None
    retainer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """What the bond sells: tokens at a price against the market's; prices with 36 decimals."""

    tokens: int
    price: int
    reference: int
    token_symbol: str
    token_decimals: int
    asset_symbol: str
    asset_decimals: int
    source: str


def deal_of_words(tokens: str, reference: str, discount_bps: int) -> Deal:
    """Make a deal of typed figures. Raises ArgumentInvalid."""
    from keeper.markets.bonds import discounted_up

    market = parse_amount(reference, PRICE_DECIMALS, "the price")
    return Deal(
        tokens=parse_amount(tokens, UNITS, "the token"),
        price=discounted_up(market, discount_bps, 0),
        reference=market,
        token_symbol=NAMELESS,
        token_decimals=UNITS,
        asset_symbol="USD",
        asset_decimals=UNITS,
        source="given",
    )


async def deal_of_market(wallet: "Wallet", reader: "BondReader", market_id: int) -> Deal:
    """Make a deal of what a market has left, at its price now. Raises ArgumentInvalid."""
    from keeper.chain.calls import view

    block = await wallet.head()
    market = await reader.market(market_id, block)
    if not market.live or not market.priced or not market.reference or not market.capacity:
        raise ArgumentInvalid(
            f"market {market_id} has no price beside the market's now, or nothing left",
            next_step="name the figures: --tokens, --price, --discount-bps",
        )
    asset = market.terms.asset
    (symbol,) = await wallet.read([view("MarketMakingVault", asset, "symbol")], block)
    return Deal(
        tokens=market.capacity,
        price=market.price,
        reference=market.reference,
        token_symbol=market.terms.symbol,
        token_decimals=market.terms.token_decimals,
        asset_symbol=symbol,
        asset_decimals=market.terms.asset_decimals,
        source=f"market {market_id} at block {block.number}: what is left, at the price of now",
    )


def compare(deal: Deal, asked: Asked) -> dict[str, Any]:
    """Compute the three costs, as JSON; units, 1e-36 prices. Raises ArgumentInvalid."""
    from keeper.markets.bonds import scale_of

    scale = scale_of(deal.token_decimals, deal.asset_decimals)
    return {
        "token_symbol": deal.token_symbol,
        "token_decimals": deal.token_decimals,
        "asset_symbol": deal.asset_symbol,
        "asset_decimals": deal.asset_decimals,
        "bond": _bond_data(deal, scale),
        "loan": _loan_data(deal, asked, scale),
        "retainer": _retainer_data(deal, asked),
    }


def _bond_data(deal: Deal, scale: int) -> dict[str, Any]:
    from keeper.markets.bonds import discount_bps
    from keeper.markets.maker_costs import bond_cost

    bond = bond_cost(deal.tokens, deal.price, deal.reference, scale)
    return {
        "source": deal.source,
        "tokens": deal.tokens,
        "price_e36": deal.price,
        "reference_e36": deal.reference,
        "discount_bps": discount_bps(deal.price, deal.reference),
        "cost": bond.cost,
        "liquidity_that_stays": bond.liquidity,
    }


def _loan_data(deal: Deal, asked: Asked, scale: int) -> dict[str, Any]:
    from keeper.markets.maker_costs import Loan, loan_cost, strike_over

    loan = Loan(
        tokens=_lent(deal, asked),
        strike=strike_over(deal.reference, asked.strike_bps),
        months=asked.months,
        volatility_bps=asked.volatility_bps,
        fee=_money(asked.loan_fee, deal) if asked.loan_fee is not None else 0,
    )
    found = loan_cost(loan, deal.reference, scale)
    return {
        "tokens": loan.tokens,
        "strike_e36": loan.strike,
        "months": loan.months,
        "volatility_bps": loan.volatility_bps,
        "fee": loan.fee,
        "option_e18": found.part,
        "option": found.option,
        "cost": found.cost,
        "liquidity_that_stays": 0,
    }


def _retainer_data(deal: Deal, asked: Asked) -> dict[str, Any]:
    from keeper.markets.maker_costs import Retainer, retainer_cost

    retainer = Retainer(_money(asked.retainer, deal), asked.months)
    return {
        "monthly": retainer.monthly,
        "months": retainer.months,
        "cost": retainer_cost(retainer),
        "liquidity_that_stays": 0,
    }


def _lent(deal: Deal, asked: Asked) -> int:
    if asked.loan is None:
        return deal.tokens
    return parse_amount(asked.loan, deal.token_decimals, deal.token_symbol)


def _money(text: str, deal: Deal) -> int:
    return parse_amount(text, deal.asset_decimals, deal.asset_symbol)


def print_comparison(data: dict[str, Any]) -> None:
    """Print what `compare` returned: the three side by side, then every input."""
    bond, loan, retainer = data["bond"], data["loan"], data["retainer"]
    rows = [
        (
            "bond",
            _shown(data, bond["cost"]),
            "once, with the sale",
            f"{_shown(data, bond['liquidity_that_stays'])}, the project's own, locked",
        ),
        (
            "loan with option",
            _shown(data, loan["cost"]),
            "in tokens, if they rise",
            "nothing: the maker's, until the term",
        ),
        (
            "retainer",
            _shown(data, retainer["cost"]),
            "every month",
            "nothing: quoting ends with the fee",
        ),
    ]
    print_table(rows, head=("way", "costs", "paid", "what stays"))
    click.echo("\nfrom these inputs:")
    print_table(_inputs(data))


def _inputs(data: dict[str, Any]) -> list[tuple[str, str]]:
    bond, loan, retainer = data["bond"], data["loan"], data["retainer"]
    discount = f"{scaled(bond['discount_bps'], 2)} %"
    return [
        ("bond", f"{bond['source']}"),
        ("sells", f"{_tokens(data, bond['tokens'])} at {_price(data, bond['price_e36'])}"),
        ("market's price", f"{_price(data, bond['reference_e36'])}, the discount is {discount}"),
        ("loan", f"{_tokens(data, loan['tokens'])} for {loan['months']} months"),
        ("option", f"to keep them at {_price(data, loan['strike_e36'])} each"),
        ("volatility", f"{scaled(loan['volatility_bps'], 2)} % a year, a guess"),
        ("the option is", f"{part_text(loan['option_e18'], ONE)} of the loan (Black-Scholes)"),
        ("loan's fee", _shown(data, loan["fee"])),
        ("retainer", f"{_shown(data, retainer['monthly'])} for {retainer['months']} months"),
        (
            "left out",
            "what vesting takes off the bond's value to its buyer, and the quality of "
            "the quoting, which only the bond's vault proves",
        ),
    ]


def _shown(data: dict[str, Any], amount: int) -> str:
    """Money, to its hundredth."""
    cut = max(0, data["asset_decimals"] - 2)
    return f"{scaled(amount // 10**cut, data['asset_decimals'] - cut)} {data['asset_symbol']}"


def _tokens(data: dict[str, Any], amount: int) -> str:
    return shown(amount, data["token_decimals"], data["token_symbol"])


def _price(data: dict[str, Any], price: int) -> str:
    return f"{price_text(price)} {data['asset_symbol']}"
