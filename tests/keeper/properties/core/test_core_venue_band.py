"""Nothing rests, nor is wanted, beyond other venues' band after any event; broken twins do both.

The order book's word is kept here from the messages alone, and the band is judged in fractions.
"""

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from keeper.core import quoting
from keeper.core.quoting import _stranded, desired_quotes
from keeper.domain.commands import CancelOrders, Command, PlaceOrder
from keeper.domain.events import Event
from keeper.domain.orders import Side
from keeper.domain.settings import Resting
from keeper.markets.univ3 import sqrt_price_down
from keeper.risk import bounds
from tests.keeper.builders import (
    ALLOCATION,
    LEADER,
    LIMITS,
    SECOND,
    Keeper,
    leader,
    market_settings,
    oracle,
    pool_seen,
    pool_settings,
    settings,
)

BAND_PPM = 10_000
PPM = 1_000_000
USD = 10**6
"""Subticks of a US dollar in this market, and units of its oracle price."""
CENTS_E8 = 10**6
START = 3_000
SECONDS = 150
WANDER = 24
"""US dollars that a price goes from where it began, at most."""
SOURCES = ("leader", "oracle", "pool")
WEIGHTLESS = replace(LEADER, weight_ppm=0, band_ppm=PPM, pull_band_ppm=PPM, max_basis_ppm=PPM)


class Story:
    """Three prices wander apart; what rests is what the messages leave on a venue that obeys."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.price = dict.fromkeys(SOURCES, START)
        self.resting: dict[int, PlaceOrder] = {}
        self.faults: Counter[str] = Counter()
        self.moved = self.judged = self.told = 0
        market = market_settings(
            leader=WEIGHTLESS,
            price_tolerance_ppm=8_000,
            resting=Resting(min_resting_ms=4_000, urgent_ppm=4_000),
        )
        chosen = settings(
            markets=(market,),
            pools=(pool_settings(),),
            allocation=ALLOCATION,
            limits=replace(LIMITS, other_venue_band_ppm=BAND_PPM),
        )
        self.keeper = Keeper(chosen)
        self.obey(self.keeper.start())
        for source in SOURCES:
            self.tell(source)

    def run(self) -> "Story":
        for _ in range(SECONDS):
            self.obey(self.keeper.block(price=self.price["oracle"] * USD))
            for source in self.rng.sample(SOURCES, len(SOURCES)):
                self.price[source] += self.rng.choice((0, 0, 0, -9, -3, 3, 9))
                self.price[source] = min(START + WANDER, max(START - WANDER, self.price[source]))
                self.tell(source)
        return self

    def tell(self, source: str) -> None:
        """Tell one price, and judge what rests and is wanted once the messages are obeyed."""
        before = set(self.resting)
        self.obey(self.keeper.feed(self._event(source)))
        self.obey(self.keeper.answer())
        self.told += 1
        if self.told < len(SOURCES):
            return
        self.moved += before != set(self.resting)
        ladder, _ = desired_quotes(self.keeper.state, "ETH-USD", self._limits())
        for what, orders in (("rests", self.resting.values()), ("wanted", ladder.values())):
            for order in orders:
                self.judged += 1
                self.faults[f"{what} {order.side.value}"] += self._is_beyond(order.subticks)

    def obey(self, commands: list[Command]) -> None:
        for command in commands:
            if isinstance(command, PlaceOrder):
                self.resting[command.client_id] = command
            elif isinstance(command, CancelOrders):
                for client_id in command.client_ids:
                    self.resting.pop(client_id, None)
        height = self.keeper.height
        self.resting = {i: o for i, o in self.resting.items() if o.good_til_block >= height}

    def _event(self, source: str) -> Event:
        keeper, price = self.keeper, self.price[source]
        if source == "oracle":
            return oracle(keeper.height, price * USD)
        if source == "leader":
            cents = price * 100 * CENTS_E8
            return leader(self.told, bid=cents - CENTS_E8, ask=cents + CENTS_E8)
        root = sqrt_price_down(price * USD, 10**18)
        now = keeper.now // SECOND
        return pool_seen(self.told, block_timestamp=now, sqrt_price_x96=root)

    def _is_beyond(self, subticks: int) -> bool:
        """By more than what rounding a price to a subtick may add."""
        return any(
            abs(Fraction(subticks, self.price[source] * USD) - 1) * PPM > BAND_PPM + 1
            for source in ("leader", "pool")
        )

    def _limits(self) -> Any:
        chosen = self.keeper.state.settings
        assert chosen is not None
        return chosen.limits


def stories() -> list[Story]:
    return [Story(seed).run() for seed in range(4)]


def test_step__prices_wander_apart__nothing_rests_or_is_wanted_beyond_the_band() -> None:
    told = stories()

    assert all(not +story.faults for story in told)
    assert all(story.moved > 20 and story.judged > 2_000 for story in told)


def wants_anything(ladder: Any, *_: Any) -> Any:
    return ladder


def strands_anything(*_: Any) -> dict[str, Any]:
    return {}


def strands_sells(*given: Any) -> dict[str, Any]:
    return {slot: why for slot, why in _stranded(*given).items() if Side.BUY.value in why.subject}


def first_price_alone(subticks: int, elsewhere: tuple[int, ...], band_ppm: int) -> int | None:
    return bounds.gap_beyond(subticks, elsewhere[:1], band_ppm)


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        ({"_within": wants_anything}, {"wanted"}),
        ({"_stranded": strands_anything}, {"rests"}),
        ({"_stranded": strands_sells}, {"rests"}),
        ({"_within": wants_anything, "_stranded": strands_anything}, {"rests", "wanted"}),
        ({"gap_beyond": first_price_alone}, {"rests", "wanted"}),
    ],
)
def test_step__broken_band__is_caught(
    broken: dict[str, Callable[..., Any]], found: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, twin in broken.items():
        monkeypatch.setattr(quoting, name, twin)

    caught = sum((story.faults for story in stories()), Counter())

    assert {fault.split()[0] for fault in +caught} == found
