"""Owns the JSON shapes of accounts: orders, fills, positions, subaccounts."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from .config import QUOTE_RESOLUTION
from .decimals import fraction, iso, order_uuid, position_uuid, power, subaccount_uuid
from .ledger import settled
from .margin import initial_margin_ppm
from .model import Condition, Order, Side, Subaccount, SubaccountId, TimeInForce
from .views_market import Json, market_of, price, size, ticker, usd

if TYPE_CHECKING:
    from .rows import FillRow, OrderRow, PositionRow
    from .tables import Tables

PPM = 1_000_000
PARENTS = 128  # child n belongs to parent n % PARENTS
NS = 10**9
TIMES_IN_FORCE = {TimeInForce.IOC: "IOC"}
TYPES = {  # by condition, and whether the order is immediate
    (Condition.STOP_LOSS, False): "STOP_LIMIT",
    (Condition.STOP_LOSS, True): "STOP_MARKET",
    (Condition.TAKE_PROFIT, False): "TAKE_PROFIT",
    (Condition.TAKE_PROFIT, True): "TAKE_PROFIT_MARKET",
}


def channel_id(key: SubaccountId) -> str:
    """Return the id of a subaccount's stream."""
    return f"{key.owner}/{key.number}"


def order_type(order: Order) -> str:
    """Return the indexer's type of an order."""
    return TYPES.get((order.condition, order.time_in_force is TimeInForce.IOC), "LIMIT")


def _life(ix: Tables, order: Order) -> Json:
    if not order.is_stateful:
        return {"goodTilBlock": str(order.good_til_block)}
    life = {"goodTilBlockTime": iso(order.good_til_time * NS)}
    if order.condition is not Condition.NONE:
        market = market_of(ix, order.id.clob_pair_id)
        life["triggerPrice"] = price(market, order.trigger_subticks)
    return life


def _order(ix: Tables, row: OrderRow) -> Json:
    order = row.order
    market = market_of(ix, order.id.clob_pair_id)
    return {
        "id": order_uuid(order.id),
        "subaccountId": subaccount_uuid(order.id.subaccount),
        "clientId": str(order.id.client_id),
        "clobPairId": str(order.id.clob_pair_id),
        "side": order.side.name,
        "size": size(market, order.quantums),
        "price": price(market, order.subticks),
        "type": order_type(order),
        "status": row.status,
        "timeInForce": TIMES_IN_FORCE.get(order.time_in_force, "GTT"),
        "postOnly": order.time_in_force is TimeInForce.POST_ONLY,
        "reduceOnly": order.reduce_only,
        "orderFlags": str(order.id.flags),
        **_life(ix, order),
        "clientMetadata": str(order.client_metadata),
        "ticker": market.ticker,
    }


def order(ix: Tables, row: OrderRow) -> Json:
    """Return an order as listed."""
    market = market_of(ix, row.order.id.clob_pair_id)
    shape = _order(ix, row)
    shape["totalFilled"] = size(market, row.filled)
    if row.created_height:
        shape["createdAtHeight"] = str(row.created_height)
    if row.updated_height:
        shape["updatedAt"] = iso(row.updated_ns)
        shape["updatedAtHeight"] = str(row.updated_height)
    if row.removal_reason:
        shape["removalReason"] = row.removal_reason
    shape["subaccountNumber"] = row.order.id.subaccount.number
    return shape


def placed_order(ix: Tables, row: OrderRow) -> Json:
    """Return an order as streamed when it is placed."""
    return _order(ix, row)


def removed_order(ix: Tables, row: OrderRow) -> Json:
    """Return an order as streamed when it is removed."""
    market = market_of(ix, row.order.id.clob_pair_id)
    return {
        **_order(ix, row),
        "removalReason": row.removal_reason,
        "totalOptimisticFilled": size(market, row.optimistic),
    }


def _committed_order(ix: Tables, row: OrderRow) -> Json:
    shape = order(ix, row)
    for name in ("goodTilBlock", "goodTilBlockTime", "triggerPrice"):
        shape.setdefault(name, None)
    del shape["subaccountNumber"]
    return shape


# Fills


def _fill(ix: Tables, row: FillRow) -> Json:
    market = market_of(ix, row.market_id)
    named: Json = {}
    if row.order.is_own:  # liquidated and deleveraged fills have no order behind them
        named["orderId"] = order_uuid(row.order.id)
        named["clientMetadata"] = str(row.order.client_metadata)
    return {
        "id": row.id,
        "side": row.order.side.name,
        "liquidity": row.liquidity,
        "type": row.kind,
        "price": price(market, row.subticks),
        "size": size(market, row.quantums),
        "fee": usd(row.fee),
        "createdAt": iso(row.time_ns),
        "createdAtHeight": str(row.height),
        **named,
    }


def fill(ix: Tables, row: FillRow) -> Json:
    """Return a fill as listed."""
    market = market_of(ix, row.market_id)
    before = row.position_before
    return {
        **_fill(ix, row),
        "market": market.ticker,
        "marketType": "PERPETUAL",
        "affiliateRevShare": "0",
        "positionSizeBefore": size(market, abs(before)),
        "positionSideBefore": None if not before else "LONG" if before > 0 else "SHORT",
        "subaccountNumber": row.key.number,
    }


def fill_update(ix: Tables, row: FillRow) -> Json:
    """Return a fill as streamed."""
    market = market_of(ix, row.market_id)
    return {
        **_fill(ix, row),
        "subaccountId": subaccount_uuid(row.key),
        "clobPairId": str(row.market_id),
        "ticker": market.ticker,
        "quoteAmount": usd(row.quote),
        "eventId": row.event_id,
        "transactionHash": row.transaction,
        "affiliateRevShare": "0",
    }


# Positions and subaccounts


def position(ix: Tables, row: PositionRow) -> Json:
    """Return a position as listed; sizes of shorts are negative."""
    market = market_of(ix, row.market_id)
    unit = power(market.price_exponent)
    entry = Fraction(row.open_cost, row.sum_open) if row.sum_open else Fraction(0)
    leave = Fraction(row.close_cost, row.sum_close) if row.sum_close else None
    per_quantum = unit * power(market.atomic_resolution)
    gain = row.side.sign * ((leave or Fraction(0)) - entry) * row.sum_close * per_quantum
    oracle = (ix.state.prices.get(row.market_id) or 0) * power(market.oracle_exponent)
    paper = row.quantums * power(market.atomic_resolution) * (oracle - entry * unit)
    funding = row.net_funding * power(QUOTE_RESOLUTION)
    return {
        "market": market.ticker,
        "status": "CLOSED" if row.closed_height else "OPEN",
        "side": "LONG" if row.side is Side.BUY else "SHORT",
        "size": size(market, row.quantums),
        "maxSize": size(market, row.max_quantums),
        "entryPrice": fraction(entry * unit),
        "exitPrice": fraction(leave * unit) if leave is not None else None,
        "realizedPnl": fraction(gain + funding),
        "unrealizedPnl": fraction(paper),
        "createdAt": iso(row.opened_ns),
        "createdAtHeight": str(row.opened_height),
        "closedAt": iso(row.closed_ns) if row.closed_height else None,
        "sumOpen": size(market, row.sum_open),
        "sumClose": size(market, row.sum_close),
        "netFunding": usd(row.net_funding),
        "subaccountNumber": row.key.number,
    }


def position_update(ix: Tables, row: PositionRow) -> Json:
    """Return a position as streamed."""
    shape = position(ix, row)
    for name in ("createdAt", "createdAtHeight", "closedAt"):
        del shape[name]
    identity = position_uuid(row.key, row.event_id)
    return {**shape, "address": row.key.owner, "positionId": identity}


def asset_positions(key: SubaccountId, account: Subaccount) -> list[Json]:
    """Return the collateral of a subaccount, empty when it is zero."""
    total = account.usdc + sum(held.quote_balance for held in account.positions.values())
    if not total:
        return []
    return [
        {
            "symbol": "USDC",
            "side": "LONG" if total > 0 else "SHORT",
            "size": usd(abs(total)),
            "assetId": "0",
            "subaccountNumber": key.number,
        }
    ]


def worth(ix: Tables, account: Subaccount) -> tuple[Fraction, Fraction]:
    """Return (equity, free collateral) in USD of a settled subaccount."""
    equity = account.usdc * power(QUOTE_RESOLUTION)
    margin = Fraction(0)
    for market_id, held in account.positions.items():
        market = market_of(ix, market_id)
        perpetual = ix.state.perpetuals.get(market_id)
        oracle = ix.state.prices.get(market_id) or 0
        value = held.quantums * oracle * power(market.oracle_exponent + market.atomic_resolution)
        interest = perpetual.open_interest if perpetual else 0
        equity += value + held.quote_balance * power(QUOTE_RESOLUTION)
        margin += abs(value) * Fraction(initial_margin_ppm(market, oracle, interest), PPM)
    return equity, equity - margin


def settled_account(ix: Tables, key: SubaccountId) -> Subaccount:
    """Return a subaccount with its funding settled, empty when it never existed."""
    return settled(ix.state, ix.state.subaccounts.get(key) or Subaccount())[0]


def subaccount(ix: Tables, key: SubaccountId) -> Json | None:
    """Return a subaccount, None when it never existed."""
    stored = ix.state.subaccounts.get(key)
    if stored is None:
        return None
    account = settled(ix.state, stored)[0]
    equity, free = worth(ix, account)
    rows = [ix.positions.get((key, market_id)) for market_id in account.positions]
    return {
        "address": key.owner,
        "subaccountNumber": key.number,
        "equity": fraction(equity),
        "freeCollateral": fraction(free),
        "openPerpetualPositions": {
            ticker(ix, row.market_id): position(ix, row) for row in rows if row is not None
        },
        "assetPositions": {asset["symbol"]: asset for asset in asset_positions(key, account)},
        "marginEnabled": True,
        "updatedAtHeight": str(ix.updated.get(key, 0)),
        "latestProcessedBlockHeight": str(ix.height),
    }


def children(ix: Tables, parent: SubaccountId) -> list[SubaccountId]:
    """Return the known subaccounts that belong to a parent."""
    return [
        key
        for key, _ in ix.state.subaccounts.items()
        if key.owner == parent.owner and key.number % PARENTS == parent.number
    ]


def parent_subaccount(ix: Tables, parent: SubaccountId, keys: list[SubaccountId]) -> Json:
    """Return a parent with its children."""
    worths = [worth(ix, settled_account(ix, key)) for key in keys]
    return {
        "address": parent.owner,
        "parentSubaccountNumber": parent.number,
        "equity": fraction(sum((equity for equity, _ in worths), Fraction(0))),
        "freeCollateral": fraction(sum((free for _, free in worths), Fraction(0))),
        "childSubaccounts": [subaccount(ix, key) for key in keys],
    }


def subaccount_update(
    ix: Tables, key: SubaccountId, orders: list[OrderRow], fills: list[FillRow]
) -> Json:
    """Return what a block changed for a subaccount."""
    contents: Json = {"blockHeight": str(ix.height)}
    if fills:
        contents["fills"] = [fill_update(ix, row) for row in fills]
        rows = [ix.position_after(key, m) for m in {row.market_id: None for row in fills}]
        contents["perpetualPositions"] = [position_update(ix, row) for row in rows if row]
    if orders:
        contents["orders"] = [_committed_order(ix, row) for row in orders]
    account = ix.state.subaccounts.get(key)
    if account is not None:
        contents["assetPositions"] = [
            {**asset, "address": key.owner} for asset in asset_positions(key, account)
        ]
    return contents
