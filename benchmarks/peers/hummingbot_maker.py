"""hummingbot on the peers' tape; run by the interpreter of its own environment.

Takes `line` or `second` (how often it ticks), a tape and the rule's four numbers (`__main__.py`),
and prints one JSON object. Its pure market making strategy on its paper trade exchange and order
book, compiled from its source, silent below a warning. Each line replaces the book's best levels.
Timed is the whole loop with the event loop's turns; the rows that the book takes are made before.
"""

import asyncio
import json
import logging
import sys
import time
from decimal import Decimal
from pathlib import Path

from hummingbot.connector.exchange.paper_trade.paper_trade_exchange import PaperTradeExchange
from hummingbot.connector.exchange_base import ExchangeBase
from hummingbot.connector.test_support.mock_order_tracker import MockOrderTracker
from hummingbot.core.clock import Clock
from hummingbot.core.clock_mode import ClockMode
from hummingbot.core.data_type.composite_order_book import CompositeOrderBook
from hummingbot.core.data_type.order_book_row import OrderBookRow
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import MarketEvent
from hummingbot.strategy.market_trading_pair_tuple import MarketTradingPairTuple
from hummingbot.strategy.pure_market_making.pure_market_making import PureMarketMakingStrategy

PPM = Decimal(1_000_000)
E8 = 10**8
SECOND = 1.0
PAIR = ("ETH-USDT", "ETH", "USDT")
FEES_OF = "binance_perpetual"
"""Whose fees the paper exchange takes: 200 ppm of a maker, as the others pay."""
CREATED = (MarketEvent.BuyOrderCreated, MarketEvent.SellOrderCreated)
CREATED_AFTER_SECONDS = 0.01
"""The paper exchange says that it has an order after so much time of the machine."""


class Counter:
    """Counts what the exchange announces; keeps the listeners, which the exchange holds weakly."""

    def __init__(self, exchange):
        self.sent = self.filled = 0
        self.listeners = []
        for event in CREATED:
            self.listen(exchange, event, self.on_created)
        self.listen(exchange, MarketEvent.OrderFilled, self.on_filled)

    def listen(self, exchange, event, function):
        self.listeners.append(EventForwarder(function))
        exchange.add_listener(event, self.listeners[-1])

    def on_created(self, _event):
        self.sent += 1

    def on_filled(self, _event):
        self.filled += 1


class Complaints(logging.Handler):
    """Keeps warnings and errors: hummingbot catches what goes wrong in a tick and logs it."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.said = []

    def emit(self, record):
        self.said.append(self.format(record))


def lines(file):
    """Pairs of unix seconds and the book's one row a side."""
    found = []
    with open(file) as stream:
        for number, line in enumerate(stream):
            t_ns, bid, bid_size, ask, ask_size = map(int, line.split())
            bids = [OrderBookRow(bid / E8, bid_size / E8, number)]
            asks = [OrderBookRow(ask / E8, ask_size / E8, number)]
            found.append((t_ns / 1e9, bids, asks))
    return found


def paper_exchange():
    """Its paper trade exchange on an order book that only the tape fills, with deep pockets."""
    tracker = MockOrderTracker()
    exchange = PaperTradeExchange(tracker, ExchangeBase, exchange_name=FEES_OF)
    tracker.order_books[PAIR[0]] = CompositeOrderBook()
    for asset in PAIR[1:]:
        exchange.set_balance(asset, Decimal(1_000_000))
    if not exchange.ready:
        raise RuntimeError("the paper trade exchange did not take the order book")
    return exchange


def fixed_spread(exchange, amount, half_spread_ppm, tolerance_ppm, waits):
    """The rule in the strategy's own settings; what is not named here is its default.

    `waits` hold its seconds from a pair of orders to the next pair and from a fill to new orders.
    The former is half a block at `second`, or a tick passes between cancelling and placing.
    """
    spread = Decimal(half_spread_ppm) / PPM
    strategy = PureMarketMakingStrategy()
    strategy.init_params(
        market_info=MarketTradingPairTuple(exchange, *PAIR),
        bid_spread=spread,
        ask_spread=spread,
        minimum_spread=Decimal(-1),
        order_amount=amount,
        order_refresh_tolerance_pct=Decimal(tolerance_ppm) / PPM,
        logging_options=0,
        **waits,
    )
    return strategy


def size(order_micro, bids, asks):
    """The order's size in ether at the first middle; the strategy's stays as it is."""
    middle = (Decimal(str(bids[0].price)) + Decimal(str(asks[0].price))) / 2
    return (Decimal(order_micro) / PPM / middle).quantize(Decimal("0.001"))


def ticker(pace, tape, exchange, strategy):
    """What a line does to both; returns the ticks it made.

    Only a clock of its own can tick the exchange, and a clock's steps are all of one length.
    So at `line` the exchange's is a step a line, evenly over the tape, and the strategy, whose
    decisions depend on time, is ticked at the line's own. At `second` both follow one clock, which
    ticks at the first line of a second.
    """
    start, end = tape[0][0], tape[-1][0]
    if pace == "second":
        clock = Clock(ClockMode.BACKTEST, SECOND, start // SECOND * SECOND - SECOND)
        clock.add_iterator(exchange)
        clock.add_iterator(strategy)
        return by_second(clock)
    step = (end - start) / len(tape)
    clock = Clock(ClockMode.BACKTEST, step, start)
    clock.add_iterator(exchange)
    strategy.start(clock)
    return by_line(clock, step, strategy)


def by_second(clock):
    def tick(now):
        before = clock.current_timestamp
        clock.backtest_til(now // SECOND * SECOND)
        return round((clock.current_timestamp - before) / SECOND)

    return tick


def by_line(clock, step, strategy):
    def tick(now):
        clock.backtest_til(clock.current_timestamp + step / 2)
        strategy.tick(now)
        return 1

    return tick


async def play(tape, book, tick, block_seconds):
    """Put every line into the book and tick; its event loop has a turn once a block."""
    next_turn, ticks = 0.0, 0
    for now, bids, asks in tape:
        book.apply_snapshot(bids, asks, bids[0].update_id)
        ticks += tick(now)
        if now >= next_turn:
            next_turn = now + block_seconds
            await asyncio.sleep(0)
    return ticks


async def run(pace, file, order, half_spread_ppm, tolerance_ppm, block_ms):
    tape = lines(file)
    exchange = paper_exchange()
    counter = Counter(exchange)
    block = block_ms / 1_000
    amount = size(order, *tape[0][1:])
    refresh = block if pace == "line" else block / 2
    waits = {"order_refresh_time": refresh, "filled_order_delay": block / 2}
    strategy = fixed_spread(exchange, amount, half_spread_ppm, tolerance_ppm, waits)
    book = exchange.get_order_book(PAIR[0])
    tick = ticker(pace, tape, exchange, strategy)
    started, cpu_started = time.perf_counter_ns(), time.thread_time_ns()
    ticks = await play(tape, book, tick, block)
    await asyncio.sleep(2 * CREATED_AFTER_SECONDS)
    wall, cpu = time.perf_counter_ns() - started, time.thread_time_ns() - cpu_started
    return {
        "maker": "hummingbot",
        "lines": len(tape),
        "steps": ticks,
        "orders": counter.sent,
        "fills": counter.filled,
        "wall_ns": wall,
        "cpu_ns": cpu,
    }


def main():
    logging.disable(logging.INFO)
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    rule = map(int, sys.argv[3:7])
    result = asyncio.run(run(sys.argv[1], Path(sys.argv[2]), *rule))
    if complaints.said:
        sys.exit(f"hummingbot complained {len(complaints.said)} times, first: {complaints.said[0]}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
