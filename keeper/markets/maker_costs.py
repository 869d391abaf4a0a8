"""What three ways to a token's liquidity cost its project: bond, maker's loan, retainer (pure).

Amounts of tokens are token units, money is asset units, prices as in `keeper.markets.bonds`.
"""

from dataclasses import dataclass
from typing import Final

from keeper.markets.bonds import BPS, cost_up
from keeper.markets.options import ONE, call_value

__all__ = [
    "BondCost",
    "Loan",
    "LoanCost",
    "Retainer",
    "bond_cost",
    "loan_cost",
    "retainer_cost",
    "strike_over",
]

MONTHS_PER_YEAR: Final = 12
YEAR_SECONDS: Final = 365 * 86_400


@dataclass(frozen=True, slots=True)
class BondCost:
    """What was given away at once, and the liquidity that stays [asset units]."""

    cost: int
    liquidity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """Tokens lent to a maker, who may keep them for `strike` each after `months`.

    `volatility_bps` is a year's, a guess about the future; `fee` is paid beside it [asset units].
    """

    tokens: int
    strike: int
    months: int
    volatility_bps: int
    fee: int = 0


@dataclass(frozen=True, slots=True)
class LoanCost:
    """What the option is worth: in all with the fee [asset units], and of the loan [1e-18]."""

    cost: int
    option: int
    part: int


@dataclass(frozen=True, slots=True)
class Retainer:
    """A fee a month [asset units]."""

    monthly: int
    months: int


def bond_cost(tokens: int, price: int, reference: int, scale: int) -> BondCost:
    """What `tokens` sold at `price` cost against `reference`; negative cost above it."""
    paid = tokens * price // scale
    return BondCost(cost_up(tokens, reference, scale) - paid, paid)


def loan_cost(loan: Loan, reference: int, scale: int) -> LoanCost:
    """Value the call that a loan with an option is. Raises ValueError as `call_value`."""
    term = loan.months * YEAR_SECONDS // MONTHS_PER_YEAR
    part = call_value(reference, loan.strike, loan.volatility_bps, term)
    option = cost_up(loan.tokens, reference, scale) * part // ONE
    return LoanCost(option + loan.fee, option, part)


def retainer_cost(retainer: Retainer) -> int:
    """What a retainer comes to [asset units]."""
    return retainer.monthly * retainer.months


def strike_over(reference: int, premium_bps: int) -> int:
    """A strike so far above a price, rounded down."""
    return reference * (BPS + premium_bps) // BPS
