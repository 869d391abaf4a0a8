"""Signed bytes: fixed vectors, re-read by the protocol's own types, verified by the curve."""

import asyncio
import hashlib
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from coincurve import PublicKey
from v4_proto.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, SignDoc, TxBody, TxRaw
from v4_proto.dydxprotocol.accountplus.tx_pb2 import MsgAddAuthenticator, TxExtension
from v4_proto.dydxprotocol.clob.order_pb2 import Order
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgBatchCancel, MsgCancelOrder, MsgPlaceOrder
from v4_proto.dydxprotocol.sending.transfer_pb2 import (
    MsgDepositToSubaccount,
    MsgWithdrawFromSubaccount,
)
from v4_proto.dydxprotocol.sending.tx_pb2 import MsgCreateTransfer

from keeper.domain.commands import PlaceOrder
from keeper.domain.orders import Side, TimeInForce
from keeper.venues.dydx import messages
from keeper.venues.dydx.keys import LocalSigner, SecretKey, address_of
from keeper.venues.dydx.signing import GasFee, SignedTx, TxSigner

T = TypeVar("T")
SIGNER = LocalSigner(SecretKey(b"\x01" * 32))
OWNER = address_of(SIGNER.public_key)
CHAIN = "localdydxprotocol"
ORDER = PlaceOrder(
    market="ETH-USD",
    client_id=5,
    side=Side.BUY,
    quantums=1_000_000_000,
    subticks=3_000_000_000,
    good_til_block=100,
    time_in_force=TimeInForce.POST_ONLY,
    reduce_only=False,
)
PLACED = (
    "0a720a700a202f6479647870726f746f636f6c2e636c6f622e4d7367506c6163654f72646572124c0a4a0a360a2d"
    "0a2b647964783130786371707a726b793665666632673532716479653533786b6b396a786b7672676535637135150500"
    "000020011001188094ebdc032080bcc1960b2864380212560a4e0a460a1f2f636f736d6f732e63727970746f2e736563"
    "703235366b312e5075624b657912230a21031b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd"
    "078f12040a020801120410c0843d1a407dd382deb60c9bb2e466adc319e9d2b0c43eff67e8203015e0821cd15a6bf4f0"
    "1b9d1dd3a99a835c460bd35f1f3a970901591b9b538221e3822f89f5bbfcf591"
)


def read(signed: SignedTx, account_number: int, signer: LocalSigner = SIGNER) -> tuple[Any, Any]:
    """Verify a transaction as a node does, over the bytes it received, and return its parts."""
    raw = TxRaw.FromString(signed.raw)
    assert raw.SerializeToString() == signed.raw
    assert signed.tx_hash == hashlib.sha256(signed.raw).hexdigest().upper()
    body, auth = TxBody.FromString(raw.body_bytes), AuthInfo.FromString(raw.auth_info_bytes)
    document = SignDoc(
        body_bytes=raw.body_bytes,
        auth_info_bytes=raw.auth_info_bytes,
        chain_id=CHAIN,
        account_number=account_number,
    ).SerializeToString()
    (info,) = auth.signer_infos
    assert info.mode_info.single.mode == 1
    key = PubKey.FromString(info.public_key.value).key
    assert info.public_key.type_url == "/cosmos.crypto.secp256k1.PubKey"
    assert key == signer.public_key
    (signature,) = raw.signatures
    recovered = [
        PublicKey.from_signature_and_message(signature + bytes([v]), document).format()
        for v in (0, 1)
    ]
    assert key in recovered
    return body, auth


def now(waited: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(waited)


def only(body: Any, kind: type[Any]) -> Any:
    (packed,) = body.messages
    assert packed.type_url == "/" + kind.DESCRIPTOR.full_name
    return kind.FromString(packed.value)


def test_short_term__fixed_order__fixed_bytes() -> None:
    signed = now(TxSigner(SIGNER, CHAIN, 3).short_term(messages.place_order(OWNER, 0, 1, ORDER)))

    assert signed.raw.hex() == PLACED
    body, auth = read(signed, 3)
    assert body.memo == ""
    assert auth.fee.gas_limit == 1_000_000
    assert not auth.fee.amount
    order = only(body, MsgPlaceOrder).order
    assert (order.order_id.subaccount_id.owner, order.order_id.subaccount_id.number) == (OWNER, 0)
    assert (order.order_id.client_id, order.order_id.clob_pair_id) == (5, 1)
    assert order.order_id.order_flags == 0
    assert (order.side, order.quantums, order.subticks) == (1, 1_000_000_000, 3_000_000_000)
    assert (order.good_til_block, order.good_til_block_time) == (100, 0)
    assert order.time_in_force == Order.TIME_IN_FORCE_POST_ONLY


@pytest.mark.parametrize(
    ("side", "time_in_force", "reduce_only", "wire_side", "wire_time"),
    [
        (Side.BUY, TimeInForce.GTT, False, 1, 0),
        (Side.SELL, TimeInForce.IOC, True, 2, 1),
        (Side.SELL, TimeInForce.POST_ONLY, False, 2, 2),
    ],
)
def test_place_order__each_kind__has_its_wire_values(
    side: Side, time_in_force: TimeInForce, reduce_only: bool, wire_side: int, wire_time: int
) -> None:
    order = PlaceOrder(
        market="ETH-USD",
        client_id=2**32 - 1,
        side=side,
        quantums=1,
        subticks=1,
        good_til_block=9,
        time_in_force=time_in_force,
        reduce_only=reduce_only,
    )

    wire = messages.place_order(OWNER, 7, 1, order).order

    assert (wire.side, wire.time_in_force, wire.reduce_only) == (wire_side, wire_time, reduce_only)
    assert (wire.order_id.client_id, wire.order_id.subaccount_id.number) == (2**32 - 1, 7)
    assert {field.name for field, _ in wire.ListFields()} <= {
        "order_id",
        "side",
        "quantums",
        "subticks",
        "good_til_block",
        "time_in_force",
        "reduce_only",
    }


def test_short_term__cancels__carry_their_ids() -> None:
    signer = TxSigner(SIGNER, CHAIN, 3)

    single, _ = read(now(signer.short_term(messages.cancel_order(OWNER, 2, 1, 77, 120))), 3)
    batch, _ = read(now(signer.short_term(messages.batch_cancel(OWNER, 2, 1, (7, 8), 121))), 3)

    cancel = only(single, MsgCancelOrder)
    assert (cancel.order_id.client_id, cancel.order_id.clob_pair_id) == (77, 1)
    assert (cancel.good_til_block, cancel.order_id.order_flags) == (120, 0)
    cancels = only(batch, MsgBatchCancel)
    assert (cancels.subaccount_id.owner, cancels.subaccount_id.number) == (OWNER, 2)
    assert [(b.clob_pair_id, list(b.client_ids)) for b in cancels.short_term_cancels] == [
        (1, [7, 8])
    ]
    assert cancels.good_til_block == 121


def test_with_nonce__transfers__carry_nonce_fee_and_memo() -> None:
    signer = TxSigner(SIGNER, CHAIN, 3)
    fee = GasFee(gas_limit=180_000, amount=4_500, denom="ibc/USDC")
    nonce = 1_760_000_000_123

    message = messages.bank_send(OWNER, "dydx1to", 25, "ibc/USDC")
    body, auth = read(now(signer.with_nonce(message, nonce, fee, "0xme")), 3)

    assert body.memo == "0xme"
    assert auth.signer_infos[0].sequence == nonce
    assert auth.fee.gas_limit == 180_000
    assert [(c.denom, c.amount) for c in auth.fee.amount] == [("ibc/USDC", "4500")]
    (packed,) = body.messages
    assert packed.type_url == "/cosmos.bank.v1beta1.MsgSend"


def test_messages__collateral_moves__name_both_ends_and_usdc() -> None:
    create = messages.transfer((OWNER, 0), (OWNER, 128), 10).transfer
    deposit = messages.deposit(OWNER, (OWNER, 0), 11)
    withdraw = messages.withdraw((OWNER, 0), OWNER, 12)
    authenticator = messages.add_authenticator(OWNER, "AllOf", b"[]")

    assert isinstance(messages.transfer((OWNER, 0), (OWNER, 1), 1), MsgCreateTransfer)
    assert (create.sender.number, create.recipient.number, create.amount) == (0, 128, 10)
    assert create.asset_id == 0
    assert isinstance(deposit, MsgDepositToSubaccount)
    assert (deposit.sender, deposit.recipient.owner, deposit.quantums) == (OWNER, OWNER, 11)
    assert isinstance(withdraw, MsgWithdrawFromSubaccount)
    assert (withdraw.sender.owner, withdraw.recipient, withdraw.quantums) == (OWNER, OWNER, 12)
    assert isinstance(authenticator, MsgAddAuthenticator)
    assert (authenticator.authenticator_type, authenticator.data) == ("AllOf", b"[]")


def test_short_term__permissioned_key__selects_authenticators_for_the_owners_account() -> None:
    hot = LocalSigner(SecretKey(b"\x02" * 32))
    signer = TxSigner(hot, CHAIN, 3, authenticator_ids=(9,))

    body, _ = read(now(signer.short_term(messages.place_order(OWNER, 0, 1, ORDER))), 3, hot)

    (option,) = body.non_critical_extension_options
    assert option.type_url == "/dydxprotocol.accountplus.TxExtension"
    assert list(TxExtension.FromString(option.value).selected_authenticators) == [9]


def test_short_term__other_chain_or_account__other_signature() -> None:
    message = messages.place_order(OWNER, 0, 1, ORDER)

    signed = {
        now(TxSigner(SIGNER, chain, account).short_term(message)).raw
        for chain, account in ((CHAIN, 3), ("dydx-mainnet-1", 3), (CHAIN, 4))
    }

    assert len(signed) == 3


def test_place_order__client_id_beyond_32_bits__refused() -> None:
    order = PlaceOrder(
        market="ETH-USD",
        client_id=2**32,
        side=Side.BUY,
        quantums=1,
        subticks=1,
        good_til_block=9,
        time_in_force=TimeInForce.GTT,
        reduce_only=False,
    )

    with pytest.raises(ValueError, match="range"):
        messages.place_order(OWNER, 0, 1, order)


def test_short_term__one_order__well_under_a_millisecond() -> None:
    signer = TxSigner(SIGNER, CHAIN, 3)

    async def twenty() -> float:
        start = time.perf_counter()
        for _ in range(20):
            await signer.short_term(messages.place_order(OWNER, 0, 1, ORDER))
        return (time.perf_counter() - start) / 20

    best = min(now(twenty()) for _ in range(20))

    assert best < 0.0005
