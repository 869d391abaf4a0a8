"""Owns one match: quote amount, fees, collateral of both sides, and its effect on a state."""

from dataclasses import dataclass, replace

from .config import ExchangeConfig, MarketConfig
from .isolation import violates_isolation
from .ledger import PositionChange, apply_change, pay_insurance, settled
from .liquidation import insurance_delta
from .margin import ceil_ppm, scaled, update_is_allowed
from .model import Order, OrderFlags, Removal, Subaccount, SubaccountId
from .pools import fund_of
from .store import State

__all__ = ["Match", "MatchCheck", "apply_match", "make_match", "try_match"]


@dataclass(frozen=True, slots=True)
class Match:
    """Two orders meeting at the maker's price. Base quantums, quote quantums, fees paid.

    `insurance` is what a liquidated taker pays the insurance fund; negative, what the fund adds.
    """

    market_id: int
    taker: Order
    maker: Order
    quantums: int
    quote: int
    taker_fee: int
    maker_fee: int
    transaction: str  # hash of the taker's transaction
    insurance: int = 0

    @property
    def is_liquidation(self) -> bool:
        """Whether the chain sells or buys for a subaccount below its maintenance margin."""
        return self.taker.id.flags == OrderFlags.LIQUIDATION


@dataclass(frozen=True, slots=True)
class MatchCheck:
    """Why a side cannot carry the match, as a removal reason; empty where it can."""

    taker: str
    maker: str

    @property
    def ok(self) -> bool:
        """Both sides can."""
        return not self.taker and not self.maker


def make_match(
    config: ExchangeConfig,
    market: MarketConfig,
    pair: tuple[Order, Order],
    quantums: int,
    transaction: str,
) -> Match:
    """Return the match of (taker, maker) over `quantums`. Fees round up, against the payer."""
    taker, maker = pair
    quote = scaled(quantums * maker.subticks, market.quantum_conversion_exponent)
    return Match(
        market.id,
        taker,
        maker,
        quantums,
        quote,
        ceil_ppm(quote, config.taker_fee_ppm) if taker.is_own else 0,
        ceil_ppm(quote, config.maker_fee_ppm),
        transaction,
    )


def insured(state: State, config: ExchangeConfig, match: Match) -> Match:
    """Return a match with what it owes the insurance fund; only liquidations owe anything."""
    if not match.is_liquidation:
        return match
    sign = match.taker.side.sign
    moved = (match.taker.id.subaccount, match.market_id, sign * match.quantums, -sign * match.quote)
    return replace(match, insurance=insurance_delta(state, config.liquidation, moved))


def _changes(match: Match) -> tuple[tuple[SubaccountId, PositionChange], ...]:
    sign = match.taker.side.sign
    signed, quote = sign * match.quantums, sign * match.quote
    return (
        (
            match.taker.id.subaccount,
            PositionChange(match.market_id, signed, -quote, match.taker_fee),
        ),
        (
            match.maker.id.subaccount,
            PositionChange(match.market_id, -signed, quote, match.maker_fee),
        ),
    )


def apply_match(state: State, match: Match) -> None:
    """Move positions, quote and fees of both sides."""
    for key, change in _changes(match):
        apply_change(state, key, change)
    if match.insurance:
        pay_insurance(state, match.taker.id.subaccount, match.market_id, match.insurance)


def _verdict(trial: State, before: Subaccount, key: SubaccountId) -> str:
    after = trial.subaccounts.get(key) or Subaccount()
    if violates_isolation(trial, after):
        return Removal.ISOLATED
    return "" if update_is_allowed(trial, before, after) else Removal.UNDERCOLLATERALIZED


def try_match(state: State, match: Match) -> MatchCheck:
    """Apply the match if both sides may carry it; otherwise leave the state untouched.

    A liquidated side is not asked for its margin; the insurance fund must be able to pay for it.
    """
    keys = [key for key, _ in _changes(match)]
    before = [settled(state, state.subaccounts.get(key) or Subaccount())[0] for key in keys]
    trial = state.branch()
    apply_match(trial, match)
    verdicts = [_verdict(trial, old, key) for key, old in zip(keys, before, strict=True)]
    if match.is_liquidation:
        fund = trial.bank.get(fund_of(trial, match.market_id)) or 0
        verdicts[0] = Removal.UNDERCOLLATERALIZED if match.insurance < 0 and fund < 0 else ""
    check = MatchCheck(*verdicts)
    if check.ok:
        trial.absorb()
    return check
