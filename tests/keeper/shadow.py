"""A venue and limits written a second time, on their own, to judge what the keeper sends.

The shadow keeps every message that may still act, fills any live version at random, loses answers,
and re-computes worst cases from its own books; it shares no code with `keeper.risk` or
`keeper.execution`.
"""

import random
from dataclasses import dataclass, field
from fractions import Fraction

from keeper.domain.commands import CancelOrders, Command, CommandId, PlaceOrder
from keeper.domain.events import Event, FillReceived, OrderUpdated
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Liquidity, Side, TimeInForce
from keeper.domain.settings import MarketSettings, OrderToTrade, StepSettings
from tests.keeper.builders import result

__all__ = ["ShadowOrder", "ShadowVenue"]


@dataclass
class ShadowOrder:
    """Every version of an id that may still act: (total size, price, last block)."""

    market: str
    side: Side
    immediate: bool
    versions: list[tuple[int, int, int]]
    filled: int = 0
    gone: bool = False
    changed_ns: int = 0


@dataclass
class ShadowVenue:
    """Truth about orders and positions, and the judge of every command."""

    chosen: StepSettings
    listings: dict[str, PerpetualMarket]
    rng: random.Random
    height: int
    oracle: dict[str, int]
    orders: dict[int, ShadowOrder] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    cash: Fraction = Fraction(0)
    messages: dict[int, int] = field(default_factory=dict)
    touched: dict[int, set[int]] = field(default_factory=dict)
    fills: int = 0
    judged: int = 0
    now: int = 0
    forward: dict[str, list[int]] = field(default_factory=dict)
    filled_at: dict[str, list[int]] = field(default_factory=dict)
    held: int = 0

    def advance(self, height: int) -> None:
        """Reach a height: versions whose last block lies below it can do nothing any more."""
        self.height = height
        for order in self.orders.values():
            order.versions = [v for v in order.versions if v[2] >= height]
        self.orders = {cid: order for cid, order in self.orders.items() if order.versions}

    def open_quantums(self, market: str, side: Side) -> int:
        """Most that can still fill on a side."""
        return sum(
            max(0, max(v[0] for v in order.versions) - order.filled)
            for order in self.orders.values()
            if order.market == market and order.side is side
        )

    def value(self, market: str, quantums: int) -> Fraction:
        """|quantums| at the oracle in quote quantums, exact."""
        listing = self.listings[market]
        scale = Fraction(10) ** (listing.oracle_exponent + listing.atomic_resolution + 6)
        return abs(quantums) * self.oracle[market] * scale

    def judge(self, command: Command) -> None:
        """Assert that a command breaks no limit, then take it into the books."""
        if isinstance(command, CancelOrders):
            highest = max(
                (v[2] for i in command.client_ids for v in self.orders[i].versions), default=0
            )
            assert command.good_til_block >= highest
            self._count()
        if isinstance(command, PlaceOrder):
            self._judge_place(command)
            self.judged += 1

    def answer(self, command_id: CommandId, command: Command) -> list[Event]:
        """What the venue says to a message: an ack, a loss of the answer, a refusal, or nothing."""
        if isinstance(command, CancelOrders):
            return [result(command_id, "ACK"), *self._cancel_words(command)]
        if not isinstance(command, PlaceOrder):
            return []
        luck = self.rng.random()
        if luck < 0.05:
            order = self.orders[command.client_id]
            order.versions = [v for v in order.versions if v[2] != command.good_til_block]
            if not order.versions:
                del self.orders[command.client_id]
            return [result(command_id, *self.rng.choice((("REJECTED", 2003), ("DROPPED", 0))))]
        if luck < 0.15:
            return [result(command_id, "UNKNOWN")]
        return [result(command_id, "ACK")] if luck < 0.9 else []

    def fill_something(self) -> list[Event]:
        """Fill part of any version of any order that may still act, old versions included."""
        open_ids = [
            cid
            for cid, order in self.orders.items()
            if max(v[0] for v in order.versions) > order.filled
        ]
        if not open_ids:
            return []
        client_id = self.rng.choice(open_ids)
        order = self.orders[client_id]
        version = self.rng.choice([v for v in order.versions if v[0] > order.filled])
        step = self.listings[order.market].step_base_quantums
        left = version[0] - order.filled
        quantums = min(left, step * self.rng.randint(1, max(1, left // step)))
        return self._book_fill(client_id, order, quantums, version[1])

    def _book_fill(
        self, client_id: int, order: ShadowOrder, quantums: int, subticks: int
    ) -> list[Event]:
        listing = self.listings[order.market]
        sign = 1 if order.side is Side.BUY else -1
        quote = listing.quote_quantums_down(quantums, subticks)
        order.filled += quantums
        self.filled_at.setdefault(order.market, []).append(self.now)
        self.positions[order.market] = self.positions.get(order.market, 0) + sign * quantums
        self.cash -= sign * quote + quote // 10_000
        self.fills += 1
        fill = FillReceived(
            fill_id=f"shadow-{self.fills}",
            market=order.market,
            client_id=client_id,
            side=order.side,
            quantums=quantums,
            subticks=subticks,
            quote_quantums=quote,
            fee_quote_quantums=quote // 10_000,
            liquidity=Liquidity.MAKER,
            kind="LIMIT",
            height=self.height,
        )
        word = OrderUpdated(
            market=order.market,
            client_id=client_id,
            status="OPEN",
            total_filled_quantums=order.filled,
            good_til_block=max(v[2] for v in order.versions),
            removal_reason="",
        )
        return [word, fill] if self.rng.random() < 0.5 else [fill, word]

    def _cancel_words(self, command: CancelOrders) -> list[Event]:
        """Some cancels are confirmed as best effort; the id can still fill until it expires."""
        events: list[Event] = []
        for client_id in command.client_ids:
            order = self.orders.get(client_id)
            if order is None or self.rng.random() < 0.4:
                continue
            order.gone = True
            events.append(
                OrderUpdated(
                    market=order.market,
                    client_id=client_id,
                    status="BEST_EFFORT_CANCELED",
                    total_filled_quantums=order.filled,
                    good_til_block=command.good_til_block,
                    removal_reason="ORDER_REMOVAL_REASON_USER_CANCELED",
                )
            )
        return events

    def _count(self) -> None:
        self.messages[self.height] = self.messages.get(self.height, 0) + 1

    def _judge_place(self, place: PlaceOrder) -> None:
        listing, limits = self.listings[place.market], self.chosen.limits
        settings = next(m for m in self.chosen.markets if m.ticker == place.market)
        assert place.quantums > 0
        assert place.quantums % listing.step_base_quantums == 0
        assert place.subticks > 0
        assert place.subticks % listing.subticks_per_tick == 0
        lifetime = place.good_til_block - self.height
        assert 0 < lifetime <= settings.good_til_block_offset + 2
        self._count()
        assert self.messages[self.height] <= limits.max_messages_per_block
        assert self.height not in self.touched.setdefault(place.client_id, set())
        self.touched[place.client_id].add(self.height)
        if place.time_in_force is not TimeInForce.IOC:
            self._judge_pace(place, settings)
        self._judge_price(place)
        self._judge_no_own_cross(place)
        before = self._worst(place.market)
        gross_before = self._gross()
        order = self.orders.get(place.client_id)
        filled = 0 if order is None else order.filled
        value = self.value(place.market, place.quantums - filled)
        assert value <= limits.max_order_quote_quantums
        self._take(place)
        after = self._worst(place.market)
        side = 0 if place.side is Side.BUY else 1
        if after[side] > before[side]:
            worth = self.value(place.market, after[side])
            assert worth <= settings.max_position_quote_quantums
        if self._gross() > gross_before:
            assert self._gross() <= limits.max_gross_quote_quantums
            assert self._margin() <= self._equity()

    def _judge_pace(self, place: PlaceOrder, settings: MarketSettings) -> None:
        """No change before it has rested but a step back; none forward beyond the cap."""
        order = self.orders.get(place.client_id)
        resting, cap = settings.resting, settings.order_to_trade
        if order is None:
            if cap is not None:
                self._judge_cap(place.market, cap)
            return
        total, subticks, _ = max(order.versions, key=lambda v: v[2])
        back = (subticks - place.subticks) * (1 if place.side is Side.BUY else -1)
        if (total, subticks) == (place.quantums, place.subticks):
            return
        rested = self.now - order.changed_ns
        if resting is not None and rested < resting.min_resting_ms * 1_000_000:
            assert place.quantums <= total
            assert back == 0 or back * 1_000_000 > resting.urgent_ppm * subticks
            self.held += 1
        same_price = abs(back) * 1_000_000 <= settings.price_tolerance_ppm * subticks
        left = place.quantums - order.filled
        change = abs(place.quantums - total) * 1_000_000
        same_size = left > 0 and change <= settings.size_tolerance_ppm * left
        if (
            cap is not None
            and not (same_price and same_size)
            and (back < 0 or place.quantums > total)
        ):
            self._judge_cap(place.market, cap)
        order.changed_ns = self.now

    def _judge_cap(self, market: str, cap: OrderToTrade) -> None:
        """At most the free messages and the ratio's share of fills, in the window by its parts."""
        part = cap.window_seconds * 1_000_000_000 // 60
        oldest = self.now // part - 60
        sent = self.forward.setdefault(market, [])
        sent.append(self.now)
        number = sum(at // part >= oldest for at in sent)
        fills = sum(at // part >= oldest for at in self.filled_at.get(market, ()))
        assert number <= cap.free_messages + (cap.max_ratio + 1) * fills

    def _judge_price(self, place: PlaceOrder) -> None:
        listing, oracle = self.listings[place.market], self.oracle[place.market]
        shift = listing.oracle_exponent + 6 + listing.atomic_resolution
        shift -= listing.quantum_conversion_exponent
        reference = oracle * Fraction(10) ** shift
        band = self.chosen.limits.price_band_ppm
        assert abs(place.subticks - reference) * 1_000_000 <= band * reference + 1_000_000

    def _judge_no_own_cross(self, place: PlaceOrder) -> None:
        """No order of ours may meet another one of ours that rests, as its newest version says."""
        for order in self.orders.values():
            if order.market != place.market or order.side is place.side:
                continue
            if order.gone or order.immediate:
                continue
            newest = max(order.versions, key=lambda v: v[2])
            if newest[0] <= order.filled:
                continue
            if place.side is Side.BUY:
                assert place.subticks < newest[1]
            else:
                assert place.subticks > newest[1]

    def _take(self, place: PlaceOrder) -> None:
        version = (place.quantums, place.subticks, place.good_til_block)
        order = self.orders.get(place.client_id)
        if order is None:
            immediate = place.time_in_force is TimeInForce.IOC
            self.orders[place.client_id] = ShadowOrder(
                place.market, place.side, immediate, [version], changed_ns=self.now
            )
            return
        assert order.side is place.side
        assert all(place.good_til_block > v[2] for v in order.versions)
        order.versions.append(version)

    def _worst(self, market: str) -> tuple[int, int]:
        """Worst long and worst short position; neither below zero."""
        position = self.positions.get(market, 0)
        longest = position + self.open_quantums(market, Side.BUY)
        shortest = position - self.open_quantums(market, Side.SELL)
        return max(0, longest), max(0, -shortest)

    def _gross(self) -> Fraction:
        return sum(
            (self.value(market, max(self._ends(market))) for market in self.listings), Fraction(0)
        )

    def _ends(self, market: str) -> tuple[int, int]:
        position = self.positions.get(market, 0)
        longest = position + self.open_quantums(market, Side.BUY)
        shortest = position - self.open_quantums(market, Side.SELL)
        return abs(longest), abs(shortest)

    def _margin(self) -> Fraction:
        return sum(
            (
                self.value(market, max(self._ends(market))) * listing.initial_margin_ppm / 1_000_000
                for market, listing in self.listings.items()
            ),
            Fraction(0),
        )

    def _equity(self) -> Fraction:
        worth = self.cash + len(self.listings)
        for market, position in self.positions.items():
            sign = 1 if position >= 0 else -1
            worth += sign * self.value(market, position)
        return worth
