"""Owns what a trader needs in these tests: a key, addresses, signed transactions."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import bech32
from coincurve import PrivateKey
from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from v4_proto.cosmos.tx.signing.v1beta1.signing_pb2 import SIGN_MODE_DIRECT
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, SignDoc, TxBody, TxRaw
from v4_proto.dydxprotocol.accountplus.tx_pb2 import MsgAddAuthenticator, TxExtension
from v4_proto.dydxprotocol.clob.order_pb2 import Order, OrderId
from v4_proto.dydxprotocol.clob.tx_pb2 import (
    MsgBatchCancel,
    MsgCancelOrder,
    MsgPlaceOrder,
    OrderBatch,
)
from v4_proto.dydxprotocol.sending.transfer_pb2 import (
    MsgDepositToSubaccount,
    MsgWithdrawFromSubaccount,
    Transfer,
)
from v4_proto.dydxprotocol.sending.tx_pb2 import MsgCreateTransfer
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId

USDC = "ibc/8E27BA2D5493AF5636760E354E46004562C46AB7EC0CC4C1CA14E9E20E2545B5"
CHAIN_ID = "localdydxprotocol"
BUY, SELL = 1, 2
GTT, IOC, POST_ONLY, FOK = 0, 1, 2, 3
ETH, BTC = 1, 0
ETH_TICK = 100_000  # subticks of 0.1 USD
ETH_STEP = 1_000_000  # quantums of 0.001 ETH


@dataclass(frozen=True)
class Signing:
    """How a transaction departs from the ordinary one."""

    sequence: int = 0
    account_number: int | None = None
    chain_id: str = CHAIN_ID
    gas_limit: int = 0
    fee: int = 0
    memo: str = ""
    authenticators: tuple[int, ...] = ()
    owner_number: int | None = None


@dataclass
class Trader:
    """A key with its account number on the exchange."""

    seed: int
    number: int = 0
    client_ids: Any = field(default_factory=lambda: count(1))

    @property
    def key(self) -> PrivateKey:
        return PrivateKey(hashlib.sha256(f"trader {self.seed}".encode()).digest())

    @property
    def public_key(self) -> bytes:
        return self.key.public_key.format(compressed=True)

    @property
    def address(self) -> str:
        digest = hashlib.new("ripemd160", hashlib.sha256(self.public_key).digest()).digest()
        return str(bech32.bech32_encode("dydx", bech32.convertbits(digest, 8, 5)))

    def subaccount(self, number: int = 0) -> SubaccountId:
        return SubaccountId(owner=self.address, number=number)

    def sign(self, *messages: Any, how: Signing | None = None) -> bytes:
        """Return the bytes of a signed transaction."""
        how = how or Signing()
        body = TxBody(memo=how.memo)
        for message in messages:
            packed = body.messages.add()
            packed.type_url = "/" + message.DESCRIPTOR.full_name
            packed.value = message.SerializeToString()
        if how.authenticators:
            option = body.non_critical_extension_options.add()
            option.type_url = "/" + TxExtension.DESCRIPTOR.full_name
            extension = TxExtension(selected_authenticators=how.authenticators)
            option.value = extension.SerializeToString()
        auth = self._auth(how)
        return self._sign_raw(body.SerializeToString(), auth.SerializeToString(), how)

    def _auth(self, how: Signing) -> AuthInfo:
        auth = AuthInfo()
        signer = auth.signer_infos.add(sequence=how.sequence)
        signer.public_key.type_url = "/" + PubKey.DESCRIPTOR.full_name
        signer.public_key.value = PubKey(key=self.public_key).SerializeToString()
        signer.mode_info.single.mode = SIGN_MODE_DIRECT
        auth.fee.gas_limit = how.gas_limit
        if how.fee:
            auth.fee.amount.add(denom=USDC, amount=str(how.fee))
        return auth

    def _sign_raw(self, body: bytes, auth: bytes, how: Signing) -> bytes:
        number = self.number if how.account_number is None else how.account_number
        document = SignDoc(
            body_bytes=body,
            auth_info_bytes=auth,
            chain_id=how.chain_id,
            account_number=number,
        )
        signature = self.key.sign_recoverable(document.SerializeToString())[:64]
        raw = TxRaw(body_bytes=body, auth_info_bytes=auth, signatures=[signature])
        return raw.SerializeToString()

    def paid(self, *messages: Any, sequence: int, memo: str = "") -> bytes:
        """Return a transaction with fee and sequence, as transfers need them."""
        how = Signing(sequence=sequence, gas_limit=200_000, fee=5_000, memo=memo)
        return self.sign(*messages, how=how)


def order(trader: Trader, **fields: Any) -> Order:
    """Return an ETH order: 0.1 ETH at 3000, good for the block given; fields override."""
    settings = {
        "side": BUY,
        "price": 30_000,  # ticks of 0.1 USD
        "size": 100,  # steps of 0.001 ETH
        "gtb": 10,
        "tif": GTT,
        "client_id": None,
        "subaccount": 0,
        "market": ETH,
        "reduce_only": False,
        "metadata": 0,
    } | fields
    client_id = settings["client_id"]
    identity = OrderId(
        subaccount_id=trader.subaccount(settings["subaccount"]),
        client_id=next(trader.client_ids) if client_id is None else client_id,
        order_flags=0,
        clob_pair_id=settings["market"],
    )
    return Order(
        order_id=identity,
        side=settings["side"],
        quantums=settings["size"] * ETH_STEP,
        subticks=settings["price"] * ETH_TICK,
        good_til_block=settings["gtb"],
        time_in_force=settings["tif"],
        reduce_only=settings["reduce_only"],
        client_metadata=settings["metadata"],
    )


def place(trader: Trader, wire: Order) -> bytes:
    """Return a signed placement."""
    return trader.sign(MsgPlaceOrder(order=wire))


def cancel(trader: Trader, identity: OrderId, gtb: int) -> bytes:
    """Return a signed cancel."""
    return trader.sign(MsgCancelOrder(order_id=identity, good_til_block=gtb))


def batch_cancel(trader: Trader, gtb: int, *batches: tuple[int, list[int]]) -> bytes:
    """Return a signed batch cancel of (clob pair, client ids)."""
    message = MsgBatchCancel(
        subaccount_id=trader.subaccount(),
        good_til_block=gtb,
        short_term_cancels=[OrderBatch(clob_pair_id=p, client_ids=ids) for p, ids in batches],
    )
    return trader.sign(message)


def send(sender: str, recipient: str, amount: int) -> MsgSend:
    """Return a bank send of USDC quantums."""
    message = MsgSend(from_address=sender, to_address=recipient)
    message.amount.add(denom=USDC, amount=str(amount))
    return message


def deposit(trader: Trader, amount: int, number: int = 0) -> MsgDepositToSubaccount:
    """Return a deposit of USDC quantums into the trader's own subaccount."""
    return MsgDepositToSubaccount(
        sender=trader.address, recipient=trader.subaccount(number), asset_id=0, quantums=amount
    )


def withdraw(trader: Trader, amount: int, number: int = 0) -> MsgWithdrawFromSubaccount:
    """Return a withdrawal of USDC quantums to the trader's own wallet."""
    return MsgWithdrawFromSubaccount(
        sender=trader.subaccount(number), recipient=trader.address, asset_id=0, quantums=amount
    )


def transfer(trader: Trader, amount: int, sender: int, recipient: int) -> MsgCreateTransfer:
    """Return a transfer of USDC quantums between the trader's subaccounts."""
    move = Transfer(
        sender=trader.subaccount(sender),
        recipient=trader.subaccount(recipient),
        asset_id=0,
        amount=amount,
    )
    return MsgCreateTransfer(transfer=move)


def hot_key_authenticator(hot: Trader, messages: str, subaccounts: str, pairs: str) -> bytes:
    """Return the configuration of the AllOf that a trade-only key gets."""
    parts = (
        ("SignatureVerification", hot.public_key),
        ("MessageFilter", messages.encode()),
        ("SubaccountFilter", subaccounts.encode()),
        ("ClobPairIdFilter", pairs.encode()),
    )
    shapes = [{"type": k, "config": base64.b64encode(c).decode()} for k, c in parts]
    return json.dumps(shapes).encode()


def add_authenticator(owner: Trader, kind: str, config: bytes) -> MsgAddAuthenticator:
    """Return the message that adds an authenticator."""
    return MsgAddAuthenticator(sender=owner.address, authenticator_type=kind, data=config)
