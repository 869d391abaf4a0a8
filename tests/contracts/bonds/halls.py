"""Owns auctioneers without a teller: an account opens and sells, at times chosen to the second."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from tests.contracts.bonds.houses import ZERO, dutch_terms
from tests.contracts.bonds.model import DutchMarket
from tests.contracts.rpc import Rpc

__all__ = ["AUCTION", "Hall"]

AUCTION: Final = [f"({','.join(['uint256'] * 14)})"]
TRADE: Final = ["uint256", "uint256"]


@dataclass(slots=True)
class Hall:
    """One market of a Dutch auctioneer, and its model."""

    contract: Any
    teller: Any
    rpc: Rpc
    model: DutchMarket
    market: int = 1

    @classmethod
    def opened(
        cls, contract: Any, teller: Any, rpc: Rpc, model: DutchMarket, market: int = 1
    ) -> "Hall":
        """Open the model's market at the model's start."""
        made = cls(contract, teller, rpc, model, market)
        opening = (
            *(market, model.capacity, model.end, ZERO, model.token_decimals),
            *(ZERO, model.asset_decimals, (ZERO, ZERO, 0, ZERO)),
        )
        buffer_bps = int(model.buffer * 10_000)
        terms = dutch_terms(model.price, model.floor, model.interval, buffer_bps)
        made.at(model.start)
        rpc.send(contract.open, opening, terms, sender=teller)
        return made

    def at(self, time: int) -> None:
        """The next block has this time [s]."""
        self.rpc.request("evm_setNextBlockTimestamp", time)

    def go_to(self, time: int) -> None:
        """Mine a block at this time [s]."""
        self.at(time)
        self.rpc.request("evm_mine")

    def view(self, name: str, *args: Any) -> int:
        method = getattr(self.contract, name)
        (value,) = self.rpc.call(method, self.market, *args, types=["uint256"])
        return int(value)

    def quote(self, amount: int) -> tuple[int, ...]:
        method = self.contract.quote
        return tuple(self.rpc.call(method, self.market, amount, types=TRADE))

    def would_sell(self, amount: int) -> tuple[int, ...]:
        """What a sale at the newest block's time gives."""
        method = self.contract.sell
        answer = self.rpc.call(method, self.market, amount, 0, types=TRADE, sender=self.teller)
        return tuple(answer)

    def sell(self, amount: int, time: int) -> None:
        self.at(time)
        self.rpc.send(self.contract.sell, self.market, amount, 0, sender=self.teller)

    def announce(self, capacity: int, time: int) -> None:
        """Announce that the market shall have no more than `capacity` left."""
        self.at(time)
        change = (self.market, self.model.floor, capacity)
        self.rpc.send(self.contract.announceChange, *change, sender=self.teller)

    def apply(self, time: int) -> None:
        self.at(time)
        self.rpc.send(self.contract.applyChange, self.market, sender=self.teller)

    def refused(self, amount: int, least: int = 0) -> str:
        method = self.contract.sell
        return self.rpc.refused(method, self.market, amount, least, sender=self.teller)

    def auction(self) -> tuple[int, ...]:
        (state,) = self.rpc.call(self.contract.auction, self.market, types=AUCTION)
        return tuple(state)

    def expected_auction(self) -> tuple[int, ...]:
        """The contract's storage as the model has it."""
        model = self.model
        return (
            *(model.initial, model.target, *model.breaker, model.max_payout, model.debt),
            *(model.tune_below, model.last, model.last_tune, model.decay_interval),
            *(model.tune_interval, int(model.buffer * Fraction(10_000)), *model.control),
        )
