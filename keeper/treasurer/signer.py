"""The owner key's only use: four message shapes, checked on the bytes that are signed."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final, Protocol

from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import DecodeError, Message
from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.cosmos.base.v1beta1.coin_pb2 import Coin
from v4_proto.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from v4_proto.cosmos.tx.signing.v1beta1.signing_pb2 import SIGN_MODE_DIRECT
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import (
    AuthInfo,
    Fee,
    ModeInfo,
    SignDoc,
    SignerInfo,
    TxBody,
    TxRaw,
)
from v4_proto.dydxprotocol.sending.transfer_pb2 import (
    MsgDepositToSubaccount,
    MsgWithdrawFromSubaccount,
    Transfer,
)
from v4_proto.dydxprotocol.sending.tx_pb2 import MsgCreateTransfer
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId

from keeper.treasurer.policy import Action, BridgeHome, Deposit, Move, Withdraw

__all__ = [
    "FEE_QUANTUMS",
    "USDC_DENOM",
    "OwnPlaces",
    "ShapeRefused",
    "SignedTransaction",
    "TreasurySigner",
    "build_body",
]

USDC_DENOM: Final = "ibc/8E27BA2D5493AF5636760E354E46004562C46AB7EC0CC4C1CA14E9E20E2545B5"
_USDC: Final = 0
_GAS_LIMIT: Final = 250_000
FEE_QUANTUMS: Final = 6_250
"""Gas limit times the chain's 0.025 quote quantums per gas."""


class ShapeRefused(Exception):
    """Raised when asked to sign anything but the four shapes: a bug or an intruder."""


class Signer(Protocol):
    """One key, in memory or behind an external command."""

    @property
    def public_key(self) -> bytes:
        """33 bytes, compressed."""
        ...

    async def ready(self) -> None:
        """Return once it has shown that it can sign; starts anew what has ended."""
        ...

    async def sign(self, message: bytes) -> bytes:
        """r and s, 64 bytes, low s, over sha256(message)."""
        ...


@dataclass(frozen=True, slots=True)
class OwnPlaces:
    """Everywhere collateral may go: wallet, own subaccounts, and the bridge for one recipient."""

    address: str
    subaccounts: frozenset[int]
    bridge: str
    recipient: str


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Bytes to broadcast and their hash (upper-case hex)."""

    raw: bytes
    tx_hash: str


def build_body(places: OwnPlaces, action: Action) -> bytes:
    """Lay an action out as a transaction body."""
    own = places.address
    memo = ""
    message: Message
    match action:
        case Deposit(subaccount=number, quantums=quantums):
            message = MsgDepositToSubaccount(
                sender=own, recipient=_place(own, number), asset_id=_USDC, quantums=quantums
            )
        case Withdraw(subaccount=number, quantums=quantums):
            message = MsgWithdrawFromSubaccount(
                sender=_place(own, number), recipient=own, asset_id=_USDC, quantums=quantums
            )
        case BridgeHome(quantums=quantums):
            memo = places.recipient
            message = MsgSend(
                from_address=own,
                to_address=places.bridge,
                amount=[Coin(denom=USDC_DENOM, amount=str(quantums))],
            )
        case Move(sender=sender, recipient=recipient, quantums=quantums):
            message = MsgCreateTransfer(
                transfer=Transfer(
                    sender=_place(own, sender),
                    recipient=_place(own, recipient),
                    asset_id=_USDC,
                    amount=quantums,
                )
            )
    return _bytes(TxBody(messages=[_pack(message)], memo=memo))


class TreasurySigner:
    """Holds the key; nothing leaves it that does not fit `OwnPlaces`."""

    def __init__(self, signer: Signer, chain_id: str, places: OwnPlaces) -> None:
        self._signer = signer
        self._chain_id = chain_id
        self._places = places

    async def sign(self, body: bytes, account_number: int, sequence: int) -> SignedTransaction:
        """Sign a body under a sequence, which at most one transaction can ever use.

        Raises ShapeRefused unless it holds exactly one of the four messages between own places.
        """
        _require_allowed(body, self._places)
        auth = AuthInfo(
            signer_infos=[
                SignerInfo(
                    public_key=_pack(PubKey(key=self._signer.public_key)),
                    mode_info=ModeInfo(single=ModeInfo.Single(mode=SIGN_MODE_DIRECT)),
                    sequence=sequence,
                )
            ],
            fee=Fee(
                gas_limit=_GAS_LIMIT, amount=[Coin(denom=USDC_DENOM, amount=str(FEE_QUANTUMS))]
            ),
        ).SerializeToString(deterministic=True)
        document = SignDoc(
            body_bytes=body,
            auth_info_bytes=auth,
            chain_id=self._chain_id,
            account_number=account_number,
        )
        await self._signer.ready()
        signature = await self._signer.sign(_bytes(document))
        raw = _bytes(TxRaw(body_bytes=body, auth_info_bytes=auth, signatures=[signature]))
        return SignedTransaction(raw, hashlib.sha256(raw).hexdigest().upper())


def _require_allowed(body: bytes, places: OwnPlaces) -> None:
    try:
        parsed = TxBody.FromString(body)
        _require(_known(parsed) == body, "fields this signer does not know")
        _require(len(parsed.messages) == 1, f"{len(parsed.messages)} messages, not one")
        extended = parsed.extension_options or parsed.non_critical_extension_options
        _require(not extended, "extension options")
        packed = parsed.messages[0]
        message = _SHAPES.get(packed.type_url)
        _require(message is not None, f"message {packed.type_url}")
        assert message is not None  # noqa: S101 (narrowed by the line above)
        found = message.FromString(packed.value)
        _require(_known(found) == packed.value, "fields this signer does not know")
    except DecodeError as error:
        raise ShapeRefused(f"not a transaction body: {error}") from error
    _CHECKS[type(found)](found, parsed.memo, places)


def _check_deposit(message: Any, memo: str, places: OwnPlaces) -> None:
    _require(memo == "", f"memo {memo!r}")
    _require(message.sender == places.address, f"from {message.sender}")
    _require_own(message.recipient, places)
    _require_usdc(message.asset_id, message.quantums)


def _check_withdrawal(message: Any, memo: str, places: OwnPlaces) -> None:
    _require(memo == "", f"memo {memo!r}")
    _require_own(message.sender, places)
    _require(message.recipient == places.address, f"to {message.recipient}")
    _require_usdc(message.asset_id, message.quantums)


def _check_send(message: Any, memo: str, places: OwnPlaces) -> None:
    _require(memo == places.recipient, f"memo {memo!r}")
    _require(message.from_address == places.address, f"from {message.from_address}")
    _require(message.to_address == places.bridge, f"to {message.to_address}")
    coins = [(coin.denom, coin.amount) for coin in message.amount]
    _require(
        len(coins) == 1 and coins[0][0] == USDC_DENOM and coins[0][1].isdecimal(), f"coins {coins}"
    )
    _require(int(coins[0][1]) > 0, "an amount of zero")


def _check_move(message: Any, memo: str, places: OwnPlaces) -> None:
    _require(memo == "", f"memo {memo!r}")
    _require_own(message.transfer.sender, places)
    _require_own(message.transfer.recipient, places)
    _require_usdc(message.transfer.asset_id, message.transfer.amount)


def _require_own(place: Any, places: OwnPlaces) -> None:
    own = place.owner == places.address and place.number in places.subaccounts
    _require(own, f"subaccount {place.owner}/{place.number}")


def _require_usdc(asset_id: int, amount: int) -> None:
    _require(asset_id == _USDC, f"asset {asset_id}")
    _require(amount > 0, "an amount of zero")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ShapeRefused(f"the treasurer does not sign {what}")


_CHECKS: Final = {
    MsgDepositToSubaccount: _check_deposit,
    MsgWithdrawFromSubaccount: _check_withdrawal,
    MsgSend: _check_send,
    MsgCreateTransfer: _check_move,
}
_SHAPES: Final = {"/" + kind.DESCRIPTOR.full_name: kind for kind in _CHECKS}


def _place(owner: str, number: int) -> Any:
    return SubaccountId(owner=owner, number=number)


def _pack(message: Message) -> Any:
    return Packed(type_url="/" + message.DESCRIPTOR.full_name, value=_bytes(message))


def _known(message: Message) -> bytes:
    """The bytes of what was understood; anything else on the wire is missing from them."""
    understood = type(message)()
    understood.CopyFrom(message)
    understood.DiscardUnknownFields()
    return _bytes(understood)


def _bytes(message: Message) -> bytes:
    raw: bytes = message.SerializeToString(deterministic=True)
    return raw
