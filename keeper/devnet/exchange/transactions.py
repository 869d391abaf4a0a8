"""Owns transaction decoding: bytes to messages, signers and fees, kept verbatim for signing."""

import hashlib
from dataclasses import dataclass

from google.protobuf.message import DecodeError, Message
from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, TxBody, TxRaw
from v4_proto.dydxprotocol.accountplus.tx_pb2 import (
    MsgAddAuthenticator,
    MsgRemoveAuthenticator,
    TxExtension,
)
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgBatchCancel, MsgCancelOrder, MsgPlaceOrder
from v4_proto.dydxprotocol.sending.transfer_pb2 import (
    MsgDepositToSubaccount,
    MsgWithdrawFromSubaccount,
)
from v4_proto.dydxprotocol.sending.tx_pb2 import MsgCreateTransfer

from .results import sdk

__all__ = [
    "CLOB_MESSAGES",
    "DecodedTx",
    "decode",
    "market_of",
    "signer_of",
    "subaccount_of",
    "tx_hash",
    "unsigned",
]

CLOB_MESSAGES = (MsgPlaceOrder, MsgCancelOrder, MsgBatchCancel)
MESSAGES: dict[str, type[Message]] = {
    "/" + message.DESCRIPTOR.full_name: message
    for message in (
        *CLOB_MESSAGES,
        MsgCreateTransfer,
        MsgDepositToSubaccount,
        MsgWithdrawFromSubaccount,
        MsgSend,
        MsgAddAuthenticator,
        MsgRemoveAuthenticator,
    )
}
EXTENSION = "/" + TxExtension.DESCRIPTOR.full_name


@dataclass(frozen=True, slots=True)
class DecodedTx:
    """A parsed transaction with the exact bytes that were signed."""

    raw: bytes
    hash: str
    body_bytes: bytes
    auth_bytes: bytes
    signature: bytes
    body: TxBody
    auth: AuthInfo
    messages: tuple[Message, ...]
    signer: str
    public_key: bytes
    sequence: int
    authenticators: tuple[int, ...]

    @property
    def is_clob(self) -> bool:
        """Whether this is a CLOB transaction: free of gas."""
        return isinstance(self.messages[0], CLOB_MESSAGES)

    @property
    def is_short_term(self) -> bool:
        """Whether this is a short-term CLOB transaction: free of sequence as well, in no block."""
        match self.messages[0]:
            case MsgPlaceOrder() as message:
                return int(message.order.order_id.order_flags) == 0
            case MsgCancelOrder() as message:
                return int(message.order_id.order_flags) == 0
            case MsgBatchCancel():
                return True
        return False

    @property
    def message_types(self) -> tuple[str, ...]:
        """Type urls of the messages."""
        return tuple(message.type_url for message in self.body.messages)


def tx_hash(raw: bytes) -> str:
    """Return the transaction hash: upper-case hex sha256 of its bytes."""
    return hashlib.sha256(raw).hexdigest().upper()


def signer_of(message: Message) -> str:
    """Return the address whose signature a message needs. Raises Rejected sdk 6."""
    match message:
        case MsgPlaceOrder():
            return str(message.order.order_id.subaccount_id.owner)
        case MsgCancelOrder():
            return str(message.order_id.subaccount_id.owner)
        case MsgBatchCancel():
            return str(message.subaccount_id.owner)
        case MsgCreateTransfer():
            return str(message.transfer.sender.owner)
        case MsgDepositToSubaccount():
            return str(message.sender)
        case MsgWithdrawFromSubaccount():
            return str(message.sender.owner)
        case MsgSend():
            return str(message.from_address)
        case MsgAddAuthenticator() | MsgRemoveAuthenticator():
            return str(message.sender)
    raise sdk(6, message.DESCRIPTOR.full_name)


def _messages(body: TxBody) -> tuple[Message, ...]:
    messages = []
    for packed in body.messages:
        kind = MESSAGES.get(packed.type_url)
        if kind is None:
            raise sdk(6, f"message {packed.type_url} is not served")
        message = kind()
        message.ParseFromString(packed.value)
        messages.append(message)
    if not messages:
        raise sdk(18, "must contain at least one message")
    if len(messages) > 1 and any(isinstance(message, CLOB_MESSAGES) for message in messages):
        raise sdk(18, "a transaction with a CLOB message must hold that message alone")
    return tuple(messages)


def _authenticators(body: TxBody) -> tuple[int, ...]:
    selected: list[int] = []
    for option in body.non_critical_extension_options:
        if option.type_url == EXTENSION:
            extension = TxExtension()
            extension.ParseFromString(option.value)
            selected += extension.selected_authenticators
    return tuple(selected)


def _public_key(auth: AuthInfo) -> bytes:
    key = PubKey()
    key.ParseFromString(auth.signer_infos[0].public_key.value)
    return bytes(key.key)


def decode(raw: bytes) -> DecodedTx:
    """Parse a transaction. Raises Rejected sdk 2, 4, 6 or 18."""
    try:
        outer = TxRaw()
        outer.ParseFromString(raw)
        body, auth = TxBody(), AuthInfo()
        body.ParseFromString(outer.body_bytes)
        auth.ParseFromString(outer.auth_info_bytes)
        messages = _messages(body)
        selected = _authenticators(body)
        if len(auth.signer_infos) != 1 or len(outer.signatures) != 1:
            raise sdk(4, "one signer and one signature are expected")
        public_key = _public_key(auth)
    except DecodeError as error:
        raise sdk(2, str(error)) from error
    signers = {signer_of(message) for message in messages}
    if len(signers) != 1:
        raise sdk(4, "messages need different signers")
    return DecodedTx(
        raw,
        tx_hash(raw),
        outer.body_bytes,
        outer.auth_info_bytes,
        outer.signatures[0],
        body,
        auth,
        messages,
        signers.pop(),
        public_key,
        auth.signer_infos[0].sequence,
        selected,
    )


def market_of(message: Message) -> tuple[int, ...]:
    """Return the clob pairs a message trades in, empty for messages that do not trade."""
    match message:
        case MsgPlaceOrder():
            return (message.order.order_id.clob_pair_id,)
        case MsgCancelOrder():
            return (message.order_id.clob_pair_id,)
        case MsgBatchCancel():
            return tuple(batch.clob_pair_id for batch in message.short_term_cancels)
    return ()


def subaccount_of(message: Message) -> int | None:
    """Return the subaccount number a message acts for, None where it names none."""
    match message:
        case MsgPlaceOrder():
            return int(message.order.order_id.subaccount_id.number)
        case MsgCancelOrder():
            return int(message.order_id.subaccount_id.number)
        case MsgBatchCancel():
            return int(message.subaccount_id.number)
        case MsgCreateTransfer():
            return int(message.transfer.sender.number)
        case MsgWithdrawFromSubaccount():
            return int(message.sender.number)
    return None


def unsigned(message: Message, memo: str) -> bytes:
    """Return the bytes of a transaction a module sends: no signer, no fee."""
    body = TxBody(memo=memo)
    packed = body.messages.add()
    packed.type_url = "/" + message.DESCRIPTOR.full_name
    packed.value = message.SerializeToString(deterministic=True)
    raw = TxRaw(body_bytes=body.SerializeToString(deterministic=True))
    return bytes(raw.SerializeToString(deterministic=True))
