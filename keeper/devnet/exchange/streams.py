"""Owns stream subscriptions: channels, limits, initial contents. Knows nothing of sockets."""

from dataclasses import dataclass
from typing import Any

from . import views_account, views_market
from .candles import RESOLUTIONS
from .indexer import Message
from .model import SubaccountId
from .tables import BEST_EFFORT_CANCELED, OPEN, OPENED, UNTRIGGERED, Tables

__all__ = ["CHANNELS", "Channel", "UnknownSubscription", "initial_contents", "subaccount_orders"]

Json = dict[str, Any]
RECENT_BLOCKS = 20  # how far back a canceled order is still part of the initial contents


class UnknownSubscription(Exception):
    """The id does not name anything of the channel. Raised and handled by the stream."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel's message version and how many of it one connection may follow."""

    version: str
    limit: int


CHANNELS = {
    "v4_orderbook": Channel("1.0.0", 32),
    "v4_trades": Channel("2.1.0", 32),
    "v4_markets": Channel("1.0.0", 32),
    "v4_candles": Channel("1.0.0", 32),
    "v4_subaccounts": Channel("3.0.0", 256),
    "v4_parent_subaccounts": Channel("3.0.0", 256),
    "v4_block_height": Channel("1.0.0", 1),
}


def initial_contents(ix: Tables, channel: str, identity: str) -> Json:
    """Return what a new subscriber is told first. Raises UnknownSubscription."""
    if channel == "v4_orderbook":
        return views_market.orderbook(ix, market_id(ix, identity))
    if channel == "v4_trades":
        rows = list(ix.markets[market_id(ix, identity)].trades)[:-101:-1]
        return {"trades": [views_market.trade(ix, row) for row in rows]}
    if channel == "v4_candles":
        return _candles(ix, identity)
    if channel == "v4_subaccounts":
        return _subaccount(ix, identity)
    if channel == "v4_parent_subaccounts":
        return _parent(ix, identity)
    if channel == "v4_markets":
        return markets(ix)
    return views_market.block(ix)


def market_id(ix: Tables, ticker: str) -> int:
    """Return the id of a ticker. Raises UnknownSubscription."""
    market = ix.config.ticker(ticker)
    if market is None:
        raise UnknownSubscription(ticker)
    return market.id


def markets(ix: Tables) -> Json:
    """Return every market."""
    shapes = (views_market.perpetual_market(ix, key) for key in ix.markets)
    return {"markets": {shape["ticker"]: shape for shape in shapes}}


def parent_message(message: Message) -> Message | None:
    """Return a subaccount's update as the followers of its parent get it, None for any other."""
    if message.channel != "v4_subaccounts":
        return None
    key = parse_subaccount(message.id)
    identity = f"{key.owner}/{key.number % views_account.PARENTS}"
    return Message("v4_parent_subaccounts", identity, message.contents, key.number)


def _candles(ix: Tables, identity: str) -> Json:
    ticker, _, resolution = identity.partition("/")
    if resolution not in RESOLUTIONS:
        raise UnknownSubscription(identity)
    key = market_id(ix, ticker)
    rows = ix.markets[key].candles.between(resolution, 0, ix.time_ns + 1)[:100]
    return {"candles": [views_market.candle(ix, key, resolution, row) for row in rows]}


def parse_subaccount(identity: str) -> SubaccountId:
    """Return the subaccount of `address/number`. Raises UnknownSubscription."""
    owner, _, number = identity.partition("/")
    if not number.isdecimal():
        raise UnknownSubscription(identity)
    return SubaccountId(owner, int(number))


def subaccount_orders(ix: Tables, key: SubaccountId) -> list[Json]:
    """Return the orders a new subscriber of a subaccount is told of."""
    chosen = []
    for row in ix.orders.values():
        if row.order.id.subaccount != key:
            continue
        recent = row.order.good_til_block > ix.height - RECENT_BLOCKS
        if row.status in (OPEN, OPENED, UNTRIGGERED) or (
            row.status == BEST_EFFORT_CANCELED and recent
        ):
            chosen.append(views_account.order(ix, row))
    return chosen


def _parent(ix: Tables, identity: str) -> Json:
    parent = parse_subaccount(identity)
    if parent.number >= views_account.PARENTS:
        raise UnknownSubscription(identity)
    keys = views_account.children(ix, parent)
    if not keys:
        return {}
    return {
        "subaccount": views_account.parent_subaccount(ix, parent, keys),
        "orders": [order for key in keys for order in subaccount_orders(ix, key)],
        "blockHeight": str(ix.height),
    }


def _subaccount(ix: Tables, identity: str) -> Json:
    key = parse_subaccount(identity)
    shape = views_account.subaccount(ix, key)
    if shape is None:
        return {}
    return {
        "subaccount": shape,
        "orders": subaccount_orders(ix, key),
        "blockHeight": str(ix.height),
    }
