"""Decodes the validator's raw answers; a reporter keeps the bytes and reads them here alone."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import bech32
from google.protobuf.message import DecodeError
from v4_proto.cosmos.bank.v1beta1 import query_pb2 as bank
from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint
from v4_proto.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from v4_proto.cosmos.tx.v1beta1 import service_pb2 as tx_service
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import Tx
from v4_proto.dydxprotocol.perpetuals import query_pb2 as perpetuals
from v4_proto.dydxprotocol.prices import query_pb2 as prices
from v4_proto.dydxprotocol.sending.transfer_pb2 import (
    MsgDepositToSubaccount,
    MsgWithdrawFromSubaccount,
)
from v4_proto.dydxprotocol.subaccounts import query_pb2 as subaccounts

from keeper.domain.errors import WireError
from keeper.reporter.equity import Perpetual, Position, Price, Subaccount

__all__ = [
    "USDC_DENOM",
    "Header",
    "WalletTx",
    "decode_balance",
    "decode_chain_id",
    "decode_header",
    "decode_perpetuals",
    "decode_price",
    "decode_prices",
    "decode_subaccount",
    "decode_txs",
]

_NS: Final = 1_000_000_000
_USDC: Final = 0
USDC_DENOM: Final = "ibc/8E27BA2D5493AF5636760E354E46004562C46AB7EC0CC4C1CA14E9E20E2545B5"


@dataclass(frozen=True, slots=True)
class Header:
    """A committed block; time in unix nanoseconds."""

    height: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class WalletTx:
    """An included transaction as far as a wallet's coins are concerned.

    `sends` are (from, to, quote quantums) of bank sends and of wallet <-> subaccount messages,
    a subaccount spelt "address/number"; empty when it failed. `fee` was paid by `signer`.
    """

    hash: str
    height: int
    memo: str
    signer: str
    fee: int
    sends: tuple[tuple[str, str, int], ...]


def _parse(message: Any, raw: bytes) -> Any:
    try:
        message.ParseFromString(raw)
    except DecodeError as error:
        raise WireError(f"not a {type(message).__name__}: {error}") from error
    return message


def _signed_int(raw: bytes) -> int:
    """A Go big.Int as the chain serialises it: 2 or 3 (negative), then the magnitude."""
    if not raw:
        return 0
    if raw[0] not in (2, 3):
        raise WireError(f"not a serialised integer: {raw.hex()}")
    magnitude = int.from_bytes(raw[1:], "big")
    return -magnitude if raw[0] == 3 else magnitude


def decode_chain_id(raw: bytes) -> str:
    """Read which chain a block is of. Raises WireError."""
    chain_id: str = _parse(tendermint.GetBlockByHeightResponse(), raw).block.header.chain_id
    return chain_id


def decode_header(raw: bytes) -> Header:
    """Read a block's height and time. Raises WireError."""
    header = _parse(tendermint.GetBlockByHeightResponse(), raw).block.header
    if header.height <= 0:
        raise WireError("a block without a height")
    return Header(header.height, header.time.seconds * _NS + header.time.nanos)


def decode_balance(raw: bytes) -> int:
    """Read a wallet's balance in units of its denomination. Raises WireError."""
    text = _parse(bank.QueryBalanceResponse(), raw).balance.amount
    if not text.isdecimal():
        raise WireError(f"not a balance: {text!r}")
    return int(text)


def decode_subaccount(raw: bytes) -> Subaccount:
    """Read a subaccount; it may hold USDC and perpetuals only. Raises WireError."""
    found = _parse(subaccounts.QuerySubaccountResponse(), raw).subaccount
    foreign = [a.asset_id for a in found.asset_positions if a.asset_id != _USDC]
    if foreign:
        raise WireError(f"the subaccount holds asset {foreign[0]}, which is not USDC")
    return Subaccount(
        sum(_signed_int(a.quantums) for a in found.asset_positions),
        tuple(
            Position(
                p.perpetual_id,
                _signed_int(p.quantums),
                _signed_int(p.funding_index),
                _signed_int(p.quote_balance),
            )
            for p in found.perpetual_positions
        ),
    )


def decode_perpetuals(raw: bytes) -> dict[int, Perpetual]:
    """Read all perpetuals by id. Raises WireError."""
    answer = _parse(perpetuals.QueryAllPerpetualsResponse(), raw)
    _require_whole(answer)
    return {
        p.params.id: Perpetual(
            p.params.ticker,
            p.params.market_id,
            p.params.atomic_resolution,
            _signed_int(p.funding_index),
        )
        for p in answer.perpetual
    }


def decode_prices(raw: bytes) -> dict[int, Price]:
    """Read all oracle prices by market id. Raises WireError."""
    answer = _parse(prices.QueryAllMarketPricesResponse(), raw)
    _require_whole(answer)
    return {p.id: Price(p.price, p.exponent) for p in answer.market_prices}


def decode_price(raw: bytes) -> Price:
    """Read one oracle price. Raises WireError."""
    found = _parse(prices.QueryMarketPriceResponse(), raw).market_price
    if found.price <= 0:
        raise WireError(f"oracle price {found.price} of market {found.id}")
    return Price(found.price, found.exponent)


def _require_whole(answer: Any) -> None:
    if answer.pagination.next_key:
        raise WireError(f"{type(answer).__name__} came in more than one page")


def decode_txs(pages: Iterable[bytes]) -> list[WalletTx]:
    """Read pages of a transaction search. Raises WireError."""
    found = []
    for raw in pages:
        answer = _parse(tx_service.GetTxsEventResponse(), raw)
        if len(answer.txs) != len(answer.tx_responses):
            raise WireError("a transaction search with unequal numbers of bodies and results")
        found += [_tx(*pair) for pair in zip(answer.txs, answer.tx_responses, strict=True)]
    return found


def _tx(tx: Tx, result: Any) -> WalletTx:
    return WalletTx(
        hash=result.txhash,
        height=result.height,
        memo=tx.body.memo,
        signer=_signer(tx),
        fee=_usdc(tx.auth_info.fee.amount),
        sends=tuple(_sends(tx)) if result.code == 0 else (),
    )


def _signer(tx: Tx) -> str:
    """Address of the first signer's key; empty for a transaction a module sent."""
    if not tx.auth_info.signer_infos:
        return ""
    key = PubKey()
    if not tx.auth_info.signer_infos[0].public_key.Unpack(key):
        raise WireError("a signer whose key is not secp256k1")
    digest = hashlib.new("ripemd160", hashlib.sha256(key.key).digest()).digest()
    words = bech32.convertbits(digest, 8, 5)
    if words is None:
        raise WireError("a key without an address")
    return str(bech32.bech32_encode("dydx", words))


def _usdc(coins: Iterable[Any]) -> int:
    return sum(int(coin.amount) for coin in coins if coin.denom == USDC_DENOM)


def _sends(tx: Tx) -> Iterable[tuple[str, str, int]]:
    for packed in tx.body.messages:
        send, deposit = MsgSend(), MsgDepositToSubaccount()
        withdrawal = MsgWithdrawFromSubaccount()
        if packed.type_url.endswith("bank.v1beta1.MsgSend"):
            _parse(send, packed.value)
            yield send.from_address, send.to_address, _usdc(send.amount)
        elif packed.type_url.endswith("sending.MsgDepositToSubaccount"):
            _parse(deposit, packed.value)
            to = f"{deposit.recipient.owner}/{deposit.recipient.number}"
            yield deposit.sender, to, deposit.quantums
        elif packed.type_url.endswith("sending.MsgWithdrawFromSubaccount"):
            _parse(withdrawal, packed.value)
            source = f"{withdrawal.sender.owner}/{withdrawal.sender.number}"
            yield source, withdrawal.recipient, withdrawal.quantums
