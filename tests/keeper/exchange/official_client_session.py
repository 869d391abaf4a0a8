"""A session of dYdX's official client, run by its own interpreter; prints what it saw as JSON.

Arguments: the exchange's ports as JSON, the trader's key in hex, a hot key in hex.
"""

import asyncio
import inspect
import json
import sys
import threading
import time

from dydx_v4_client import OrderFlags
from dydx_v4_client.faucet_client import FaucetClient
from dydx_v4_client.indexer.rest.constants import OrderType
from dydx_v4_client.indexer.rest.indexer_client import IndexerClient
from dydx_v4_client.indexer.socket.websocket import IndexerSocket
from dydx_v4_client.key_pair import KeyPair
from dydx_v4_client.network import make_local
from dydx_v4_client.node.authenticators import Authenticator, AuthenticatorType
from dydx_v4_client.node.builder import TxOptions
from dydx_v4_client.node.client import NodeClient
from dydx_v4_client.node.market import Market
from dydx_v4_client.node.message import subaccount
from dydx_v4_client.wallet import Wallet
from v4_proto.dydxprotocol.clob.order_pb2 import Order
from v4_proto.dydxprotocol.clob.tx_pb2 import OrderBatch

TRADING = ",".join(
    "/dydxprotocol.clob." + name for name in ("MsgPlaceOrder", "MsgCancelOrder", "MsgBatchCancel")
)


class Session:
    """What the steps share: clients, wallet, messages of the stream, results."""

    def __init__(self, ports, key, hot_key):
        host = "127.0.0.1"
        rest = f"http://{host}:{ports['rest']}"
        self.network = make_local(
            node_url=f"{host}:{ports['grpc']}",
            rest_indexer=rest,
            websocket_indexer=f"ws://{host}:{ports['websocket']}",
        )
        self.indexer, self.faucet = IndexerClient(rest), FaucetClient(rest)
        self.key, self.hot_key = KeyPair.from_hex(key), KeyPair.from_hex(hot_key)
        self.messages, self.seen = [], {}
        self.usdc = self.network.node.usdc_denom

    async def open(self):
        self.node = await NodeClient.connect(self.network.node)
        address = Wallet(self.key, 0, 0).address
        account = await self.node.get_account(address)
        self.wallet = Wallet(self.key, account.account_number, account.sequence)
        self.address = address

    async def included(self, response):
        """Wait until a transaction is in a block; return its codes."""
        answer = response.tx_response
        if answer.code:
            return [answer.code, answer.raw_log]
        for _ in range(100):
            try:
                await self._get_tx(answer.txhash)
            except Exception as error:
                if "tx not found" not in str(error):
                    raise
                await asyncio.sleep(0.05)
            else:
                return [0, "included"]
        return [-1, "never included"]

    async def _get_tx(self, digest):
        from v4_proto.cosmos.tx.v1beta1.service_pb2 import GetTxRequest
        from v4_proto.cosmos.tx.v1beta1.service_pb2_grpc import ServiceStub

        return ServiceStub(self.node.channel).GetTx(GetTxRequest(hash=digest))


async def read(session):
    node, seen = session.node, session.seen
    seen["height"] = await node.latest_block_height()
    seen["denominations"] = [
        c.denom for c in (await node.get_account_balances(session.address)).balances
    ]
    seen["balance"] = (await node.get_account_balance(session.address, session.usdc)).balance.amount
    seen["pairs"] = [p.id for p in (await node.get_clob_pairs()).clob_pair]
    seen["pair"] = (await node.get_clob_pair(1)).subticks_per_tick
    seen["tickers"] = [p.params.ticker for p in (await node.get_perpetuals()).perpetual]
    seen["perpetual"] = (await node.get_perpetual(1)).perpetual.params.ticker
    seen["prices"] = [p.price for p in (await node.get_prices()).market_prices]
    seen["price"] = (await node.get_price(1)).exponent
    seen["fee_tier"] = (await node.get_user_fee_tier(session.address)).tier.maker_fee_ppm
    seen["fee_tiers"] = len((await node.get_fee_tiers()).params.tiers)
    seen["chain_id"] = (await node.get_node_info()).default_node_info.network
    seen["maker_notional"] = (await node.get_user_stats(session.address)).stats.maker_notional
    seen["equity_tiers"] = len(
        (await node.get_equity_tier_limit_config()).stateful_order_equity_tiers
    )
    seen["denom"] = (await node.get_rewards_params()).params.denom
    gating = await node.get_withdrawal_and_transfer_gating_status(1)
    seen["blocked_at"] = gating.withdrawals_and_transfers_unblocked_at_block
    capacity = await node.get_withdrawal_capacity_by_denom(session.usdc)
    seen["limiters"] = len(capacity.limiter_capacity_list)
    markets = await session.indexer.markets.get_perpetual_markets("ETH-USD")
    session.market = Market(markets["markets"]["ETH-USD"])
    seen["rest_height"] = int((await session.indexer.utility.get_height())["height"])
    latest = await node.latest_block()
    seen["block_seconds"] = latest.block.header.time.seconds
    seen["epoch"] = (await session.indexer.utility.get_time())["epoch"]


async def move_money(session):
    node, wallet, seen = session.node, session.wallet, session.seen
    first, second = (subaccount(session.address, n) for n in (0, 1))
    seen["deposit"] = await session.included(
        await node.deposit(wallet, session.address, first, 0, 500_000_000)
    )
    seen["transfer"] = await session.included(
        await node.transfer(wallet, first, second, 0, 20_000_000)
    )
    seen["withdraw"] = await session.included(
        await node.withdraw(wallet, second, session.address, 0, 5_000_000)
    )
    seen["send"] = await session.included(
        await node.send_token(wallet, session.address, session.address, 1, session.usdc)
    )
    seen["subaccounts"] = len((await node.get_subaccounts()).subaccount)
    shape = await session.indexer.account.get_subaccount(session.address, 0)
    seen["equity"] = shape["subaccount"]["equity"]
    transfers = await session.indexer.account.get_subaccount_transfers(session.address, 0)
    seen["transfers"] = [t["type"] for t in transfers["transfers"]]


def listen(session):
    """Follow the book and the subaccount in a thread, as the client's examples do."""

    def on_message(socket, message):
        session.messages.append(message)
        if message["type"] == "connected":
            socket.order_book.subscribe("ETH-USD", batched=False)
            socket.markets.subscribe()
            socket.subaccounts.subscribe(session.address, 0)

    socket = IndexerSocket(session.network.websocket_indexer, on_message=on_message)
    thread = threading.Thread(target=socket.run_forever, daemon=True)
    thread.start()
    deadline = time.monotonic() + 5
    while sum(m["type"] == "subscribed" for m in session.messages) < 3:
        if time.monotonic() > deadline:
            raise TimeoutError(session.messages)
        time.sleep(0.02)


def new_order(session, client_id, good_til_block, price=2_900):
    market = session.market
    identity = market.order_id(session.address, 0, client_id, 0)
    wire = market.order(
        identity,
        order_type=OrderType.LIMIT,
        side=Order.Side.SIDE_BUY,
        size=0.01,
        price=price,
        time_in_force=Order.TIME_IN_FORCE_UNSPECIFIED,
        reduce_only=False,
        good_til_block=good_til_block,
    )
    return identity, wire


def answer(response):
    return [response.tx_response.code, response.tx_response.raw_log]


async def trade(session):
    node, wallet, seen = session.node, session.wallet, session.seen
    until = await node.latest_block_height() + 15
    identity, wire = new_order(session, 1, until)
    seen["place"] = answer(await node.place_order(wallet, wire))
    _, better = new_order(session, 1, until + 1, price=2_950)
    seen["replace"] = answer(await node.place_order(wallet, better))
    seen["orders"] = [
        [o["status"], o["price"], o["goodTilBlock"] == str(until + 1)]
        for o in await session.indexer.account.get_subaccount_orders(session.address, 0)
    ]
    book = await session.indexer.markets.get_perpetual_market_orderbook("ETH-USD")
    seen["bids"] = book["bids"]
    seen["cancel"] = answer(await node.cancel_order(wallet, identity, good_til_block=until + 1))
    for client_id in (2, 3):
        _, wire = new_order(session, client_id, until)
        await node.place_order(wallet, wire)
    batch = OrderBatch(clob_pair_id=1, client_ids=[2, 3])
    response = await node.batch_cancel_orders(
        wallet, subaccount(session.address, 0), [batch], until
    )
    seen["batch_cancel"] = answer(response)
    book = await session.indexer.markets.get_perpetual_market_orderbook("ETH-USD")
    seen["bids_left"] = book["bids"]


async def use_hot_key(session):
    node, seen = session.node, session.seen
    hot = Wallet(session.hot_key, 0, 0)
    parts = [
        Authenticator.signature_verification(session.hot_key.public_key_bytes),
        Authenticator.message_filter(TRADING),
        Authenticator.subaccount_filter([0]),
        Authenticator.clob_pair_id_filter([1]),
    ]
    whole = Authenticator.compose(AuthenticatorType.AllOf, parts)
    seen["add_authenticator"] = await session.included(
        await node.add_authenticator(session.wallet, whole)
    )
    known = (await node.get_authenticators(session.address)).account_authenticators
    seen["authenticators"] = [entry.type for entry in known]
    options = TxOptions([known[0].id], session.wallet.sequence, session.wallet.account_number)
    until = await node.latest_block_height() + 15
    _, wire = new_order(session, 9, until)
    seen["hot_place"] = answer(await node.place_order(hot, wire, options))
    wire.order_id.clob_pair_id = 0
    seen["hot_other_pair"] = answer(await node.place_order(hot, wire, options))[0]
    seen["remove_authenticator"] = await session.included(
        await node.remove_authenticator(session.wallet, known[0].id)
    )


def rest_calls(session):
    """Name every method of the REST clients with its arguments."""
    address, ticker = session.address, "ETH-USD"
    own = (address, 0)
    return {
        session.indexer.markets: {
            "get_perpetual_markets": (),
            "get_perpetual_market_orderbook": (ticker,),
            "get_perpetual_market_trades": (ticker,),
            "get_perpetual_market_candles": (ticker, "1MIN"),
            "get_perpetual_market_historical_funding": (ticker,),
            "get_perpetual_market_sparklines": (),
        },
        session.indexer.account: {
            "get_subaccounts": (address,),
            "get_subaccount": own,
            "get_parent_subaccount": own,
            "get_subaccount_perpetual_positions": own,
            "get_parent_subaccount_positions": own,
            "get_subaccount_asset_positions": own,
            "get_parent_subaccount_asset_positions": own,
            "get_subaccount_transfers": own,
            "get_subaccount_orders": own,
            "get_order": (session.seen["order_id"],),
            "get_subaccount_fills": own,
            "get_subaccount_historical_pnls": own,
            "get_historical_block_trading_rewards": (address,),
            "get_historical_trading_rewards_aggregated": (address,),
            "get_transfer_between": (address, 0, address, 1),
            "get_parent_transfers": own,
            "list_parent_orders": own,
            "get_parent_fills": own,
            "get_parent_historical_pnls": own,
            "search_traders": (address,),
            "get_funding_payments": own,
            "get_funding_payments_for_parent_subaccount": own,
        },
        session.indexer.utility: {
            "get_time": (),
            "get_height": (),
            "screen": (address,),
            "compliance_screen": (address,),
        },
        session.indexer.megavault: {
            "get_megavault_historical_pnl": ("hour",),
            "get_vaults_historical_pnl": ("day",),
            "get_megavault_positions": (),
        },
        session.faucet: {"fill": (address, 0, 5), "fill_native": (address,)},
    }


def node_calls(session):
    """Name every query of the node's client that is about trading, with its arguments."""
    address, denom = session.address, session.usdc
    return {
        "get_account_balances": (address,),
        "get_account_balance": (address, denom),
        "get_account": (address,),
        "latest_block": (),
        "latest_block_height": (),
        "get_user_stats": (address,),
        "get_subaccount": (address, 0),
        "get_subaccounts": (),
        "get_clob_pair": (1,),
        "get_clob_pairs": (),
        "get_price": (1,),
        "get_prices": (),
        "get_perpetual": (1,),
        "get_perpetuals": (),
        "get_equity_tier_limit_config": (),
        "get_fee_tiers": (),
        "get_user_fee_tier": (address,),
        "get_rewards_params": (),
        "get_authenticators": (address,),
        "get_node_info": (),
        "get_withdrawal_and_transfer_gating_status": (0,),
        "get_withdrawal_capacity_by_denom": (denom,),
        "query_address": (address,),
    }


def methods(thing):
    return [
        name
        for name in dir(thing)
        if not name.startswith("_") and inspect.iscoroutinefunction(getattr(thing, name))
    ]


async def called(thing, name, arguments):
    """Return "ok", or what the client made of the answer."""
    try:
        answer = await getattr(thing, name)(*arguments)
    except Exception as error:  # noqa: BLE001 - whatever it raises is the result
        return repr(error)[:200]
    status = getattr(answer, "status_code", 200)
    return "ok" if status < 300 else f"status {status}"


async def every_method(session):
    """Call every method there is for what the exchange serves, and name what was not called."""
    results, uncalled = {}, []
    for thing, calls in rest_calls(session).items():
        kind = type(thing).__name__
        for name, arguments in calls.items():
            results[f"{kind}.{name}"] = await called(thing, name, arguments)
        uncalled += [f"{kind}.{name}" for name in methods(thing) if name not in calls]
    queries = node_calls(session)
    for name, arguments in queries.items():
        results[f"NodeClient.{name}"] = await called(session.node, name, arguments)
    uncalled += [f"NodeClient.{name}" for name in methods(session.node) if name not in queries]
    session.seen["methods"], session.seen["uncalled"] = results, sorted(set(uncalled))


async def trade_long_term(session):
    """Place an order that lives to a time, find it in the state, cancel it."""
    node, seen, market = session.node, session.seen, session.market
    identity = market.order_id(session.address, 0, 77, OrderFlags.LONG_TERM)
    until = seen["block_seconds"] + 3_600
    wire = market.order(
        identity,
        order_type=OrderType.LIMIT,
        side=Order.Side.SIDE_BUY,
        size=0.01,
        price=2_800,
        time_in_force=Order.TIME_IN_FORCE_UNSPECIFIED,
        reduce_only=False,
        good_til_block_time=until,
    )
    seen["long_place"] = await session.included(await node.place_order(session.wallet, wire))
    session.wallet.sequence += 1
    listed = await session.indexer.account.get_subaccount_orders(session.address, 0)
    seen["long_listed"] = [[o["status"], o["orderFlags"]] for o in listed if o["price"] == "2800"]
    seen["order_id"] = next(o["id"] for o in listed if o["price"] == "2800")
    cancel = await node.cancel_order(session.wallet, identity, good_til_block_time=until)
    seen["long_cancel"] = await session.included(cancel)
    session.wallet.sequence += 1


async def main():
    session = Session(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3])
    await session.open()
    await read(session)
    await move_money(session)
    listen(session)
    await trade(session)
    await use_hot_key(session)
    await asyncio.sleep(1)
    await trade_long_term(session)
    await every_method(session)
    session.seen["messages"] = session.messages
    print(json.dumps(session.seen))  # noqa: T201


asyncio.run(main())
