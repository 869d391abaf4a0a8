"""nautilus_trader on the peers' tape; run by the interpreter of its own environment.

Takes a tape and the rule's four numbers (`__main__.py`) and prints one JSON object. Its backtest
engine with its defaults (risk engine on, cache, portfolio, L1 book), its logging off and its order
rate limits raised; a strategy in Python, as its documentation has them, that keeps one post-only
order a side and modifies it where the price is more than the tolerance off, at most once a block.
Timed is `BacktestEngine.run()` alone.
"""

import json
import sys
import time
from decimal import Decimal
from pathlib import Path

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, RiskEngineConfig, StrategyConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

PPM = 1_000_000
CENT_E8 = 1_000_000
INSTRUMENT = TestInstrumentProvider.ethusdt_perp_binance()


class FixedSpread(Strategy):
    """One order a side at a constant distance from the middle, in integers of a cent."""

    def __init__(self, order, half_spread_ppm, tolerance_ppm, block_ms):
        super().__init__(StrategyConfig(strategy_id="FIXED-000"))
        self.order_micro, self.half, self.tolerance = order, half_spread_ppm, tolerance_ppm
        self.working = {OrderSide.BUY: None, OrderSide.SELL: None}
        self.sent_block = {OrderSide.BUY: -1, OrderSide.SELL: -1}
        self.block_ns, self.next_ns, self.block = block_ms * 1_000_000, 0, 0
        self.sent = self.filled = 0

    def on_start(self):
        self.subscribe_quote_ticks(INSTRUMENT.id)

    def on_quote_tick(self, tick):
        if tick.ts_event >= self.next_ns:
            self.next_ns = tick.ts_event + self.block_ns
            self.block += 1
        middle = float(tick.bid_price) + float(tick.ask_price)
        twice_cents = round(middle * 100)
        bid = twice_cents * (PPM - self.half) // (2 * PPM)
        ask = -(-twice_cents * (PPM + self.half) // (2 * PPM))
        self.keep(OrderSide.BUY, bid, twice_cents)
        self.keep(OrderSide.SELL, ask, twice_cents)

    def keep(self, side, cents, twice_cents):
        if self.sent_block[side] == self.block:
            return
        known = self.working[side]
        if known is not None and not known.is_closed:
            off = abs(round(float(known.price) * 100) - cents)
            if off * PPM <= self.tolerance * cents:
                return
            if known.is_pending_update or known.is_pending_cancel:
                return
            self.count(side)
            self.modify_order(known, price=Price(cents / 100, 2))
            return
        size = self.order_micro * 2 // (twice_cents * 10)
        placed = self.order_factory.limit(
            instrument_id=INSTRUMENT.id,
            order_side=side,
            quantity=Quantity(size / 1000, 3),
            price=Price(cents / 100, 2),
            post_only=True,
        )
        self.working[side] = placed
        self.count(side)
        self.submit_order(placed)

    def count(self, side):
        self.sent += 1
        self.sent_block[side] = self.block

    def on_order_filled(self, _event):
        self.filled += 1


def ticks(file):
    found = []
    with open(file) as stream:
        for line in stream:
            t_ns, bid, bid_size, ask, ask_size = map(int, line.split())
            found.append(
                QuoteTick(
                    instrument_id=INSTRUMENT.id,
                    bid_price=Price(bid / 1e8, 2),
                    ask_price=Price(ask / 1e8, 2),
                    bid_size=Quantity(bid_size / 1e8, 3),
                    ask_size=Quantity(ask_size / 1e8, 3),
                    ts_event=t_ns,
                    ts_init=t_ns,
                )
            )
    return found


def run(file, *rule):
    rate = "1000000/00:00:01"
    engine = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(max_order_submit_rate=rate, max_order_modify_rate=rate),
            run_analysis=False,
        )
    )
    engine.add_venue(
        venue=Venue("BINANCE"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USDT,
        starting_balances=[Money(1_000_000, USDT)],
        default_leverage=Decimal(10),
    )
    engine.add_instrument(INSTRUMENT)
    data = ticks(file)
    engine.add_data(data)
    maker = FixedSpread(*rule)
    engine.add_strategy(maker)
    started, cpu_started = time.perf_counter_ns(), time.thread_time_ns()
    engine.run()
    wall, cpu = time.perf_counter_ns() - started, time.thread_time_ns() - cpu_started
    result = {
        "maker": "nautilus_trader",
        "lines": len(data),
        "steps": engine.iteration,
        "orders": maker.sent,
        "fills": maker.filled,
        "wall_ns": wall,
        "cpu_ns": cpu,
    }
    engine.dispose()
    return result


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), *map(int, sys.argv[2:6]))))
