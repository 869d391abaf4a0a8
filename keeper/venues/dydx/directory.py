"""The configured markets as chain and indexer describe them, by ticker and by perpetual id."""

from collections.abc import Iterable, Mapping

import msgspec

from keeper.domain.errors import ConfigError, WireError
from keeper.domain.events import MarketFacts, OraclePriced, PerpetualPosition, SubaccountObserved
from keeper.domain.instruments import PerpetualMarket
from keeper.venues.dydx import wire
from keeper.venues.dydx.indexer import Indexer
from keeper.venues.dydx.mapping import market_facts, perpetual_market, whole
from keeper.venues.dydx.reader import Reader, SubaccountState

__all__ = ["Directory", "Listing", "load_listings"]


class Listing(msgspec.Struct, frozen=True):
    """A market with the ids the chain files its perpetual and its oracle price under."""

    market: PerpetualMarket
    perpetual_id: int
    market_id: int


class Directory:
    """The markets this adapter speaks of; `markets` stays the same mapping as they change."""

    __slots__ = ("_facts", "_listings", "_tickers", "markets")

    def __init__(self) -> None:
        self._listings: dict[str, Listing] = {}
        self._tickers: dict[int, str] = {}
        self._facts: dict[str, MarketFacts] = {}
        self.markets: dict[str, PerpetualMarket] = {}

    def take(self, listings: Iterable[Listing]) -> list[PerpetualMarket]:
        """Take over freshly read markets; return those that are new or have changed."""
        changed = []
        for listing in listings:
            market = listing.market
            self._listings[market.ticker] = listing
            self._tickers[listing.perpetual_id] = market.ticker
            if self.replace(market):
                changed.append(market)
        return changed

    def market(self, ticker: str) -> PerpetualMarket:
        """Return a market. Raises WireError: the subaccount is active in one not configured."""
        market = self.markets.get(ticker)
        if market is None:
            raise WireError(f"the subaccount trades {ticker}, which is not configured")
        return market

    def replace(self, market: PerpetualMarket) -> bool:
        """Take over a market's parameters; tell whether they are new."""
        if self.markets.get(market.ticker) == market:
            return False
        self.markets[market.ticker] = market
        return True

    def facts(
        self, source: str, told: Mapping[str, wire.Market] | Mapping[str, wire.MarketPatch]
    ) -> list[MarketFacts]:
        """Return what is told of the size and funding of our markets. Raises WireError."""
        found = []
        for ticker, market in self.markets.items():
            if ticker not in told:
                continue
            facts = market_facts(market, source, told[ticker], self._facts.get(ticker))
            if facts is not None:
                self._facts[ticker] = facts
                found.append(facts)
        return found

    def ticker(self, perpetual_id: int) -> str:
        """Return the ticker of a perpetual. Raises WireError when it is not configured."""
        ticker = self._tickers.get(perpetual_id)
        if ticker is None:
            raise WireError(f"the subaccount holds perpetual {perpetual_id}, not configured")
        return ticker

    def observed(self, state: SubaccountState) -> SubaccountObserved:
        """Say a subaccount's state in domain terms. Raises WireError on a foreign position."""
        positions = (
            PerpetualPosition(
                market=self.ticker(entry.perpetual_id),
                quantums=entry.quantums,
                funding_index=entry.funding_index,
                quote_balance=entry.quote_balance,
            )
            for entry in state.positions
        )
        return SubaccountObserved(
            height=state.height, usdc_quote_quantums=state.usdc, positions=tuple(positions)
        )

    async def oracle_prices(self, reader: Reader, source: str) -> list[OraclePriced]:
        """Read every market's oracle price from the chain. Raises VenueUnavailable, WireError."""
        prices = []
        for ticker, listing in self._listings.items():
            price = await reader.market_price(listing.market_id)
            if price.exponent != listing.market.oracle_exponent:
                raise WireError(f"{ticker}: oracle exponent is {price.exponent} now")
            prices.append(
                OraclePriced(market=ticker, source=source, price=price.price, height=price.height)
            )
        return prices


async def load_listings(reader: Reader, indexer: Indexer, tickers: Iterable[str]) -> list[Listing]:
    """Read the configured markets. Raises ConfigError on an unknown one, else as the transports."""
    known = await indexer.markets()
    params = await reader.market_params()
    listings = []
    for ticker in tickers:
        found = known.get(ticker)
        if found is None:
            raise ConfigError(
                f"the venue lists no market {ticker}",
                next_step="correct the market's ticker in the configuration",
            )
        perpetual_id = await reader.perpetual_of_pair(whole(found.clob_pair_id))
        perpetual = await reader.perpetual(perpetual_id)
        param = params.get(perpetual.market_id)
        if param is None:
            raise WireError(f"the chain has no oracle parameters for {ticker}")
        market = perpetual_market(found, param.exponent, param.min_price_change_ppm)
        if perpetual.ticker != ticker or perpetual.atomic_resolution != market.atomic_resolution:
            raise WireError(f"chain and indexer disagree on what {ticker} is")
        listings.append(Listing(market, perpetual_id, perpetual.market_id))
    return listings
