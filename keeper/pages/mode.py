"""In which world a keeper acts, in the one word every page shows."""

from typing import Final

__all__ = ["mode_of"]

_MODES: Final = {
    "dydx-mainnet-1": "live",
    "dydx-testnet-4": "testnet",
    "localdydxprotocol": "local world",
}


def mode_of(venue_chain_id: str, *, shadow: bool = False) -> str:
    """Name the world of an order-book venue's chain; an unknown chain is named as it is.

    A shadow reads and decides there and sends nothing.
    """
    world = _MODES.get(venue_chain_id, venue_chain_id)
    return f"shadow of {world}" if shadow else world
