"""What a market's settings would have quoted and filled on a tape: pure, for comparing rules.

The tape is a series of best levels and prints of one market in its own units. Quotes follow each
change of the best levels at once, as the core would place them: reference, signals, overlays, rule.
The fill model is the conservative one: an order of ours fills only when a print goes through its
price, never at it, in order of price and no more than the print's size; what would take is not
placed. There is no latency and no limit on messages or margin: compare rules by it, not profit.
"""

from collections.abc import Iterable, Iterator

import msgspec

from keeper.core.signals import Top, learn_fill, learn_markouts, learn_top, signals_of
from keeper.core.state import MarketState
from keeper.domain.approval import Refused
from keeper.domain.events import FillReceived
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Liquidity, Quote, Side
from keeper.domain.settings import MarketSettings
from keeper.domain.units import NS_PER_SECOND, PPM, div_up
from keeper.markets.book import Book
from keeper.markets.perpetual import value_trunc
from keeper.strategies import rules
from keeper.strategies.overlays import bent
from keeper.strategies.snapshot import MarketSnapshot, moved_out

__all__ = ["Best", "Filled", "Printed", "Quoted", "TapePoint", "walk"]


class Best(msgspec.Struct, frozen=True, array_like=True):
    """Best levels from `t_ns` (unix ns) on, in subticks and base quantums."""

    t_ns: int
    top: Top


class Printed(msgspec.Struct, frozen=True, array_like=True):
    """A trade by its aggressor's side."""

    t_ns: int
    side: Side
    subticks: int
    quantums: int


TapePoint = Best | Printed


class Quoted(msgspec.Struct, frozen=True, kw_only=True):
    """What stood after a change of the best levels; the code where nothing did.

    `equity` in quote quantums, the position valued at the middle.
    """

    t_ns: int
    middle: int
    quotes: tuple[Quote, ...]
    refused: str
    position: int
    equity: int


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """An order of ours that filled; `cash` is the change in quote quantums, `fee` taken off."""

    t_ns: int
    side: Side
    subticks: int
    quantums: int
    cash: int
    fee: int


class _Account:
    """Position in base quantums and cash in quote quantums; fees are rounded up."""

    def __init__(self, cash: int, maker_fee_ppm: int) -> None:
        self.cash = cash
        self.position = 0
        self._fee_ppm = maker_fee_ppm

    def fill(self, listing: PerpetualMarket, quote: Quote, quantums: int) -> tuple[int, int]:
        """Book a fill and return the change of cash and the fee in it, both against us."""
        if quote.side is Side.BUY:
            change = -listing.quote_quantums_up(quantums, quote.subticks)
        else:
            change = listing.quote_quantums_down(quantums, quote.subticks)
        fee = div_up(abs(change) * self._fee_ppm, PPM)
        self.cash += change - fee
        self.position += quote.side.sign * quantums
        return change - fee, fee


def walk(
    settings: MarketSettings,
    listing: PerpetualMarket,
    cash: int,
    maker_fee_ppm: int,
    tape: Iterable[TapePoint],
) -> Iterator[Quoted | Filled]:
    """Yield what is quoted at each change of the best levels and every fill, in order of time.

    `cash` is what the account begins with, in quote quantums. A middle stands for the oracle.
    """
    market = MarketState(settings=settings, listing=listing, book=Book())
    account = _Account(cash, maker_fee_ppm)
    standing: tuple[Quote, ...] = ()
    for point in tape:
        if isinstance(point, Best):
            found = _quoted(market, listing, account, point)
            standing = found.quotes
            yield found
            continue
        left: list[Quote] = []
        room = point.quantums
        for quote in _by_priority(standing, point.side.opposite):
            taken = min(room, quote.quantums) if _is_through(quote, point) else 0
            if taken:
                room -= taken
                change, fee = account.fill(listing, quote, taken)
                _learn(market, quote, taken, point.t_ns)
                yield Filled(
                    t_ns=point.t_ns,
                    side=quote.side,
                    subticks=quote.subticks,
                    quantums=taken,
                    cash=change,
                    fee=fee,
                )
            if quote.quantums > taken:
                left.append(msgspec.structs.replace(quote, quantums=quote.quantums - taken))
        standing = (*left, *(q for q in standing if q.side is point.side))


def _quoted(
    market: MarketState, listing: PerpetualMarket, account: _Account, point: Best
) -> Quoted:
    middle = (point.top.bid + point.top.ask) // 2
    market.oracle_price = listing.oracle_price_down(middle)
    learn_top(market, point.top, point.t_ns)
    learn_markouts(market, point.t_ns)
    equity = account.cash + value_trunc(listing, account.position, market.oracle_price)
    answer = _asked(market, listing, account, equity, point.t_ns)
    return Quoted(
        t_ns=point.t_ns,
        middle=middle,
        quotes=() if isinstance(answer, Refused) else _resting(answer, point.top),
        refused=answer.code if isinstance(answer, Refused) else "",
        position=account.position,
        equity=equity,
    )


def _asked(
    market: MarketState, listing: PerpetualMarket, account: _Account, equity: int, t_ns: int
) -> tuple[Quote, ...] | Refused:
    settings = market.settings
    if settings is None:
        return ()
    snapshot = MarketSnapshot(
        market=listing,
        oracle_price=market.oracle_price,
        usdc=account.cash,
        equity=equity,
        inventory=account.position,
        close_only=False,
        now_s=t_ns // NS_PER_SECOND if rules.has_horizon(settings.strategy) else 0,
    )
    if settings.overlays is not None:
        seen = bent(settings.overlays, signals_of(market, t_ns), snapshot)
        if isinstance(seen, Refused):
            return seen
        snapshot = seen
    answer = rules.quote(settings.strategy, snapshot)
    return answer if isinstance(answer, Refused) else moved_out(answer, snapshot)


def _resting(quotes: tuple[Quote, ...], top: Top) -> tuple[Quote, ...]:
    """Those that would not take."""
    return tuple(
        quote
        for quote in quotes
        if (quote.subticks < top.ask if quote.side is Side.BUY else quote.subticks > top.bid)
    )


def _by_priority(quotes: tuple[Quote, ...], side: Side) -> list[Quote]:
    ours = [quote for quote in quotes if quote.side is side]
    return sorted(ours, key=lambda quote: -side.sign * quote.subticks)


def _is_through(quote: Quote, point: Printed) -> bool:
    return (point.subticks - quote.subticks) * quote.side.sign < 0


def _learn(market: MarketState, quote: Quote, quantums: int, t_ns: int) -> None:
    fill = FillReceived(
        fill_id="",
        market=quote.market,
        client_id=None,
        side=quote.side,
        quantums=quantums,
        subticks=quote.subticks,
        quote_quantums=0,
        fee_quote_quantums=0,
        liquidity=Liquidity.MAKER,
        kind="",
        height=0,
    )
    learn_fill(market, fill, t_ns)
