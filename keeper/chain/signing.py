"""EIP-1559 transactions: fees within a ceiling, signed bytes, and replacements of them (pure)."""

from dataclasses import dataclass
from typing import Final

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_keys.exceptions import BadSignature
from eth_typing import HexStr
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError
from hexbytes import HexBytes

from keeper.chain.codec import checksum
from keeper.chain.operations import Operation
from keeper.domain.units import div_up

__all__ = [
    "Envelope",
    "Fees",
    "GasPolicy",
    "Signed",
    "account_from_key",
    "bump",
    "first_fees",
    "parse",
    "sender_of",
    "sign",
]

_EIP_1559: Final = 2
_REPLACEMENT_NUMERATOR: Final = 1125
_REPLACEMENT_DENOMINATOR: Final = 1000
"""Nodes replace a pending transaction only for at least 10 % more of both fees."""


@dataclass(frozen=True, slots=True)
class GasPolicy:
    """Ceilings (wei, gas units) and paces (ns, blocks) of the keeper's own transactions."""

    max_fee_per_gas_wei: int
    max_priority_fee_per_gas_wei: int
    max_gas: int
    bump_after_ns: int
    confirmations: int


@dataclass(frozen=True, slots=True)
class Fees:
    """What a transaction offers per gas, in wei."""

    max_fee_wei: int
    tip_wei: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything that is signed."""

    chain_id: int
    nonce: int
    gas: int
    fees: Fees
    operation: Operation


@dataclass(frozen=True, slots=True)
class Signed:
    """Signed bytes (0x-prefixed hex) and their hash."""

    raw: str
    tx_hash: str


def first_fees(base_fee_wei: int, suggested_tip_wei: int, policy: GasPolicy) -> Fees | None:
    """Fees for a first attempt: room for the base fee to double; None above the ceiling."""
    tip = min(suggested_tip_wei, policy.max_priority_fee_per_gas_wei)
    if base_fee_wei + tip > policy.max_fee_per_gas_wei:
        return None
    return Fees(min(2 * base_fee_wei + tip, policy.max_fee_per_gas_wei), tip)


def bump(fees: Fees, current: Fees | None, policy: GasPolicy) -> Fees | None:
    """Fees of a replacement; None when the ceiling leaves no room for one."""
    raised = Fees(_raise(fees.max_fee_wei), _raise(fees.tip_wei))
    if current is not None:
        raised = Fees(
            max(raised.max_fee_wei, current.max_fee_wei), max(raised.tip_wei, current.tip_wei)
        )
    within = (
        raised.max_fee_wei <= policy.max_fee_per_gas_wei
        and raised.tip_wei <= policy.max_priority_fee_per_gas_wei
    )
    return raised if within else None


def _raise(fee_wei: int) -> int:
    return max(fee_wei + 1, div_up(fee_wei * _REPLACEMENT_NUMERATOR, _REPLACEMENT_DENOMINATOR))


def sign(envelope: Envelope, account: LocalAccount) -> Signed:
    """Sign; the same envelope and key give the same bytes."""
    signed = account.sign_transaction(
        {
            "type": _EIP_1559,
            "chainId": envelope.chain_id,
            "nonce": envelope.nonce,
            "gas": envelope.gas,
            "maxFeePerGas": envelope.fees.max_fee_wei,
            "maxPriorityFeePerGas": envelope.fees.tip_wei,
            "to": HexStr(checksum(envelope.operation.to)),
            "data": HexStr(envelope.operation.data),
            "value": 0,
        }
    )
    return Signed("0x" + signed.raw_transaction.hex(), "0x" + signed.hash.hex())


def parse(raw: str) -> tuple[Envelope, Signed]:
    """Read our own signed bytes back. Raises ValueError when they are not such a transaction."""
    data = bytes.fromhex(raw.removeprefix("0x"))
    if not data or data[0] != _EIP_1559:
        raise ValueError("not an EIP-1559 transaction")
    fields = TypedTransaction.from_bytes(HexBytes(data)).as_dict()
    envelope = Envelope(
        _number(fields["chainId"]),
        _number(fields["nonce"]),
        _number(fields["gas"]),
        Fees(_number(fields["maxFeePerGas"]), _number(fields["maxPriorityFeePerGas"])),
        Operation(checksum(_hex(fields["to"])), _hex(fields["data"])),
    )
    return envelope, Signed("0x" + data.hex(), "0x" + keccak(data).hex())


def sender_of(signed: Signed) -> str:
    """The account that signed, in checksum spelling. Raises ValueError when nobody can have."""
    try:
        sender: str = Account.recover_transaction(HexStr(signed.raw))
    except (BadSignature, ValidationError) as error:
        raise ValueError(f"signature of {signed.tx_hash} fits no account") from error
    return sender


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError(f"not a number in a transaction: {value!r}")
    return value


def _hex(value: object) -> str:
    if not isinstance(value, bytes):
        raise ValueError(f"not bytes in a transaction: {value!r}")
    return "0x" + value.hex()


def account_from_key(secret: bytes) -> LocalAccount:
    """The account of a 32-byte secret. Raises ValueError."""
    account: LocalAccount = Account.from_key(secret)
    return account
