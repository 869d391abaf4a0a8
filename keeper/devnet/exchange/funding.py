"""Owns funding: premium samples each minute, an hourly tick that moves the index."""

from dataclasses import dataclass
from fractions import Fraction

from .book import Book
from .config import MarketConfig
from .events import Event, FundingPaid, FundingRateSet
from .margin import PPM
from .model import Perpetual, Side
from .store import State

__all__ = ["FundingClock", "premium_ppm"]

SAMPLE_NS = 60 * 10**9
HOUR_NS = 3_600 * 10**9
HOURS_PER_RATE = 8
CLAMP_FACTOR_PPM = 6_000_000  # of (initial - maintenance) margin, per 8 hours


def _impact_price(market: MarketConfig, book: Book, side: Side) -> Fraction | None:
    """Return the mean price of taking the impact notional, quote per base quantum, or None."""
    unit = Fraction(10) ** market.quantum_conversion_exponent
    quote = base = Fraction(0)
    for subticks, quantums in book.levels(side):
        worth = quantums * subticks * unit
        missing = market.impact_notional - quote
        if worth >= missing:
            return market.impact_notional / (base + missing / (subticks * unit))
        quote += worth
        base += quantums
    return None


def premium_ppm(market: MarketConfig, book: Book, oracle: int) -> int:
    """Return how far the book stands from the oracle, in ppm truncated toward zero.

    (max(0, impact bid - index) - max(0, index - impact ask)) / index; a side too thin to give
    an impact price adds nothing.
    """
    index = oracle * Fraction(10) ** market.notional_exponent
    total = Fraction(0)
    for side in Side:
        impact = _impact_price(market, book, side)
        if impact is not None:
            total += side.sign * max(Fraction(0), side.sign * (impact - index))
    return int(total * PPM / index)


@dataclass(slots=True)
class _Samples:
    total: int = 0
    count: int = 0


class FundingClock:
    """Counts minutes and hours of block time and settles the funding that came due."""

    def __init__(self, time_ns: int) -> None:
        self._last_ns = time_ns
        self._samples: dict[int, _Samples] = {}

    def next_rate(self, market: MarketConfig) -> int:
        """Return the rate the running hour would settle at, ppm per 8 hours."""
        samples = self._samples.get(market.id)
        mean = _divide(samples.total, samples.count) if samples and samples.count else 0
        maintenance = market.initial_margin_ppm * market.maintenance_fraction_ppm // PPM
        limit = (market.initial_margin_ppm - maintenance) * CLAMP_FACTOR_PPM // PPM
        return max(-limit, min(limit, mean + market.default_funding_ppm))

    def advance(self, state: State, books: dict[int, Book], time_ns: int) -> list[Event]:
        """Take the samples and settle the hours between the last block and this one."""
        before, self._last_ns = self._last_ns, time_ns
        hours = range(before // HOUR_NS + 1, time_ns // HOUR_NS + 1)
        if before // SAMPLE_NS != time_ns // SAMPLE_NS:
            self._sample(state, books)
        events: list[Event] = []
        for hour in hours:
            for _, market in list(state.markets.items()):
                events += self._tick(state, market, hour * HOUR_NS)
        if hours:
            self._samples.clear()
        return events

    def _sample(self, state: State, books: dict[int, Book]) -> None:
        for market_id, market in state.markets.items():
            price = state.prices.get(market_id)
            if price is None:
                continue
            samples = self._samples.setdefault(market_id, _Samples())
            samples.total += premium_ppm(market, books[market_id], price)
            samples.count += 1

    def _tick(self, state: State, market: MarketConfig, time_ns: int) -> list[Event]:
        perpetual, price = state.perpetuals.get(market.id), state.prices.get(market.id)
        if perpetual is None or price is None:
            raise ValueError(f"market {market.id} has no perpetual or no price")
        rate = self.next_rate(market)
        move = scaled_move(market, price, rate)
        index = perpetual.funding_index + move
        state.perpetuals.put(market.id, Perpetual(index, perpetual.open_interest))
        events: list[Event] = [FundingRateSet(market.id, rate, price, index, time_ns)]
        for key, account in state.subaccounts.items():
            held = account.positions.get(market.id)
            if held is not None:
                owed = -move * held.quantums // PPM
                events.append(
                    FundingPaid(key, market.id, held.quantums, owed, rate, index, price, time_ns)
                )
        return events


def scaled_move(market: MarketConfig, price: int, rate_ppm_8h: int) -> int:
    """Return an hour's index move: quote quantums x ppm per base quantum, toward zero."""
    exponent = market.notional_exponent
    numerator = price * rate_ppm_8h * 10 ** max(exponent, 0)
    return _divide(numerator, HOURS_PER_RATE * 10 ** max(-exponent, 0))


def _divide(value: int, by: int) -> int:
    whole = abs(value) // by
    return whole if value >= 0 else -whole
