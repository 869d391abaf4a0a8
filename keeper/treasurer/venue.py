"""Reads what the treasurer decides on, all at one height, and broadcasts what it signed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from v4_proto.cosmos.auth.v1beta1.auth_pb2 import BaseAccount
from v4_proto.cosmos.auth.v1beta1.query_pb2 import QueryAccountRequest, QueryAccountResponse
from v4_proto.cosmos.bank.v1beta1.query_pb2 import QueryBalanceRequest, QueryBalanceResponse
from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.cosmos.base.query.v1beta1.pagination_pb2 import PageRequest
from v4_proto.cosmos.base.tendermint.v1beta1.query_pb2 import (
    GetLatestBlockRequest,
    GetLatestBlockResponse,
)
from v4_proto.cosmos.tx.v1beta1.service_pb2 import (
    ORDER_BY_ASC,
    GetTxsEventRequest,
    GetTxsEventResponse,
)
from v4_proto.dydxprotocol.perpetuals.query_pb2 import (
    QueryAllLiquidityTiersRequest,
    QueryAllLiquidityTiersResponse,
    QueryAllPerpetualsRequest,
    QueryAllPerpetualsResponse,
)
from v4_proto.dydxprotocol.prices.query_pb2 import (
    QueryAllMarketPricesRequest,
    QueryAllMarketPricesResponse,
)
from v4_proto.dydxprotocol.subaccounts.query_pb2 import (
    QueryGetSubaccountRequest,
    QuerySubaccountResponse,
)

from keeper.domain.errors import WireError
from keeper.treasurer.margin import Holding, MarketTerms, Worth, worth_of
from keeper.treasurer.signer import USDC_DENOM, OwnPlaces

__all__ = ["Account", "Queries", "VenueReader", "Verdict"]

_SEND: Final = "/" + MsgSend.DESCRIPTOR.full_name
_PAGE: Final = 100
_EVERYTHING: Final = PageRequest(limit=10_000)
_QUOTE_DECIMALS: Final = 6


class Verdict(Protocol):
    """A node's first word on a broadcast transaction; code 0 is acceptance, not inclusion."""

    @property
    def code(self) -> int: ...

    @property
    def raw_log(self) -> str: ...


class Reply(Protocol):
    """A decoded answer."""

    @property
    def reply(self) -> Any: ...


class Queries(Protocol):
    """A validator connection; every method raises VenueUnavailable, WireError."""

    async def query(
        self, method: str, request: Any, reply: type[Any], height: int | None = None
    ) -> Reply:
        """Read, at a height when one is given."""
        ...

    async def find(
        self, method: str, request: Any, reply: type[Any], height: int | None = None
    ) -> Reply | None:
        """Read what may not exist."""
        ...

    async def broadcast(self, raw: bytes, deadline_ms: int) -> Verdict:
        """Hand a transaction to the node."""
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """Number and next sequence of the owner account."""

    number: int
    sequence: int


class VenueReader:
    """Typed reads of own places. Every method raises VenueUnavailable, WireError."""

    def __init__(self, node: Queries, places: OwnPlaces) -> None:
        self._node = node
        self._places = places

    async def chain_id(self) -> str:
        """Id of the chain the node follows."""
        chain_id: str = (await self._header()).chain_id
        return chain_id

    async def height(self) -> int:
        """Newest committed height."""
        height: int = (await self._header()).height
        return height

    async def account(self, height: int | None = None) -> Account | None:
        """The owner account, None until its first coin arrived."""
        answer = await self._node.find(
            "/cosmos.auth.v1beta1.Query/Account",
            QueryAccountRequest(address=self._places.address),
            QueryAccountResponse,
            height,
        )
        if answer is None:
            return None
        account = BaseAccount()
        if not answer.reply.account.Unpack(account):
            raise WireError(f"account {self._places.address} is of an unexpected kind")
        return Account(account.account_number, account.sequence)

    async def wallet(self, height: int) -> int:
        """Quote quantums in the wallet."""
        answer = await self._node.query(
            "/cosmos.bank.v1beta1.Query/Balance",
            QueryBalanceRequest(address=self._places.address, denom=USDC_DENOM),
            QueryBalanceResponse,
            height,
        )
        return int(answer.reply.balance.amount or 0)

    async def worth(self, number: int, height: int) -> Worth:
        """Equity and free part of an own subaccount."""
        answer = await self._node.query(
            "/dydxprotocol.subaccounts.Query/Subaccount",
            QueryGetSubaccountRequest(owner=self._places.address, number=number),
            QuerySubaccountResponse,
            height,
        )
        found = answer.reply.subaccount
        usdc = sum(_signed(asset.quantums) for asset in found.asset_positions)
        holdings = [
            Holding(
                p.perpetual_id,
                _signed(p.quantums),
                _signed(p.funding_index),
                _signed(p.quote_balance),
            )
            for p in found.perpetual_positions
        ]
        terms = await self._terms(height) if holdings else {}
        if not all(holding.perpetual_id in terms for holding in holdings):
            raise WireError(f"subaccount {number} holds a perpetual the chain does not list")
        return worth_of(usdc, holdings, terms)

    async def sent_home(self, height: int) -> int:
        """Cumulative quote quantums bridged to the adapter, up to a height."""
        query = f"transfer.sender='{self._places.address}' AND tx.height<={height}"
        total, seen, page = 1, 0, 1
        quantums = 0
        while seen < total:
            answer = await self._node.query(
                "/cosmos.tx.v1beta1.Service/GetTxsEvent",
                GetTxsEventRequest(query=query, order_by=ORDER_BY_ASC, page=page, limit=_PAGE),
                GetTxsEventResponse,
            )
            txs, results = answer.reply.txs, answer.reply.tx_responses
            for tx, result in zip(txs, results, strict=True):
                quantums += self._bridged(tx) if result.code == 0 else 0
            total, seen, page = answer.reply.total, seen + len(txs), page + 1
            if not txs and seen < total:
                raise WireError(f"a search gave {seen} of {total} transactions")
        return quantums

    async def broadcast(self, raw: bytes, deadline_ms: int) -> Verdict:
        """Hand a signed transaction to the node."""
        return await self._node.broadcast(raw, deadline_ms)

    async def _header(self) -> Any:
        answer = await self._node.query(
            "/cosmos.base.tendermint.v1beta1.Service/GetLatestBlock",
            GetLatestBlockRequest(),
            GetLatestBlockResponse,
        )
        return answer.reply.block.header

    def _bridged(self, tx: Any) -> int:
        """What a transaction sent to the bridge for the adapter."""
        places = self._places
        if tx.body.memo.strip().lower() != places.recipient.lower():
            return 0
        sends = (MsgSend.FromString(m.value) for m in tx.body.messages if m.type_url == _SEND)
        return sum(
            _usdc(send.amount)
            for send in sends
            if (send.from_address, send.to_address) == (places.address, places.bridge)
        )

    async def _terms(self, height: int) -> dict[int, MarketTerms]:
        perpetuals = await self._node.query(
            "/dydxprotocol.perpetuals.Query/AllPerpetuals",
            QueryAllPerpetualsRequest(pagination=_EVERYTHING),
            QueryAllPerpetualsResponse,
            height,
        )
        tiers = await self._node.query(
            "/dydxprotocol.perpetuals.Query/AllLiquidityTiers",
            QueryAllLiquidityTiersRequest(pagination=_EVERYTHING),
            QueryAllLiquidityTiersResponse,
            height,
        )
        prices = await self._node.query(
            "/dydxprotocol.prices.Query/AllMarketPrices",
            QueryAllMarketPricesRequest(pagination=_EVERYTHING),
            QueryAllMarketPricesResponse,
            height,
        )
        margins = {tier.id: tier.initial_margin_ppm for tier in tiers.reply.liquidity_tiers}
        marks = {price.id: price for price in prices.reply.market_prices}
        return {
            p.params.id: MarketTerms(
                price=marks[p.params.market_id].price,
                exponent=marks[p.params.market_id].exponent
                + p.params.atomic_resolution
                + _QUOTE_DECIMALS,
                funding_index=_signed(p.funding_index),
                initial_margin_ppm=margins[p.params.liquidity_tier],
            )
            for p in perpetuals.reply.perpetual
            if p.params.market_id in marks and p.params.liquidity_tier in margins
        }


def _signed(raw: bytes) -> int:
    """A Go big.Int as the chain serialises it."""
    if not raw:
        return 0
    if raw[0] not in (2, 3):
        raise WireError(f"not a serialised integer: {raw.hex()}")
    magnitude = int.from_bytes(raw[1:], "big")
    return -magnitude if raw[0] == 3 else magnitude


def _usdc(coins: Iterable[Any]) -> int:
    return sum(int(coin.amount) for coin in coins if coin.denom == USDC_DENOM)
