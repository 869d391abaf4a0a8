"""What `keeper flatten` waits for, how far it has come, and why it does not get further."""

from typing import Any, Final

from keeper.cli.output import scaled

__all__ = ["GOES_ON", "is_flat", "unclosed", "what_is_left"]

GOES_ON: Final = "it goes on by itself; watch it with: keeper status"
WIDER: Final = (
    "it goes on by itself when the book comes closer; to take a worse price, raise "
    "hedge_max_slippage_ppm of the market in the file and restart (it then goes on flattening)"
)


def is_flat(status: dict[str, Any]) -> bool:
    """Whether nothing is open: no quote, no range, no position."""
    quotes = any(m["bids"] or m["asks"] for m in status["markets"])
    return not (quotes or any(what_is_left(status)))


def what_is_left(status: dict[str, Any]) -> tuple[int, ...]:
    """Size of each market's position in base quantums and number of each pool's ranges."""
    positions = (abs(m["position_base_quantums"]) for m in status["markets"])
    return (*positions, *(len(pool["ranges"]) for pool in status["pools"]))


def unclosed(status: dict[str, Any]) -> tuple[str, str]:
    """Say what is left, why as far as the keeper knows, and the next step."""
    refused = sorted({refusal.partition(":")[0] for refusal in status["refusals"]} - {"EXITING"})
    parts = [_market(market) for market in status["markets"] if _is_open(market)]
    parts += [f"{len(p['ranges'])} ranges in {p['pool']}" for p in status["pools"] if p["ranges"]]
    why = "; ".join(parts) or f"state {status['state']}"
    if any(map(_is_beyond, status["markets"])):
        return why, WIDER
    if refused:
        return f"{why}; in force: {', '.join(refused)}", f"keeper explain {refused[0]}"
    return why, GOES_ON


def _is_open(market: dict[str, Any]) -> bool:
    return bool(market["position_base_quantums"] or market["bids"] or market["asks"])


def _market(market: dict[str, Any]) -> str:
    position = scaled(market["position_base_quantums"], market["base_decimals"])
    text = f"{market['market']} position {position}, {market['bids'] + market['asks']} orders"
    if not _is_beyond(market):
        return text
    limit = scaled(market["flattening_limit_subticks"], market["subticks_decimals"])
    side, price = _taken(market)
    best = scaled(price, market["subticks_decimals"]) if price else "none"
    return f"{text} (best {side} {best}, orders go as far as {limit})"


def _is_beyond(market: dict[str, Any]) -> bool:
    """Whether the best price on the other side is outside of what an order may take."""
    limit = market["flattening_limit_subticks"]
    if limit is None:
        return False
    side, price = _taken(market)
    return not price or (price < limit if side == "bid" else price > limit)


def _taken(market: dict[str, Any]) -> tuple[str, int]:
    """The side of the book that closing takes from, and its best price."""
    side = "bid" if market["position_base_quantums"] > 0 else "ask"
    return side, market[f"best_{side}_subticks"]
