"""Why equity changed between two captures, from the venue's public data, to the unit.

spread: side * (oracle at the fill's block - price) * size. funding: settled payments. fees: of
fills, and of the wallet's own transactions. inventory: what remains, checked against its own
definition, position * change of oracle, within the rounding the venue can have done.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from keeper.reporter.equity import Account, Perpetual, Price
from keeper.reporter.indexer import Fill, Funding
from keeper.reporter.model import Refusal

__all__ = ["Causes", "History", "attribute", "positions_of"]

_QUOTE_DECIMALS = 6

PriceAt = Callable[[int, int], Price | None]
"""Oracle price by (height, market id); None when it was not captured."""


@dataclass(frozen=True, slots=True)
class History:
    """What happened between the heights of two captures, to all of an account's subaccounts."""

    fills: tuple[Fill, ...]
    fundings: tuple[Funding, ...]
    wallet_fees: int


@dataclass(frozen=True, slots=True)
class Causes:
    """Quote quantums by cause; they sum to the change given to `attribute`."""

    spread: int
    inventory: int
    funding: int
    fees_and_rebates: int

    def as_pnl(self) -> tuple[int, int, int, int, int]:
        """In the report's order; venues pay no incentives into the account yet."""
        return (self.spread, self.inventory, self.funding, self.fees_and_rebates, 0)


def positions_of(account: Account) -> dict[int, int]:
    """Net base quantums by perpetual id over all subaccounts; zero positions left out."""
    net: dict[int, int] = {}
    for subaccount in account.subaccounts:
        for position in subaccount.positions:
            held = net.get(position.perpetual_id, 0)
            net[position.perpetual_id] = held + position.quantums
    return {perpetual: quantums for perpetual, quantums in net.items() if quantums}


def attribute(
    change: int, before: Account | None, after: Account, history: History, price_at: PriceAt
) -> Causes | Refusal:
    """Split `change` (quote quantums, transfers and foreign flows taken out) by cause.

    `before` is None for the first report of an account. Refuses when fills do not lead from the
    old positions to the new ones, when an oracle price at a fill is missing, or when what is left
    for inventory is not what inventory by definition earned.
    """
    by_ticker = {p.ticker: (i, p) for i, p in after.perpetuals.items()}
    unknown = [f.ticker for f in history.fills if f.ticker not in by_ticker]
    if unknown:
        return Refusal(code="UNKNOWN_MARKET", subject=unknown[0], ours="not listed", theirs="fill")
    refusal = _check_positions(before, after, history.fills, by_ticker)
    if refusal is not None:
        return refusal
    spread, inventory = Fraction(0), _held(before, after)
    for fill in history.fills:
        _, perpetual = by_ticker[fill.ticker]
        oracle = price_at(fill.height, perpetual.market_id)
        if oracle is None:
            return Refusal(
                code="NO_ORACLE_AT_FILL", subject=fill.ticker, ours="none", theirs=fill.height
            )
        signed_quote = fill.quote if fill.size > 0 else -fill.quote
        spread += fill.size * _quote_price(oracle) - signed_quote
        final = _quote_price(after.prices[perpetual.market_id])
        inventory += fill.size * (final - _quote_price(oracle))
    return _settle(change, spread, inventory, history, _roundings(before, after, history))


def _settle(
    change: int, spread: Fraction, inventory: Fraction, history: History, roundings: int
) -> Causes | Refusal:
    fees = floor(-sum((f.fee for f in history.fills), Fraction(history.wallet_fees)))
    funding = floor(sum((f.payment for f in history.fundings), Fraction(0)))
    remainder = change - floor(spread) - funding - fees
    if abs(remainder - inventory) > roundings:
        return Refusal(
            code="UNEXPLAINED", subject="inventory", ours=floor(inventory), theirs=remainder
        )
    return Causes(floor(spread), remainder, funding, fees)


def _quote_price(price: Price) -> Fraction:
    """Quote quantums per whole base unit."""
    return price.price * Fraction(10) ** (price.exponent + _QUOTE_DECIMALS)


def _held(before: Account | None, after: Account) -> Fraction:
    """What the old positions earned by the oracle's way from the old capture to the new one."""
    if before is None:
        return Fraction(0)
    total = Fraction(0)
    for perpetual_id, quantums in positions_of(before).items():
        perpetual = after.perpetuals[perpetual_id]
        then, now = before.prices[perpetual.market_id], after.prices[perpetual.market_id]
        base = quantums * Fraction(10) ** perpetual.atomic_resolution
        total += base * (_quote_price(now) - _quote_price(then))
    return total


def _check_positions(
    before: Account | None,
    after: Account,
    fills: Iterable[Fill],
    by_ticker: Mapping[str, tuple[int, Perpetual]],
) -> Refusal | None:
    expected: dict[int, Fraction] = {
        perpetual: Fraction(quantums)
        for perpetual, quantums in (positions_of(before) if before else {}).items()
    }
    for fill in fills:
        perpetual_id, perpetual = by_ticker[fill.ticker]
        quantums = fill.size / Fraction(10) ** perpetual.atomic_resolution
        expected[perpetual_id] = expected.get(perpetual_id, Fraction(0)) + quantums
    found = positions_of(after)
    for perpetual_id in sorted({*expected, *found}):
        ours, theirs = expected.get(perpetual_id, Fraction(0)), found.get(perpetual_id, 0)
        if ours != theirs:
            subject = f"position {after.perpetuals[perpetual_id].ticker}"
            return Refusal(code="FILLS_INCOMPLETE", subject=subject, ours=str(ours), theirs=theirs)
    return None


def _roundings(before: Account | None, after: Account, history: History) -> int:
    """Most quote quantums that flooring can have moved: a unit per payment, fill and position."""
    positions = sum(
        len(subaccount.positions)
        for account in (before, after)
        if account is not None
        for subaccount in account.subaccounts
    )
    return 4 + 3 * len(history.fills) + 2 * len(history.fundings) + 3 * positions
