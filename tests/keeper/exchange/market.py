"""Owns a small traded market for tests: a chain, its indexer, every message the streams sent."""

from keeper.devnet.exchange.chain import Chain
from keeper.devnet.exchange.config import ExchangeConfig
from keeper.devnet.exchange.indexer import Indexer, Message
from keeper.devnet.exchange.model import SubaccountId
from tests.keeper.exchange.conftest import DEPOSIT, GENESIS_NS, WALLET
from tests.keeper.exchange.wallets import BUY, SELL, Trader, order, place

SECOND_NS = 10**9


class TradedMarket:
    """A chain whose events an indexer consumes, as in the running exchange."""

    def __init__(self, config: ExchangeConfig | None = None) -> None:
        self.chain = Chain(config or ExchangeConfig(), GENESIS_NS)
        self.indexer = Indexer(self.chain.config, self.chain.state, 1, GENESIS_NS)
        self.messages: list[Message] = []
        self.alice, self.bob = (self._fund(Trader(seed)) for seed in (1, 2))

    def _fund(self, trader: Trader) -> Trader:
        self.chain.credit(trader.address, WALLET, f"memo {trader.seed}")
        self.chain.faucet(SubaccountId(trader.address, 0), DEPOSIT)
        self.block()
        account = self.chain.state.accounts.get(trader.address)
        assert account is not None
        return Trader(trader.seed, account.number)

    def send(self, raw: bytes) -> int:
        """Broadcast; returns the code."""
        outcome = self.chain.check_tx(raw)
        self.messages += self.indexer.consume(outcome.events)
        return outcome.result.code

    def block(self, seconds: int = 1) -> None:
        """Make a block so many seconds after the last."""
        events = self.chain.commit(self.chain.block.time_ns + seconds * SECOND_NS)
        self.messages += self.indexer.consume(events)

    def gtb(self, blocks: int = 5) -> int:
        """Return a goodTilBlock so many blocks after the next."""
        return self.chain.height + 1 + blocks

    def trade(self, size: int = 40, price: int = 30_000) -> None:
        """Alice rests a bid, bob sells into it, a block commits both."""
        alice, bob = self.alice, self.bob
        self.send(place(alice, order(alice, gtb=self.gtb(), side=BUY, size=size, price=price)))
        self.send(place(bob, order(bob, gtb=self.gtb(), side=SELL, size=size, price=price)))
        self.block()
