"""Owns the effect of messages that are included in blocks: transfers, sends, authenticators."""

from dataclasses import dataclass

from google.protobuf.message import Message
from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.dydxprotocol.accountplus.tx_pb2 import MsgAddAuthenticator, MsgRemoveAuthenticator
from v4_proto.dydxprotocol.sending.transfer_pb2 import (
    MsgDepositToSubaccount,
    MsgWithdrawFromSubaccount,
)
from v4_proto.dydxprotocol.sending.tx_pb2 import MsgCreateTransfer
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId as WireSubaccountId

from . import ledger
from .addresses import BRIDGE, is_address
from .authenticators import check_config
from .model import USDC_DENOM, AuthenticatorEntry, SubaccountId
from .results import plus, sdk, sending
from .store import State

__all__ = ["BankMove", "Moved", "check_basic", "execute"]

USDC_ASSET = 0


@dataclass(frozen=True, slots=True)
class BankMove:
    """USDC quantums that moved between two wallets or module accounts."""

    sender: str
    recipient: str
    amount: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What a message moved. A number is None where the party is a wallet, `bank` is None for a
    transfer between subaccounts, `recorded` tells whether the indexer lists it."""

    sender: str
    sender_number: int | None
    recipient: str
    recipient_number: int | None
    amount: int
    bank: BankMove | None
    recorded: bool = True

    def subaccounts(self) -> tuple[SubaccountId, ...]:
        """Return the subaccounts that changed."""
        parties = (
            (self.sender, self.sender_number),
            (self.recipient, self.recipient_number),
        )
        return tuple(SubaccountId(owner, n) for owner, n in parties if n is not None)


def _key(wire: WireSubaccountId) -> SubaccountId:
    return SubaccountId(wire.owner, wire.number)


def _coins(message: MsgSend) -> int:
    if len(message.amount) != 1 or message.amount[0].denom != USDC_DENOM:
        raise sdk(10, "one coin of the USDC denomination is expected")
    text = message.amount[0].amount
    if not text.isdecimal() or int(text) == 0:
        raise sdk(10, f"amount {text!r}")
    return int(text)


def _check_transfer(asset: int, amount: int, *addresses: str) -> None:
    if asset != USDC_ASSET:
        raise sending(3, f"asset {asset}")
    if not amount:
        raise sending(2)
    _check_addresses(*addresses)


def _check_addresses(*addresses: str) -> None:
    for address in addresses:
        if not is_address(address):
            raise sdk(7, address)


def check_basic(message: Message) -> None:
    """Check a message's form, without state. Raises Rejected."""
    match message:
        case MsgCreateTransfer():
            move = message.transfer
            _check_transfer(move.asset_id, move.amount, move.sender.owner, move.recipient.owner)
            if _key(move.sender) == _key(move.recipient):
                raise sending(1)
        case MsgDepositToSubaccount():
            _check_transfer(
                message.asset_id, message.quantums, message.sender, message.recipient.owner
            )
        case MsgWithdrawFromSubaccount():
            _check_transfer(
                message.asset_id, message.quantums, message.sender.owner, message.recipient
            )
        case MsgSend():
            _check_addresses(message.from_address, message.to_address)
            _coins(message)
        case MsgAddAuthenticator():
            check_config(message.authenticator_type, message.data)


def execute(state: State, message: Message) -> Moved | None:
    """Apply one message. Raises Rejected; the caller discards the branch."""
    match message:
        case MsgCreateTransfer():
            return _transfer(state, message)
        case MsgDepositToSubaccount():
            return _deposit(state, message)
        case MsgWithdrawFromSubaccount():
            return _withdraw(state, message)
        case MsgSend():
            return _send(state, message)
        case MsgAddAuthenticator():
            _add_authenticator(state, message)
        case MsgRemoveAuthenticator():
            _remove_authenticator(state, message)
        case _:
            raise sdk(6, message.DESCRIPTOR.full_name)
    return None


def _transfer(state: State, message: MsgCreateTransfer) -> Moved:
    move = message.transfer
    sender, recipient = _key(move.sender), _key(move.recipient)
    ledger.transfer(state, sender, recipient, move.amount)
    return Moved(sender.owner, sender.number, recipient.owner, recipient.number, move.amount, None)


def _deposit(state: State, message: MsgDepositToSubaccount) -> Moved:
    recipient, amount = _key(message.recipient), message.quantums
    ledger.deposit(state, message.sender, recipient, amount)
    bank = BankMove(message.sender, ledger.pool_at(state, recipient), amount)
    return Moved(message.sender, None, recipient.owner, recipient.number, amount, bank)


def _withdraw(state: State, message: MsgWithdrawFromSubaccount) -> Moved:
    sender, amount = _key(message.sender), message.quantums
    pool = ledger.pool_at(state, sender)
    ledger.withdraw(state, sender, message.recipient, amount)
    bank = BankMove(pool, message.recipient, amount)
    return Moved(sender.owner, sender.number, message.recipient, None, amount, bank)


def _send(state: State, message: MsgSend) -> Moved:
    sender, recipient, amount = message.from_address, message.to_address, _coins(message)
    ledger.send(state, sender, recipient, amount)
    if recipient == BRIDGE:
        ledger.bridge_out(state, amount)
    bank = BankMove(sender, recipient, amount)
    return Moved(sender, None, recipient, None, amount, bank, recorded=False)


def _add_authenticator(state: State, message: MsgAddAuthenticator) -> None:
    known = state.authenticators.get(message.sender) or ()
    fresh = state.totals.get("authenticators") or 0
    state.totals.put("authenticators", fresh + 1)
    entry = AuthenticatorEntry(fresh, message.authenticator_type, message.data)
    state.authenticators.put(message.sender, (*known, entry))


def _remove_authenticator(state: State, message: MsgRemoveAuthenticator) -> None:
    known = state.authenticators.get(message.sender) or ()
    left = tuple(entry for entry in known if entry.id != message.id)
    if len(left) == len(known):
        raise plus(1, f"authenticator {message.id} of {message.sender}")
    state.authenticators.put(message.sender, left)
