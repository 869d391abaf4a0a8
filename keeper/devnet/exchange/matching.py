"""Owns one match: quote amount, fees, collateral of both sides, and its effect on a state."""

from dataclasses import dataclass

from .config import ExchangeConfig, MarketConfig
from .ledger import PositionChange, apply_change, settled
from .margin import ceil_ppm, scaled, update_is_allowed
from .model import Order, Subaccount, SubaccountId
from .store import State

__all__ = ["Match", "MatchCheck", "apply_match", "try_match"]


@dataclass(frozen=True, slots=True)
class Match:
    """Two orders meeting at the maker's price. Base quantums, quote quantums, fees paid."""

    market_id: int
    taker: Order
    maker: Order
    quantums: int
    quote: int
    taker_fee: int
    maker_fee: int
    transaction: str  # hash of the taker's transaction


@dataclass(frozen=True, slots=True)
class MatchCheck:
    """Which sides can carry the match."""

    taker_ok: bool
    maker_ok: bool

    @property
    def ok(self) -> bool:
        """Both sides can."""
        return self.taker_ok and self.maker_ok


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
        ceil_ppm(quote, config.taker_fee_ppm),
        ceil_ppm(quote, config.maker_fee_ppm),
        transaction,
    )


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


def try_match(state: State, match: Match) -> MatchCheck:
    """Apply the match if both sides keep their margin; otherwise leave the state untouched."""
    keys = [key for key, _ in _changes(match)]
    before = [settled(state, state.subaccounts.get(key) or Subaccount())[0] for key in keys]
    trial = state.branch()
    apply_match(trial, match)
    allowed = [
        update_is_allowed(trial, old, trial.subaccounts.get(key) or Subaccount())
        for key, old in zip(keys, before, strict=True)
    ]
    check = MatchCheck(*allowed)
    if check.ok:
        trial.absorb()
    return check
