"""What bounds a position beside its largest value: the market's size, and stops on raising it."""

from typing import NamedTuple

import msgspec

from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side
from keeper.domain.units import PPM, div_down
from keeper.markets.perpetual import quantums_for_value_down

__all__ = [
    "UNBOUNDED",
    "Bounds",
    "Cap",
    "Stop",
    "depeg_ppm",
    "depeg_stop",
    "depth_cap",
    "funding_stop",
    "gap_beyond",
    "interest_cap",
    "smallest",
    "stale_stop",
    "volume_cap",
]


class Cap(NamedTuple):
    """Base quantums that a position may not be driven beyond, and the code that says why."""

    code: str
    quantums: int


class Stop(NamedTuple):
    """Why net delta may not be raised on a side now, with both numbers."""

    code: str
    limit: int
    value: int


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """A market's bounds by side, and the prices in subticks that other venues show for it."""

    buy_cap: Cap | None = None
    sell_cap: Cap | None = None
    buy_stop: Stop | None = None
    sell_stop: Stop | None = None
    elsewhere: tuple[int, ...] = ()

    def cap(self, side: Side) -> Cap | None:
        """Largest position towards a side; None without one."""
        return self.buy_cap if side is Side.BUY else self.sell_cap

    def stop(self, side: Side) -> Stop | None:
        """Why nothing may be raised towards a side; None while it may."""
        return self.buy_stop if side is Side.BUY else self.sell_stop


UNBOUNDED = Bounds()


def gap_beyond(subticks: int, elsewhere: tuple[int, ...], band_ppm: int) -> int | None:
    """Distance in ppm to the first price elsewhere that is farther than the band; None: none is."""
    for price in elsewhere:
        distance = abs(subticks - price) * PPM
        if distance > band_ppm * price:
            return distance // price
    return None


def smallest(caps: list[Cap]) -> Cap | None:
    """Return the tightest of some caps, the first of equal ones; None without any."""
    return min(caps, key=lambda cap: cap.quantums, default=None)


def interest_cap(open_interest: int, part_ppm: int) -> Cap:
    """Part of a market's open interest, which is in base quantums."""
    return Cap("OPEN_INTEREST", div_down(open_interest * part_ppm, PPM))


def volume_cap(market: PerpetualMarket, volume: int, part_ppm: int, oracle_price: int) -> Cap:
    """Part of what is traded in 24 hours, which is in quote quantums, at the oracle."""
    worth = div_down(volume * part_ppm, PPM)
    return Cap("VOLUME", quantums_for_value_down(market, worth, oracle_price))


def depth_cap(visible: int, refills: int) -> Cap:
    """What the closing side absorbs: base quantums near its best price, as often as they return."""
    return Cap("DEPTH", max(0, visible) * refills)


def stale_stop(code: str, age: int, max_age: int) -> Stop | None:
    """Stop on what is older than allowed, or was never told (-1)."""
    return Stop(code, max_age, age) if age < 0 or age > max_age else None


def depeg_stop(price: int, decimals: int, most_ppm: int) -> Stop | None:
    """Stop on a price of the asset too far from 1; one that is not positive is all of it off."""
    away = depeg_ppm(price, decimals)
    return Stop("DEPEG", most_ppm, away) if away > most_ppm else None


def depeg_ppm(price: int, decimals: int) -> int:
    """Distance of the asset's price from 1, in ppm, down."""
    one = 10**decimals
    return abs(price - one) * PPM // one if price > 0 else PPM


def funding_stop(side: Side, rate_ppm: int, ceiling_ppm: int) -> Stop | None:
    """Stop on the side that pays funding beyond the ceiling; ppm a day, positive: longs pay."""
    paid = rate_ppm * side.sign
    return Stop("FUNDING", ceiling_ppm, paid) if paid > ceiling_ppm else None
