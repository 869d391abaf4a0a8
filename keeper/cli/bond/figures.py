"""How a bond's figures read: prices, parts, and a price path drawn with characters."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from keeper.cli.amounts import shown
from keeper.cli.output import scaled
from keeper.pages.times import lasting

if TYPE_CHECKING:
    from keeper.chain.bonds import MarketTerms
    from keeper.markets.bonds import Point

__all__ = ["chart", "discount_text", "part_text", "plain", "price_text", "tokens_text"]

PRICE_DECIMALS: Final = 36
DIGITS: Final = 6
HEIGHT: Final = 8
FALL, MARKET, FLOOR = "*", "=", "_"


def price_text(price: int) -> str:
    """Write a price [1e-36] to six digits that count, down; whole digits are never cut."""
    spare = max(0, min(len(str(price)) - DIGITS, PRICE_DECIMALS))
    return scaled(price // 10**spare, PRICE_DECIMALS - spare)


def tokens_text(amount: int, terms: "MarketTerms") -> str:
    """Write an amount of a market's token."""
    return shown(amount, terms.token_decimals, terms.symbol)


def part_text(part: int, whole: int) -> str:
    """Write a part of a whole in percent, down to a hundredth."""
    return "0.00 %" if not whole else f"{scaled(part * 10_000 // whole, 2)} %"


def discount_text(discount_bps: int) -> str:
    """Write a discount; a negative one is a premium."""
    kind = "below" if discount_bps >= 0 else "above"
    return f"{scaled(abs(discount_bps), 2)} % {kind} the market"


def chart(path: "Sequence[Point]", *, reference: int, floor: int) -> list[str]:
    """Draw a price path: `*` the price, `=` the market's price, `_` the floor.

    One column a point, the scale from nothing to the highest of the three.
    """
    top = max(reference, *(point.price for point in path))
    margin = max(len(price_text(top)), len(price_text(floor)))
    rows = []
    for number in range(HEIGHT):
        cells = "".join(_cell(number, top, point.price, reference, floor) for point in path)
        label = price_text(top * (HEIGHT - number) // HEIGHT) if number in (0, HEIGHT // 2) else ""
        rows.append(f"{label.rjust(margin)} |{cells}".rstrip())
    ends = lasting(path[-1].time - path[0].time)
    axis = f"{' ' * margin} +{'-' * len(path)}"
    return [*rows, axis, f"{' ' * margin}  now{ends.rjust(len(path) - 3)}"]


def _cell(number: int, top: int, price: int, reference: int, floor: int) -> str:
    """What stands in one cell; the price hides the others."""
    for value, sign in ((price, FALL), (reference, MARKET), (floor, FLOOR)):
        if value and _row(value, top) == number:
            return sign
    return " "


def _row(value: int, top: int) -> int:
    """Row of a value, 0 the highest: the whole height is `top`."""
    return HEIGHT - 1 - min(HEIGHT - 1, max(0, (value * HEIGHT - 1) // top))


def plain(item: Any) -> dict[str, Any]:
    """A slotted value as JSON, its fields by name."""
    return {name: getattr(item, name) for name in item.__slots__}
