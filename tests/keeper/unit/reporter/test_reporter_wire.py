"""Raw validator answers read by the decoder that reporters do not share with the keeper."""

import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.timestamp_pb2 import Timestamp
from v4_proto.cosmos.bank.v1beta1.query_pb2 import QueryBalanceResponse
from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.cosmos.base.abci.v1beta1.abci_pb2 import TxResponse
from v4_proto.cosmos.base.query.v1beta1.pagination_pb2 import PageResponse
from v4_proto.cosmos.base.tendermint.v1beta1.query_pb2 import GetBlockByHeightResponse
from v4_proto.cosmos.base.v1beta1.coin_pb2 import Coin
from v4_proto.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from v4_proto.cosmos.tx.v1beta1.service_pb2 import GetTxsEventResponse
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, Fee, SignerInfo, Tx, TxBody
from v4_proto.dydxprotocol.prices.market_price_pb2 import MarketPrice
from v4_proto.dydxprotocol.prices.query_pb2 import (
    QueryAllMarketPricesResponse,
    QueryMarketPriceResponse,
)
from v4_proto.dydxprotocol.subaccounts.asset_position_pb2 import AssetPosition
from v4_proto.dydxprotocol.subaccounts.perpetual_position_pb2 import PerpetualPosition
from v4_proto.dydxprotocol.subaccounts.query_pb2 import QuerySubaccountResponse
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import Subaccount as WireSubaccount

from keeper.domain.errors import WireError
from keeper.reporter.equity import Position, Price, Subaccount
from keeper.reporter.wire import (
    USDC_DENOM,
    WalletTx,
    decode_balance,
    decode_header,
    decode_price,
    decode_prices,
    decode_subaccount,
    decode_txs,
)

# The secp256k1 generator point and the address of its hash (data part as in BIP-173).
PUBLIC_KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
ADDRESS = "dydx1w508d6qejxtdg4y5r3zarvary0c5xw7knye700"


def subaccount(asset: int = 0, quantums: bytes = b"\x02\x05") -> bytes:
    return QuerySubaccountResponse(
        subaccount=WireSubaccount(
            asset_positions=[AssetPosition(asset_id=asset, quantums=quantums)],
            perpetual_positions=[
                PerpetualPosition(
                    perpetual_id=1,
                    quantums=bytes.fromhex("0317d78400"),
                    funding_index=b"\x02",
                    quote_balance=b"\x03\x07",
                )
            ],
        )
    ).SerializeToString()


def test_decode_subaccount__serialised_integers__signed() -> None:
    found = decode_subaccount(subaccount())

    assert found == Subaccount(5, (Position(1, -400_000_000, 0, -7),))


def test_decode_subaccount__other_asset__refused() -> None:
    with pytest.raises(WireError, match="asset 1"):
        decode_subaccount(subaccount(asset=1))


def test_decode_subaccount__unknown_sign_byte__refused() -> None:
    with pytest.raises(WireError, match="serialised integer"):
        decode_subaccount(subaccount(quantums=b"\x04\x05"))


def test_decode_header__nanoseconds_kept() -> None:
    answer = GetBlockByHeightResponse()
    answer.block.header.height = 9
    answer.block.header.time.CopyFrom(Timestamp(seconds=3, nanos=7))

    found = decode_header(answer.SerializeToString())

    assert (found.height, found.time_ns) == (9, 3_000_000_007)


def test_decode_header__empty__refused() -> None:
    with pytest.raises(WireError, match="height"):
        decode_header(b"")


def test_decode_balance__not_digits__refused() -> None:
    raw = QueryBalanceResponse(balance=Coin(denom=USDC_DENOM, amount="-1")).SerializeToString()

    with pytest.raises(WireError, match="-1"):
        decode_balance(raw)


def test_decode_price__not_positive__refused() -> None:
    with pytest.raises(WireError, match="oracle price 0"):
        decode_price(QueryMarketPriceResponse(market_price=MarketPrice(id=1)).SerializeToString())


def test_decode_prices__first_of_several_pages__refused() -> None:
    raw = QueryAllMarketPricesResponse(
        market_prices=[MarketPrice(id=1, exponent=-6, price=5)],
        pagination=PageResponse(next_key=b"x"),
    ).SerializeToString()

    with pytest.raises(WireError, match="more than one page"):
        decode_prices(raw)


def test_decode_prices__whole__by_market() -> None:
    raw = QueryAllMarketPricesResponse(
        market_prices=[MarketPrice(id=1, exponent=-6, price=5)]
    ).SerializeToString()

    assert decode_prices(raw) == {1: Price(5, -6)}


def test_decode_prices__garbage__refused() -> None:
    with pytest.raises(WireError, match="QueryAllMarketPricesResponse"):
        decode_prices(b"\xff\xff\xff")


def page(code: int, *, bodies: int = 1) -> bytes:
    """A page with a send of USDC and of another coin, by the generator's key."""
    coins = [Coin(denom=USDC_DENOM, amount="70"), Coin(denom="adydx", amount="999")]
    send = MsgSend(from_address=ADDRESS, to_address="dydx1other", amount=coins)
    key = PubKey(key=PUBLIC_KEY)
    tx = Tx(
        body=TxBody(messages=[pack(send)], memo="hello"),
        auth_info=AuthInfo(
            signer_infos=[SignerInfo(public_key=pack(key))],
            fee=Fee(amount=[Coin(denom=USDC_DENOM, amount="3")]),
        ),
    )
    result = TxResponse(txhash="AB", height=4, code=code)
    return GetTxsEventResponse(txs=[tx] * bodies, tx_responses=[result]).SerializeToString()


def pack(message: object) -> Packed:
    packed = Packed()
    packed.Pack(message, type_url_prefix="/")
    return packed


def test_decode_txs__send__usdc_alone_counts_and_the_key_names_the_payer() -> None:
    assert decode_txs([page(0)]) == [
        WalletTx("AB", 4, "hello", ADDRESS, 3, ((ADDRESS, "dydx1other", 70),))
    ]


def test_decode_txs__failed__only_its_fee() -> None:
    assert decode_txs([page(5)]) == [WalletTx("AB", 4, "hello", ADDRESS, 3, ())]


def test_decode_txs__more_bodies_than_results__refused() -> None:
    with pytest.raises(WireError, match="unequal"):
        decode_txs([page(0, bodies=2)])
