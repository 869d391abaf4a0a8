"""The official client's methods on the local exchange, called one by one and laid out as a page.

The session runs in the client's own environment (`scripts/dydx_client_env.sh` makes it).
"""

import asyncio
from pathlib import Path
from typing import Final

from keeper.devnet.exchange import Exchange, ExchangeConfig
from keeper.devnet.exchange.model import SubaccountId
from tests.keeper.exchange.official_process import PYTHON, answers_of
from tests.keeper.exchange.wallets import SELL, Trader, order, place

__all__ = ["OUTSIDE", "PYTHON", "called", "render"]

ROOT: Final = Path(__file__).resolve().parents[3]
SESSION: Final = Path(__file__).with_name("every_method.py")
OUTSIDE: Final = "outside what a market maker needs: "
_BLOCK_SECONDS: Final = 0.1
_TIMEOUT_SECONDS: Final = 300
_MEANINGS: Final = {
    "ok": "served, the answer is as it should be",
    "gRPC UNIMPLEMENTED": OUTSIDE + "answers UNIMPLEMENTED",
    "gRPC UNKNOWN": OUTSIDE + "the simulation refuses the message",
    "HTTP 404": OUTSIDE + "answers 404",
}
_HEAD: Final = """\
# dYdX's official client on the local exchange

Made by `python -m tests.keeper.official > docs/official-client.md`, and checked to be current.
Version 1.1.5, unmodified, in an environment of its own.
Every public method of its classes is found by introspection and called once.

| method | result |
|---|---|
"""


async def called() -> dict[str, str]:
    """Call every method on a fresh exchange where somebody sells at 3,000."""
    trader, hot, seller = Trader(1), Trader(2), Trader(3)
    async with Exchange(ExchangeConfig(faucet=True)) as exchange:
        for each in (trader, seller):
            exchange.chain.credit(each.address, 2_000_000_000, each.address)
        exchange.chain.faucet(SubaccountId(seller.address, 0), 10_000_000_000)
        exchange.make_block()
        known = exchange.chain.state.accounts.get(seller.address)
        assert known is not None
        seller.number = known.number
        blocks = asyncio.create_task(_make_blocks(exchange, seller))
        rows = await answers_of(SESSION, exchange, trader, hot, _TIMEOUT_SECONDS)
        blocks.cancel()
    return rows


async def _make_blocks(exchange: Exchange, seller: Trader) -> None:
    while True:
        wire = order(seller, side=SELL, price=30_000, size=50, gtb=exchange.chain.height + 3)
        outcome = exchange.chain.check_tx(place(seller, wire))
        exchange.publish(tuple(outcome.events))
        await asyncio.sleep(_BLOCK_SECONDS)
        exchange.make_block()


def render(rows: dict[str, str]) -> str:
    """Return the page."""
    lines = [f"| `{name}` | {_MEANINGS.get(word, word)} |\n" for name, word in rows.items()]
    return _HEAD + "".join(lines)
