"""The owner key signs four shapes; everything else, however close, is refused."""

import asyncio
import hashlib

import pytest
from coincurve import PrivateKey, PublicKey
from coincurve.ecdsa import cdata_to_der, deserialize_compact
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.cosmos.base.v1beta1.coin_pb2 import Coin
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, SignDoc, TxBody, TxRaw
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgPlaceOrder
from v4_proto.dydxprotocol.sending.transfer_pb2 import (
    MsgDepositToSubaccount,
    MsgWithdrawFromSubaccount,
    Transfer,
)
from v4_proto.dydxprotocol.sending.tx_pb2 import MsgCreateTransfer
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId

from keeper.treasurer.policy import Action, BridgeHome, Deposit, Move, Withdraw
from keeper.treasurer.signer import (
    USDC_DENOM,
    OwnPlaces,
    ShapeRefused,
    TreasurySigner,
    build_body,
)

OWN, BRIDGE, STRANGER = "dydx1own", "dydx1bridge", "dydx1stranger"
RECIPIENT = "0x00000000000000000000000000000000000000AA"
PLACES = OwnPlaces(OWN, frozenset((0, 1)), BRIDGE, RECIPIENT)


class Key:
    def __init__(self) -> None:
        self._key = PrivateKey(b"\x07" * 32)
        self.public_key = self._key.public_key.format()
        self.signed = 0

    async def ready(self) -> None:
        pass

    async def sign(self, message: bytes) -> bytes:
        self.signed += 1
        return self._key.sign_recoverable(message)[:64]


@pytest.fixture
def key() -> Key:
    return Key()


@pytest.fixture
def signer(key: Key) -> TreasurySigner:
    return TreasurySigner(key, "localdydxprotocol", PLACES)


def sub(owner: str, number: int) -> SubaccountId:
    return SubaccountId(owner=owner, number=number)


def body(*messages: Message, memo: str = "") -> bytes:
    packed = [
        Packed(type_url="/" + m.DESCRIPTOR.full_name, value=m.SerializeToString()) for m in messages
    ]
    return TxBody(messages=packed, memo=memo).SerializeToString()


def send(to: str = BRIDGE, denom: str = USDC_DENOM, amount: str = "5") -> MsgSend:
    coins = [Coin(denom=denom, amount=amount)]
    return MsgSend(from_address=OWN, to_address=to, amount=coins)


def deposit(owner: str = OWN, number: int = 0, asset: int = 0) -> MsgDepositToSubaccount:
    return MsgDepositToSubaccount(
        sender=OWN, recipient=sub(owner, number), asset_id=asset, quantums=5
    )


@pytest.mark.parametrize(
    "action", [Deposit(0, 5), Withdraw(1, 5), BridgeHome(5), Move(0, 1, 5)], ids=repr
)
def test_sign__own_shapes__signature_over_the_body(
    signer: TreasurySigner, key: Key, action: Action
) -> None:
    signed = asyncio.run(signer.sign(build_body(PLACES, action), account_number=3, sequence=9))

    raw = TxRaw.FromString(signed.raw)
    document = SignDoc(
        body_bytes=raw.body_bytes,
        auth_info_bytes=raw.auth_info_bytes,
        chain_id="localdydxprotocol",
        account_number=3,
    ).SerializeToString()
    der = cdata_to_der(deserialize_compact(raw.signatures[0]))
    assert PublicKey(key.public_key).verify(der, document)
    assert AuthInfo.FromString(raw.auth_info_bytes).signer_infos[0].sequence == 9
    assert signed.tx_hash == hashlib.sha256(signed.raw).hexdigest().upper()


def test_sign__bridge__names_the_fixed_recipient(signer: TreasurySigner) -> None:
    signed = asyncio.run(signer.sign(build_body(PLACES, BridgeHome(5)), 3, 9))

    assert TxBody.FromString(TxRaw.FromString(signed.raw).body_bytes).memo == RECIPIENT


REFUSED = {
    "send to a stranger": body(send(STRANGER), memo=RECIPIENT),
    "bridge without recipient": body(send()),
    "bridge to another recipient": body(send(), memo="0x" + "bb" * 20),
    "another coin": body(send(denom="adydx"), memo=RECIPIENT),
    "two coins": body(
        MsgSend(
            from_address=OWN,
            to_address=BRIDGE,
            amount=[Coin(denom=USDC_DENOM, amount="5"), Coin(denom="adydx", amount="5")],
        ),
        memo=RECIPIENT,
    ),
    "zero amount": body(send(amount="0"), memo=RECIPIENT),
    "negative amount": body(send(amount="-5"), memo=RECIPIENT),
    "deposit to a stranger": body(deposit(STRANGER)),
    "deposit to an unlisted subaccount": body(deposit(number=7)),
    "deposit of another asset": body(deposit(asset=1)),
    "deposit with a memo": body(deposit(), memo="hello"),
    "withdrawal to a stranger": body(
        MsgWithdrawFromSubaccount(sender=sub(OWN, 0), recipient=STRANGER, asset_id=0, quantums=5)
    ),
    "withdrawal from a stranger": body(
        MsgWithdrawFromSubaccount(sender=sub(STRANGER, 0), recipient=OWN, asset_id=0, quantums=5)
    ),
    "transfer to a stranger": body(
        MsgCreateTransfer(
            transfer=Transfer(sender=sub(OWN, 0), recipient=sub(STRANGER, 0), asset_id=0, amount=5)
        )
    ),
    "an order": body(MsgPlaceOrder()),
    "two messages": body(deposit(), deposit()),
    "no message": body(),
    "unknown fields": body(deposit()) + b"\xfa\x07\x01x",
    "a timeout smuggled as extension": TxBody(
        messages=TxBody.FromString(body(deposit())).messages,
        non_critical_extension_options=[Packed(type_url="/x", value=b"")],
    ).SerializeToString(),
    "not a body": b"\xff\xff",
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_sign__any_other_shape__refused_before_the_key_is_used(
    signer: TreasurySigner, key: Key, raw: bytes
) -> None:
    with pytest.raises(ShapeRefused):
        asyncio.run(signer.sign(raw, 3, 9))

    assert key.signed == 0
