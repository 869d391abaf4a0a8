"""Calls every public method of dYdX's own client; run by its own interpreter, prints JSON.

Arguments: the exchange's ports as JSON, the trader's key and a hot key in hex. What is printed is
one row a method: its class, its name, and what came of it.
"""

import asyncio
import inspect
import json
import logging
import sys

logging.disable(logging.CRITICAL)

import grpc  # noqa: E402
import httpx  # noqa: E402
from dydx_v4_client.faucet_client import FaucetClient  # noqa: E402
from dydx_v4_client.indexer.rest.constants import OrderType  # noqa: E402
from dydx_v4_client.indexer.rest.indexer_client import IndexerClient  # noqa: E402
from dydx_v4_client.indexer.rest.modules.account import AccountClient  # noqa: E402
from dydx_v4_client.indexer.rest.modules.affiliate import AffiliateClient  # noqa: E402
from dydx_v4_client.indexer.rest.modules.markets import MarketsClient  # noqa: E402
from dydx_v4_client.indexer.rest.modules.status import StatusClient  # noqa: E402
from dydx_v4_client.indexer.rest.modules.vaults import MegaVaultClient  # noqa: E402
from dydx_v4_client.key_pair import KeyPair  # noqa: E402
from dydx_v4_client.network import make_local  # noqa: E402
from dydx_v4_client.node.authenticators import Authenticator, AuthenticatorType  # noqa: E402
from dydx_v4_client.node.builder import TxOptions, as_any  # noqa: E402
from dydx_v4_client.node.client import NodeClient  # noqa: E402
from dydx_v4_client.node.market import Market  # noqa: E402
from dydx_v4_client.node.message import send_token, subaccount  # noqa: E402
from dydx_v4_client.wallet import Wallet  # noqa: E402
from v4_proto.cosmos.tx.v1beta1.service_pb2 import BROADCAST_MODE_SYNC  # noqa: E402
from v4_proto.dydxprotocol.clob.order_pb2 import Order  # noqa: E402
from v4_proto.dydxprotocol.clob.tx_pb2 import OrderBatch  # noqa: E402

CLASSES = (
    NodeClient,
    MarketsClient,
    AccountClient,
    StatusClient,
    MegaVaultClient,
    AffiliateClient,
    FaucetClient,
    Authenticator,
)
USD = 1_000_000
NATIVE = "/faucet/native-token"
PAST = "2020-01-01T00:00:00.000Z"


class Session:
    """What the calls share."""

    def __init__(self, ports, key, hot_key):
        host = "127.0.0.1"
        rest = f"http://{host}:{ports['rest']}"
        self.network = make_local(
            node_url=f"{host}:{ports['grpc']}",
            rest_indexer=rest,
            websocket_indexer=f"ws://{host}:{ports['websocket']}",
        )
        self.indexer = IndexerClient(rest)
        self.faucet = FaucetClient(rest)
        self.key, self.hot = KeyPair.from_hex(key), Wallet(KeyPair.from_hex(hot_key), 0, 0)
        self.usdc = self.network.node.usdc_denom
        self.rows = {}

    async def open(self):
        self.node = await NodeClient.connect(self.network.node)
        self.address = Wallet(self.key, 0, 0).address
        account = await self.node.get_account(self.address)
        self.wallet = Wallet(self.key, account.account_number, account.sequence)
        markets = await self.indexer.markets.get_perpetual_markets("ETH-USD")
        self.market = Market(markets["markets"]["ETH-USD"])

    async def call(self, owner, name, attempt, holds=bool):
        """Make one call; keep whether its answer is what it should be, or how it failed."""
        try:
            answer = attempt()
            if inspect.isawaitable(answer):
                answer = await answer
            word = "ok" if holds(answer) else "another answer"
        except grpc.RpcError as error:
            answer, word = None, f"gRPC {error.code().name}"
        except httpx.HTTPStatusError as error:
            answer, word = None, f"HTTP {error.response.status_code}"
        except Exception as error:  # noqa: BLE001 - what the client itself cannot do is a result
            answer, word = None, f"the client fails: {type(error).__name__} {error}"
        self.rows[f"{owner.__name__}.{name}"] = word
        return answer

    def order(self, client_id, until, price=2_900, side=Order.Side.SIDE_BUY):
        identity = self.market.order_id(self.address, 0, client_id, 0)
        wire = self.market.order(
            identity,
            order_type=OrderType.LIMIT,
            side=side,
            size=0.01,
            price=price,
            time_in_force=Order.TIME_IN_FORCE_UNSPECIFIED,
            reduce_only=False,
            good_til_block=until,
        )
        return identity, wire

    async def landed(self, response):
        """Wait until a transaction is in a block; whether it succeeded there."""
        if response.tx_response.code:
            return False
        for _ in range(200):
            try:
                return await self.node.query_transaction(response.tx_response.txhash) is not None
            except grpc.RpcError:
                await asyncio.sleep(0.05)
        return False


def taken(response):
    return response.tx_response.code == 0


async def node_reads(s):
    node, me = s.node, s.address
    reads = {
        "connect": lambda: NodeClient.connect(s.network.node),
        "get_account": lambda: node.get_account(me),
        "query_address": lambda: node.query_address(me),
        "get_account_balance": lambda: node.get_account_balance(me, s.usdc),
        "get_account_balances": lambda: node.get_account_balances(me),
        "get_node_info": node.get_node_info,
        "latest_block": node.latest_block,
        "latest_block_height": node.latest_block_height,
        "get_clob_pair": lambda: node.get_clob_pair(1),
        "get_clob_pairs": node.get_clob_pairs,
        "get_perpetual": lambda: node.get_perpetual(1),
        "get_perpetuals": node.get_perpetuals,
        "get_price": lambda: node.get_price(1),
        "get_prices": node.get_prices,
        "get_equity_tier_limit_config": node.get_equity_tier_limit_config,
        "get_fee_tiers": node.get_fee_tiers,
        "get_user_fee_tier": lambda: node.get_user_fee_tier(me),
        "get_user_stats": lambda: node.get_user_stats(me),
        "get_rewards_params": node.get_rewards_params,
        "get_subaccount": lambda: node.get_subaccount(me, 0),
        "get_subaccounts": node.get_subaccounts,
        "get_authenticators": lambda: node.get_authenticators(me),
        "get_withdrawal_and_transfer_gating_status": (
            lambda: node.get_withdrawal_and_transfer_gating_status(1)
        ),
        "get_withdrawal_capacity_by_denom": lambda: node.get_withdrawal_capacity_by_denom(s.usdc),
        "calculate_fee": lambda: node.calculate_fee(100_000),
        "transcode_response": None,
        "get_affiliate_info": lambda: node.get_affiliate_info(me),
        "get_affiliate_whitelist": node.get_affiliate_whitelist,
        "get_all_affiliate_tiers": node.get_all_affiliate_tiers,
        "get_referred_by": lambda: node.get_referred_by(me),
        "get_all_gov_proposals": node.get_all_gov_proposals,
        "get_all_validators": node.get_all_validators,
        "get_delayed_complete_bridge_messages": (
            lambda: node.get_delayed_complete_bridge_messages(me)
        ),
        "get_delegation_total_rewards": lambda: node.get_delegation_total_rewards(me),
        "get_delegator_delegations": lambda: node.get_delegator_delegations(me),
        "get_delegator_unbonding_delegations": (
            lambda: node.get_delegator_unbonding_delegations(me)
        ),
    }
    info = await node.get_node_info()
    reads["transcode_response"] = lambda: node.transcode_response(info)
    for name, attempt in reads.items():
        await s.call(NodeClient, name, attempt, lambda answer: answer is not None)


async def move_money(s):
    node, wallet, me = s.node, s.wallet, s.address
    first, second = (subaccount(me, number) for number in (0, 1))
    moves = {
        "deposit": lambda: node.deposit(wallet, me, first, 0, 500 * USD),
        "transfer": lambda: node.transfer(wallet, first, second, 0, 20 * USD),
        "withdraw": lambda: node.withdraw(wallet, second, me, 0, 5 * USD),
        "send_token": lambda: node.send_token(wallet, me, me, 1, s.usdc),
        "send_message": lambda: node.send_message(wallet, send_token(me, me, 1, s.usdc)),
    }
    for name, attempt in moves.items():
        response = await s.call(NodeClient, name, attempt, taken)
        if not await s.landed(response):
            s.rows[f"NodeClient.{name}"] = "in no block"
    await s.call(
        NodeClient,
        "query_transaction",
        lambda: node.query_transaction(response.tx_response.txhash),
    )
    await transactions(s)


async def transactions(s):
    """The client's own building blocks, by hand."""
    node, wallet = s.node, s.wallet
    message = send_token(s.address, s.address, 1, s.usdc)
    built = await s.call(
        NodeClient, "create_transaction", lambda: node.create_transaction(wallet, message)
    )
    simulated = await s.call(
        NodeClient,
        "simulate",
        lambda: node.simulate(built),
        lambda answer: answer.gas_info.gas_used > 0,
    )
    fee = node.calculate_fee(simulated.gas_info.gas_used)
    wire = await s.call(NodeClient, "build", lambda: node.build(wallet, message, fee))
    await s.call(
        NodeClient,
        "build_transaction",
        lambda: node.build_transaction(wallet, [as_any(message)], fee),
    )
    sent = await s.call(
        NodeClient, "broadcast", lambda: node.broadcast(wire, BROADCAST_MODE_SYNC), taken
    )
    await s.landed(sent)
    wallet.sequence += 1
    again = node.build(wallet, message, fee)
    again = await again if inspect.isawaitable(again) else again
    await s.call(NodeClient, "send", lambda: node.send(wallet, again), lambda _: True)


async def trade(s):
    node, wallet = s.node, s.wallet
    until = await node.latest_block_height() + 15
    identity, wire = s.order(1, until)
    await s.call(NodeClient, "place_order", lambda: node.place_order(wallet, wire), taken)
    await s.call(
        NodeClient,
        "cancel_order",
        lambda: node.cancel_order(wallet, identity, good_til_block=until + 1),
        taken,
    )
    _, crossing = s.order(2, until, price=3_100)
    await s.call(
        NodeClient,
        "broadcast_message",
        lambda: node.broadcast_message(wallet, place(crossing)),
        taken,
    )
    batch = OrderBatch(clob_pair_id=1, client_ids=[2, 3])
    await s.call(
        NodeClient,
        "batch_cancel_orders",
        lambda: node.batch_cancel_orders(wallet, subaccount(s.address, 0), [batch], until),
        taken,
    )
    for _ in range(200):
        fills = await s.indexer.account.get_subaccount_fills(s.address, 0)
        if fills["fills"]:
            return
        await asyncio.sleep(0.05)


def place(order):
    from v4_proto.dydxprotocol.clob.tx_pb2 import MsgPlaceOrder

    return MsgPlaceOrder(order=order)


async def authenticators(s):
    node = s.node
    own = Authenticator
    await s.call(own, "signature_verification", lambda: own.signature_verification(b"\x02" * 33))
    await s.call(own, "message_filter", lambda: own.message_filter("/a.b"))
    await s.call(own, "subaccount_filter", lambda: own.subaccount_filter([0]))
    await s.call(own, "clob_pair_id_filter", lambda: own.clob_pair_id_filter([1]))
    parts = [
        own.signature_verification(s.hot.key.public_key_bytes),
        own.message_filter("/dydxprotocol.clob.MsgPlaceOrder,/dydxprotocol.clob.MsgCancelOrder"),
        own.subaccount_filter([0]),
        own.clob_pair_id_filter([1]),
    ]
    whole = await s.call(own, "compose", lambda: own.compose(AuthenticatorType.AllOf, parts))
    await s.call(own, "todict", whole.todict)
    added = await s.call(
        NodeClient, "add_authenticator", lambda: node.add_authenticator(s.wallet, whole), taken
    )
    await s.landed(added)
    (entry,) = (await node.get_authenticators(s.address)).account_authenticators
    options = TxOptions([entry.id], s.wallet.sequence, s.wallet.account_number)
    _, wire = s.order(9, await node.latest_block_height() + 15)
    permitted = await node.place_order(s.hot, wire, options)
    if not taken(permitted):
        s.rows["NodeClient.add_authenticator"] = "the key may not trade"
    removed = await s.call(
        NodeClient,
        "remove_authenticator",
        lambda: node.remove_authenticator(s.wallet, entry.id),
        taken,
    )
    await s.landed(removed)


async def other_messages(s):
    """Messages of a chain's other business, which a market maker does not send."""
    node, wallet, me = s.node, s.wallet, s.address
    calls = {
        "create_market_permissionless": (
            lambda: node.create_market_permissionless(wallet, "DOGE-USD", me, 0)
        ),
        "delegate": lambda: node.delegate(wallet, me, "dydxvaloper1", 1, "adv4tnt"),
        "undelegate": lambda: node.undelegate(wallet, me, "dydxvaloper1", 1, "adv4tnt"),
        "withdraw_delegate_reward": (
            lambda: node.withdraw_delegate_reward(wallet, me, "dydxvaloper1")
        ),
        "register_affiliate": lambda: node.register_affiliate(wallet, me, me),
    }
    for name, attempt in calls.items():
        await s.call(NodeClient, name, attempt)


async def markets(s):
    client = s.indexer.markets
    calls = {
        "get_perpetual_markets": (client.get_perpetual_markets, "markets"),
        "get_perpetual_market_orderbook": (
            lambda: client.get_perpetual_market_orderbook("ETH-USD"),
            "asks",
        ),
        "get_perpetual_market_trades": (
            lambda: client.get_perpetual_market_trades("ETH-USD", limit=5),
            "trades",
        ),
        "get_perpetual_market_candles": (
            lambda: client.get_perpetual_market_candles("ETH-USD", "1MIN", from_iso=PAST),
            "candles",
        ),
        "get_perpetual_market_historical_funding": (
            lambda: client.get_perpetual_market_historical_funding("ETH-USD", limit=5),
            None,
        ),
        "get_perpetual_market_sparklines": (client.get_perpetual_market_sparklines, "ETH-USD"),
    }
    for name, (attempt, key) in calls.items():
        await s.call(MarketsClient, name, attempt, has(key))
    await s.call(MarketsClient, "get", lambda: client.get("/v4/height"), has("height"))
    await s.call(
        MarketsClient,
        "post",
        lambda: client.post("/faucet/native-token", body={"address": s.address}),
    )


def has(key):
    """Whether an answer holds something under a key; any answer where there is none."""
    return lambda answer: answer is not None if key is None else bool(answer[key])


async def account(s):
    client, me = s.indexer.account, s.address
    orders = await client.get_subaccount_orders(me, 0)
    calls = {
        "get_subaccounts": (lambda: client.get_subaccounts(me), "subaccounts"),
        "get_subaccount": (lambda: client.get_subaccount(me, 0), "subaccount"),
        "get_parent_subaccount": (lambda: client.get_parent_subaccount(me, 0), "subaccount"),
        "get_subaccount_perpetual_positions": (
            lambda: client.get_subaccount_perpetual_positions(me, 0),
            "positions",
        ),
        "get_parent_subaccount_positions": (
            lambda: client.get_parent_subaccount_positions(me, 0),
            "positions",
        ),
        "get_subaccount_asset_positions": (
            lambda: client.get_subaccount_asset_positions(me, 0),
            "positions",
        ),
        "get_parent_subaccount_asset_positions": (
            lambda: client.get_parent_subaccount_asset_positions(me, 0),
            "positions",
        ),
        "get_subaccount_orders": (lambda: client.get_subaccount_orders(me, 0), 0),
        "list_parent_orders": (lambda: client.list_parent_orders(me, 0), 0),
        "get_order": (lambda: client.get_order(orders[0]["id"]), "id"),
        "get_subaccount_fills": (lambda: client.get_subaccount_fills(me, 0), "fills"),
        "get_parent_fills": (lambda: client.get_parent_fills(me, 0), "fills"),
        "get_subaccount_transfers": (lambda: client.get_subaccount_transfers(me, 0), "transfers"),
        "get_parent_transfers": (lambda: client.get_parent_transfers(me, 0), "transfers"),
        "get_transfer_between": (lambda: client.get_transfer_between(me, 0, me, 1), None),
        "get_subaccount_historical_pnls": (
            lambda: client.get_subaccount_historical_pnls(me, 0),
            None,
        ),
        "get_parent_historical_pnls": (lambda: client.get_parent_historical_pnls(me, 0), None),
        "get_funding_payments": (lambda: client.get_funding_payments(me, 0), None),
        "get_funding_payments_for_parent_subaccount": (
            lambda: client.get_funding_payments_for_parent_subaccount(me, 0),
            None,
        ),
        "get_historical_block_trading_rewards": (
            lambda: client.get_historical_block_trading_rewards(me),
            None,
        ),
        "get_historical_trading_rewards_aggregated": (
            lambda: client.get_historical_trading_rewards_aggregated(me),
            None,
        ),
        "search_traders": (lambda: client.search_traders(me), None),
    }
    for name, (attempt, key) in calls.items():
        await s.call(AccountClient, name, attempt, has(key))
    await s.call(AccountClient, "get", lambda: client.get("/v4/height"), has("height"))
    await s.call(
        AccountClient, "post", lambda: client.post("/faucet/native-token", body={"address": me})
    )


async def others(s):
    status, vault = s.indexer.utility, s.indexer.megavault
    affiliate, faucet, me = s.indexer.affiliate, s.faucet, s.address
    calls = (
        (StatusClient, "get_time", status.get_time),
        (StatusClient, "get_height", status.get_height),
        (StatusClient, "screen", lambda: status.screen(me)),
        (StatusClient, "compliance_screen", lambda: status.compliance_screen(me)),
        (
            MegaVaultClient,
            "get_megavault_historical_pnl",
            lambda: vault.get_megavault_historical_pnl("day"),
        ),
        (
            MegaVaultClient,
            "get_vaults_historical_pnl",
            lambda: vault.get_vaults_historical_pnl("day"),
        ),
        (MegaVaultClient, "get_megavault_positions", vault.get_megavault_positions),
        (AffiliateClient, "get_address", lambda: affiliate.get_address("code")),
        (AffiliateClient, "get_metadata", lambda: affiliate.get_metadata(me)),
        (AffiliateClient, "get_snapshot", affiliate.get_snapshot),
        (AffiliateClient, "get_total_volume", lambda: affiliate.get_total_volume(me)),
        (FaucetClient, "fill", lambda: faucet.fill(me, 0, 100.0)),
        (FaucetClient, "fill_native", lambda: faucet.fill_native(me)),
    )
    for owner, name, attempt in calls:
        await s.call(owner, name, attempt, lambda answer: answer is not None)
    for owner, client in (
        (StatusClient, status),
        (MegaVaultClient, vault),
        (AffiliateClient, affiliate),
        (FaucetClient, faucet),
    ):
        await s.call(owner, "get", lambda c=client: c.get("/v4/height"), has("height"))
        await s.call(owner, "post", lambda c=client: c.post(NATIVE, body={"address": me}))


def public_methods():
    """Every public method of every class, whether it is called here or not."""
    for owner in CLASSES:
        for name, _ in inspect.getmembers(owner, inspect.isroutine):
            if not name.startswith("_"):
                yield f"{owner.__name__}.{name}"


async def main():
    session = Session(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3])
    await session.open()
    for part in (move_money, trade, node_reads, authenticators, other_messages):
        await part(session)
    for part in (markets, account, others):
        await part(session)
    rows = {name: session.rows.get(name, "not called") for name in public_methods()}
    print(json.dumps(rows))


asyncio.run(main())
