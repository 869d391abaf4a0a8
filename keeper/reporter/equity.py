"""Equity of a venue account from committed state: the whole formula, by itself (keeper.md 7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Account", "Perpetual", "Position", "Price", "Subaccount", "equity"]

_FUNDING_UNIT: Final = 1_000_000
_QUOTE_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class Position:
    """Signed base quantums, the funding index they were settled at, and their quote quantums."""

    perpetual_id: int
    quantums: int
    funding_index: int
    quote_balance: int


@dataclass(frozen=True, slots=True)
class Subaccount:
    """Settled quote quantums and open positions."""

    usdc: int
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Perpetual:
    """One base quantum is 10^atomic_resolution base; `funding_index` is the current one."""

    ticker: str
    market_id: int
    atomic_resolution: int
    funding_index: int


@dataclass(frozen=True, slots=True)
class Price:
    """price * 10^exponent USDC."""

    price: int
    exponent: int


@dataclass(frozen=True, slots=True)
class Account:
    """Everything a venue account owns at one height; `bank` is its wallet in quote quantums."""

    bank: int
    subaccounts: Sequence[Subaccount]
    perpetuals: Mapping[int, Perpetual]
    prices: Mapping[int, Price]


def equity(account: Account) -> int:
    """Quote quantums (1e-6 USDC); negative when more is owed than owned. Raises KeyError when a
    position's perpetual or price is missing: nothing is valued by a guess.
    """
    return account.bank + sum(_subaccount(account, item) for item in account.subaccounts)


def _subaccount(account: Account, subaccount: Subaccount) -> int:
    positions = subaccount.positions
    funding = sum(_funding_numerator(account, p) for p in positions) // _FUNDING_UNIT
    quote = sum(p.quote_balance for p in positions)
    return subaccount.usdc + funding + quote + sum(_value(account, p) for p in positions)


def _funding_numerator(account: Account, position: Position) -> int:
    now = account.perpetuals[position.perpetual_id].funding_index
    return -(now - position.funding_index) * position.quantums


def _value(account: Account, position: Position) -> int:
    """Quantums at the oracle price, towards zero as the chain truncates."""
    perpetual = account.perpetuals[position.perpetual_id]
    price = account.prices[perpetual.market_id]
    exponent = price.exponent + perpetual.atomic_resolution + _QUOTE_DECIMALS
    product = position.quantums * price.price
    scale: int = 10 ** abs(exponent)
    if exponent >= 0:
        return product * scale
    magnitude = abs(product) // scale
    return magnitude if product >= 0 else -magnitude
