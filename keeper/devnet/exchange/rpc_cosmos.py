"""Owns the Cosmos services: accounts, balances, blocks, transactions."""

from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as PackedAny
from google.protobuf.message import Message
from v4_proto.cosmos.auth.v1beta1.auth_pb2 import BaseAccount
from v4_proto.cosmos.auth.v1beta1.query_pb2 import QueryAccountRequest, QueryAccountResponse
from v4_proto.cosmos.bank.v1beta1 import query_pb2 as bank
from v4_proto.cosmos.base.abci.v1beta1.abci_pb2 import GasInfo, TxResponse
from v4_proto.cosmos.base.query.v1beta1.pagination_pb2 import PageResponse
from v4_proto.cosmos.base.tendermint.v1beta1 import query_pb2 as node
from v4_proto.cosmos.base.v1beta1.coin_pb2 import Coin
from v4_proto.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from v4_proto.cosmos.tx.v1beta1 import service_pb2 as txs
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import Tx, TxRaw
from v4_proto.tendermint.abci.types_pb2 import Event as AbciEvent
from v4_proto.tendermint.types.block_pb2 import Block as WireBlock
from v4_proto.tendermint.types.types_pb2 import BlockID, Header

from .decimals import iso
from .execution import BankMove
from .model import USDC_DENOM, Block
from .results import Rejected
from .rpc import Context, Route, RpcError
from .txindex import TxRecord

__all__ = ["COSMOS_ROUTES"]

VERSION = "9.6.1"
DEFAULT_PAGE = 100
NS = 10**9


def pack(message: Message) -> PackedAny:
    """Return a message in the chain's Any form: leading slash, no host."""
    return PackedAny(type_url="/" + message.DESCRIPTOR.full_name, value=message.SerializeToString())


def account(context: Context, request: Any) -> Any:
    """Answer auth Account."""
    found = context.state.accounts.get(request.address)
    if found is None:
        raise RpcError(
            grpc.StatusCode.NOT_FOUND, f"account {request.address} not found: key not found"
        )
    base = BaseAccount(
        address=request.address, account_number=found.number, sequence=found.sequence
    )
    if found.public_key:
        base.pub_key.CopyFrom(pack(PubKey(key=found.public_key)))
    return QueryAccountResponse(account=pack(base))


def balance(context: Context, request: Any) -> Any:
    """Answer bank Balance."""
    held = context.state.bank.get(request.address) or 0
    amount = held if request.denom == USDC_DENOM else 0
    return bank.QueryBalanceResponse(balance=Coin(denom=request.denom, amount=str(amount)))


def all_balances(context: Context, request: Any) -> Any:
    """Answer bank AllBalances."""
    held = context.state.bank.get(request.address) or 0
    coins = [Coin(denom=USDC_DENOM, amount=str(held))] if held else []
    return bank.QueryAllBalancesResponse(balances=coins, pagination=PageResponse(total=len(coins)))


def _header(context: Context, block: Block) -> Header:
    header = Header(chain_id=context.chain.config.chain_id, height=block.height)
    header.time.FromNanoseconds(block.time_ns)
    header.last_block_id.hash = block.previous_hash
    return header


def _block(context: Context, block: Block) -> tuple[BlockID, WireBlock]:
    return BlockID(hash=block.hash), WireBlock(header=_header(context, block))


def latest_block(context: Context, _: Any) -> Any:
    """Answer GetLatestBlock."""
    identity, block = _block(context, context.chain.blocks[context.height])
    return node.GetLatestBlockResponse(block_id=identity, block=block)


def block_by_height(context: Context, request: Any) -> Any:
    """Answer GetBlockByHeight for the blocks that are kept."""
    known = context.chain.blocks.get(request.height)
    if known is None or request.height > context.node.height:
        latest = context.node.height
        status = grpc.StatusCode.INVALID_ARGUMENT
        if request.height < next(iter(context.chain.blocks)):
            status = grpc.StatusCode.NOT_FOUND
        raise RpcError(status, f"height {request.height} is not kept, latest is {latest}")
    identity, block = _block(context, known)
    return node.GetBlockByHeightResponse(block_id=identity, block=block)


def node_info(context: Context, _: Any) -> Any:
    """Answer GetNodeInfo."""
    response = node.GetNodeInfoResponse()
    response.default_node_info.network = context.chain.config.chain_id
    response.default_node_info.moniker = "local exchange"
    response.application_version.name = "dydxprotocol"
    response.application_version.app_name = "dydxprotocold"
    response.application_version.version = VERSION
    return response


def syncing(_: Context, __: Any) -> Any:
    """Answer GetSyncing; a node that is stuck does not know it."""
    return node.GetSyncingResponse(syncing=False)


def broadcast(context: Context, request: Any) -> Any:
    """Answer BroadcastTx: CheckTx, then the result; SYNC and ASYNC alike."""
    if request.mode not in (txs.BROADCAST_MODE_SYNC, txs.BROADCAST_MODE_ASYNC):
        raise RpcError(
            grpc.StatusCode.INVALID_ARGUMENT, f"unsupported broadcast mode {request.mode}"
        )
    outcome = context.node.broadcast(request.tx_bytes, context.publish)
    result = outcome.result
    return txs.BroadcastTxResponse(
        tx_response=TxResponse(
            txhash=outcome.hash,
            code=result.code,
            codespace=result.codespace,
            raw_log=result.raw_log,
        )
    )


def simulate(context: Context, request: Any) -> Any:
    """Answer Simulate."""
    raw = request.tx_bytes
    if not raw:
        raw = TxRaw(
            body_bytes=request.tx.body.SerializeToString(),
            auth_info_bytes=request.tx.auth_info.SerializeToString(),
            signatures=request.tx.signatures,
        ).SerializeToString()
    try:
        used = context.chain.simulate(raw)
    except Rejected as refusal:
        raise RpcError(grpc.StatusCode.UNKNOWN, refusal.result.raw_log) from refusal
    return txs.SimulateResponse(gas_info=GasInfo(gas_used=used, gas_wanted=used))


def _abci_event(move: BankMove) -> AbciEvent:
    event = AbciEvent(type="transfer")
    event.attributes.add(key="recipient", value=move.recipient, index=True)
    event.attributes.add(key="sender", value=move.sender, index=True)
    event.attributes.add(key="amount", value=f"{move.amount}{USDC_DENOM}", index=True)
    return event


def _tx(record: TxRecord) -> Tx:
    raw = TxRaw.FromString(record.raw)
    transaction = Tx(signatures=raw.signatures)
    transaction.body.ParseFromString(raw.body_bytes)
    transaction.auth_info.ParseFromString(raw.auth_info_bytes)
    return transaction


def _tx_response(record: TxRecord) -> TxResponse:
    return TxResponse(
        height=record.height,
        txhash=record.hash,
        code=record.result.code,
        codespace=record.result.codespace,
        raw_log=record.result.raw_log if record.result.code else "",
        gas_wanted=record.gas_wanted,
        gas_used=record.gas_used,
        tx=pack(_tx(record)),
        timestamp=iso(record.time_ns // NS * NS).replace(".000Z", "Z"),
        events=[_abci_event(move) for move in record.moves],
    )


def get_tx(context: Context, request: Any) -> Any:
    """Answer GetTx: not found until the transaction is in a block."""
    record = context.chain.index.get(request.hash)
    if record is None or record.height > context.height:
        raise RpcError(grpc.StatusCode.NOT_FOUND, f"tx not found: {request.hash}")
    return txs.GetTxResponse(tx=_tx(record), tx_response=_tx_response(record))


def search_txs(context: Context, request: Any) -> Any:
    """Answer GetTxsEvent: `query` (or the older `events`), pages of `limit` from 1."""
    query = request.query or " AND ".join(request.events)
    try:
        found = [r for r in context.chain.index.search(query) if r.height <= context.height]
    except ValueError as error:
        raise RpcError(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from error
    if request.order_by == txs.ORDER_BY_DESC:
        found = found[::-1]
    limit = request.limit or DEFAULT_PAGE
    page = max(request.page, 1)
    shown = found[(page - 1) * limit : page * limit]
    return txs.GetTxsEventResponse(
        txs=[_tx(record) for record in shown],
        tx_responses=[_tx_response(record) for record in shown],
        total=len(found),
    )


AUTH = "cosmos.auth.v1beta1.Query"
BANK = "cosmos.bank.v1beta1.Query"
NODE = "cosmos.base.tendermint.v1beta1.Service"
TXS = "cosmos.tx.v1beta1.Service"

COSMOS_ROUTES = [
    Route(AUTH, "Account", QueryAccountRequest, account),
    Route(BANK, "Balance", bank.QueryBalanceRequest, balance),
    Route(BANK, "AllBalances", bank.QueryAllBalancesRequest, all_balances),
    Route(NODE, "GetLatestBlock", node.GetLatestBlockRequest, latest_block),
    Route(NODE, "GetBlockByHeight", node.GetBlockByHeightRequest, block_by_height),
    Route(NODE, "GetNodeInfo", node.GetNodeInfoRequest, node_info),
    Route(NODE, "GetSyncing", node.GetSyncingRequest, syncing),
    Route(TXS, "BroadcastTx", txs.BroadcastTxRequest, broadcast),
    Route(TXS, "Simulate", txs.SimulateRequest, simulate),
    Route(TXS, "GetTx", txs.GetTxRequest, get_tx),
    Route(TXS, "GetTxsEvent", txs.GetTxsEventRequest, search_txs),
]
