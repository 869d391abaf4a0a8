"""The local exchange: one asyncio process that speaks dYdX v4's own wire protocols.

Inside is a pure, deterministic, integer-only state machine (`chain`) with optimistic matching at
CheckTx (`memclob`) and committed fills at block commit. Around it: validator gRPC (`rpc*`),
an indexer fed by the state machine's events (`indexer`, `views`) with its REST (`rest`) and
websocket (`websocket`), and an administration port (`admin`). It imports nothing else of `keeper`,
so that the venue adapter and this exchange cannot share one misunderstanding.

Run it with `python -m keeper.devnet.exchange --config exchange.json`, or in a test with
`async with Exchange(ExchangeConfig()) as exchange:` and `exchange.make_block()`.
"""

from .config import ExchangeConfig, MarketConfig, Ports, RateLimit, load_config
from .process import Exchange

__all__ = ["Exchange", "ExchangeConfig", "MarketConfig", "Ports", "RateLimit", "load_config"]
