"""Exact committed state of the chain, at a height when asked: what reporters and the venue read."""

from typing import Any

import msgspec
from v4_proto.cosmos.auth.v1beta1 import auth_pb2
from v4_proto.cosmos.auth.v1beta1 import query_pb2 as auth
from v4_proto.cosmos.bank.v1beta1 import query_pb2 as bank
from v4_proto.cosmos.base.query.v1beta1.pagination_pb2 import PageRequest
from v4_proto.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint
from v4_proto.dydxprotocol.accountplus import query_pb2 as accountplus
from v4_proto.dydxprotocol.clob import query_pb2 as clob
from v4_proto.dydxprotocol.feetiers import query_pb2 as feetiers
from v4_proto.dydxprotocol.perpetuals import query_pb2 as perpetuals
from v4_proto.dydxprotocol.prices import query_pb2 as prices
from v4_proto.dydxprotocol.subaccounts import query_pb2 as subaccounts

from keeper.domain.errors import WireError
from keeper.domain.units import NS_PER_SECOND
from keeper.venues.dydx.node import Answer, Node
from keeper.venues.dydx.serializable import decode_int

__all__ = [
    "Authenticator",
    "BlockHeader",
    "MarketParam",
    "MarketPrice",
    "PerpetualState",
    "PositionState",
    "RateLimit",
    "Reader",
    "SubaccountState",
]

_USDC_ASSET = 0
_PAGE = 1_000


class BlockHeader(msgspec.Struct, frozen=True):
    """A committed block: chain id, height, time in unix ns, header hash (hex)."""

    chain_id: str
    height: int
    time_ns: int
    block_hash: str


class PositionState(msgspec.Struct, frozen=True):
    """A perpetual position: base quantums, funding index, quote balance in quote quantums."""

    perpetual_id: int
    quantums: int
    funding_index: int
    quote_balance: int


class SubaccountState(msgspec.Struct, frozen=True):
    """A subaccount at a height; `usdc` in quote quantums, positions by perpetual id."""

    height: int
    usdc: int
    positions: tuple[PositionState, ...]


class PerpetualState(msgspec.Struct, frozen=True):
    """A perpetual at a height; open interest in base quantums."""

    perpetual_id: int
    ticker: str
    market_id: int
    atomic_resolution: int
    funding_index: int
    open_interest: int


class MarketPrice(msgspec.Struct, frozen=True):
    """An oracle price at a height: price * 10^exponent USDC."""

    market_id: int
    price: int
    exponent: int
    height: int


class MarketParam(msgspec.Struct, frozen=True):
    """Parameters of an oracle market."""

    market_id: int
    exponent: int
    min_price_change_ppm: int


class RateLimit(msgspec.Struct, frozen=True):
    """At most `limit` messages in any `blocks` consecutive blocks."""

    blocks: int
    limit: int

    def carries(self, messages_per_block: int) -> bool:
        """Whether that many messages may be sent in every block."""
        return messages_per_block * self.blocks <= self.limit


class Authenticator(msgspec.Struct, frozen=True):
    """An authenticator an account has registered; its configuration as the chain keeps it."""

    authenticator_id: int
    kind: str
    config: bytes


class Reader:
    """Typed reads over a node; each raises VenueUnavailable or WireError.

    `height` reads the state as of that committed block; None reads the newest.
    """

    __slots__ = ("_node",)

    def __init__(self, node: Node) -> None:
        self._node = node

    async def chain_id(self) -> str:
        """Return the chain id the node is on."""
        answer = await self._node.query(
            "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo",
            tendermint.GetNodeInfoRequest(),
            tendermint.GetNodeInfoResponse,
        )
        network: str = answer.reply.default_node_info.network
        return network

    async def header(self, height: int | None = None) -> BlockHeader:
        """Return the header of the block at a height, or of the newest."""
        if height is None:
            answer = await self._node.query(
                "/cosmos.base.tendermint.v1beta1.Service/GetLatestBlock",
                tendermint.GetLatestBlockRequest(),
                tendermint.GetLatestBlockResponse,
            )
        else:
            answer = await self._node.query(
                "/cosmos.base.tendermint.v1beta1.Service/GetBlockByHeight",
                tendermint.GetBlockByHeightRequest(height=height),
                tendermint.GetBlockByHeightResponse,
            )
        return _header(answer.reply, height)

    async def account(self, address: str) -> tuple[int, int] | None:
        """Return (account number, sequence), None when the chain has never seen the address."""
        answer = await self._node.find(
            "/cosmos.auth.v1beta1.Query/Account",
            auth.QueryAccountRequest(address=address),
            auth.QueryAccountResponse,
        )
        if answer is None:
            return None
        account = auth_pb2.BaseAccount()
        if not answer.reply.account.Unpack(account):
            raise WireError(f"account {address} is a {answer.reply.account.type_url}")
        return account.account_number, account.sequence

    async def authenticators(self, address: str) -> tuple[Authenticator, ...]:
        """Return the authenticators an account has registered."""
        answer = await self._node.query(
            "/dydxprotocol.accountplus.Query/GetAuthenticators",
            accountplus.GetAuthenticatorsRequest(account=address),
            accountplus.GetAuthenticatorsResponse,
        )
        return tuple(
            Authenticator(entry.id, entry.type, entry.config)
            for entry in answer.reply.account_authenticators
        )

    async def maker_fee_ppm(self, address: str) -> int:
        """Return what an account pays as a maker, in ppm of the value (negative: it receives)."""
        answer = await self._node.query(
            "/dydxprotocol.feetiers.Query/UserFeeTier",
            feetiers.QueryUserFeeTierRequest(user=address),
            feetiers.QueryUserFeeTierResponse,
        )
        fee: int = answer.reply.tier.maker_fee_ppm
        return fee

    async def bank_balance(self, address: str, denom: str, height: int | None = None) -> int:
        """Return a wallet's balance in units of the denomination."""
        answer = await self._node.query(
            "/cosmos.bank.v1beta1.Query/Balance",
            bank.QueryBalanceRequest(address=address, denom=denom),
            bank.QueryBalanceResponse,
            height,
        )
        text: str = answer.reply.balance.amount
        if not text.isdecimal():
            raise WireError(f"balance of {address} is {text!r}")
        return int(text)

    async def subaccount(
        self, owner: str, number: int, height: int | None = None
    ) -> SubaccountState:
        """Return a subaccount; one that was never funded is empty. The height is always known."""
        answer = await self._node.query(
            "/dydxprotocol.subaccounts.Query/Subaccount",
            subaccounts.QueryGetSubaccountRequest(owner=owner, number=number),
            subaccounts.QuerySubaccountResponse,
            height,
        )
        return _subaccount(answer)

    async def perpetual(self, perpetual_id: int, height: int | None = None) -> PerpetualState:
        """Return a perpetual with its funding index."""
        answer = await self._node.query(
            "/dydxprotocol.perpetuals.Query/Perpetual",
            perpetuals.QueryPerpetualRequest(id=perpetual_id),
            perpetuals.QueryPerpetualResponse,
            height,
        )
        perpetual = answer.reply.perpetual
        return PerpetualState(
            perpetual_id=perpetual.params.id,
            ticker=perpetual.params.ticker,
            market_id=perpetual.params.market_id,
            atomic_resolution=perpetual.params.atomic_resolution,
            funding_index=decode_int(perpetual.funding_index),
            open_interest=decode_int(perpetual.open_interest),
        )

    async def market_price(self, market_id: int, height: int | None = None) -> MarketPrice:
        """Return the oracle price of a market."""
        answer = await self._node.query(
            "/dydxprotocol.prices.Query/MarketPrice",
            prices.QueryMarketPriceRequest(id=market_id),
            prices.QueryMarketPriceResponse,
            height,
        )
        price = answer.reply.market_price
        return MarketPrice(price.id, price.price, price.exponent, _known_height(answer))

    async def market_params(self) -> dict[int, MarketParam]:
        """Return the oracle parameters of every market, by market id."""
        found: dict[int, MarketParam] = {}
        key = b""
        while True:
            request = prices.QueryAllMarketParamsRequest(
                pagination=PageRequest(key=key, limit=_PAGE)
            )
            answer = await self._node.query(
                "/dydxprotocol.prices.Query/AllMarketParams",
                request,
                prices.QueryAllMarketParamsResponse,
            )
            for param in answer.reply.market_params:
                found[param.id] = MarketParam(param.id, param.exponent, param.min_price_change_ppm)
            key = answer.reply.pagination.next_key
            if not key:
                return found

    async def perpetual_of_pair(self, clob_pair_id: int) -> int:
        """Return the perpetual id a clob pair trades."""
        answer = await self._node.query(
            "/dydxprotocol.clob.Query/ClobPair",
            clob.QueryGetClobPairRequest(id=clob_pair_id),
            clob.QueryClobPairResponse,
        )
        perpetual_id: int = answer.reply.clob_pair.perpetual_clob_metadata.perpetual_id
        return perpetual_id

    async def order_limits(self) -> tuple[RateLimit, ...]:
        """Return the chain's limits on short-term places and cancels of one account."""
        answer = await self._node.query(
            "/dydxprotocol.clob.Query/BlockRateLimitConfiguration",
            clob.QueryBlockRateLimitConfigurationRequest(),
            clob.QueryBlockRateLimitConfigurationResponse,
        )
        config = answer.reply.block_rate_limit_config
        entries = config.max_short_term_orders_and_cancels_per_n_blocks
        return tuple(RateLimit(entry.num_blocks, entry.limit) for entry in entries)


def _known_height(answer: Answer) -> int:
    if answer.height <= 0:
        raise WireError("the node does not say which height it answered for")
    return answer.height


def _header(reply: Any, asked: int | None) -> BlockHeader:
    header = reply.block.header
    if header.height <= 0 or (asked is not None and header.height != asked):
        raise WireError(f"asked for block {asked or 'latest'}, got {header.height}")
    return BlockHeader(
        chain_id=header.chain_id,
        height=header.height,
        time_ns=header.time.seconds * NS_PER_SECOND + header.time.nanos,
        block_hash=reply.block_id.hash.hex(),
    )


def _subaccount(answer: Answer) -> SubaccountState:
    subaccount = answer.reply.subaccount
    usdc = 0
    for asset in subaccount.asset_positions:
        if asset.asset_id != _USDC_ASSET:
            raise WireError(f"the subaccount holds asset {asset.asset_id}, not USDC alone")
        usdc += decode_int(asset.quantums)
    positions = (
        PositionState(
            entry.perpetual_id,
            decode_int(entry.quantums),
            decode_int(entry.funding_index),
            decode_int(entry.quote_balance),
        )
        for entry in subaccount.perpetual_positions
    )
    ordered = tuple(sorted(positions, key=lambda position: position.perpetual_id))
    return SubaccountState(_known_height(answer), usdc, ordered)
