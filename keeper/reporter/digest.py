"""The EIP-712 digest of a report: the same bytes as `NavReporter.digest`."""

from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32
from eth_utils.crypto import keccak

from keeper.domain.reports import Leg, Report

__all__ = ["Domain", "digest_of", "sign_digest", "signer_of"]

_LEG: Final = "Leg(int256 equity,uint128 credited,uint128 debited,uint64 venueHeight)"
_REPORT: Final = (
    "Report(address vault,uint64 epoch,uint32 setId,bytes32 prevHash,Leg[] legs,int256[5] pnl,"
    "int256 externalFlow,bytes32 dataRoot,bytes32 dataCid)" + _LEG
)
_DOMAIN: Final = (
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_NAME, _VERSION = "Athanor NavReporter", "1"


@dataclass(frozen=True, slots=True)
class Domain:
    """What a signature is bound to: chain, NavReporter contract, vault."""

    chain_id: int
    contract: str
    vault: str


def digest_of(domain: Domain, report: Report) -> bytes:
    """Hash a report as its contract does. Raises eth_abi's EncodingError on values out of range."""
    return keccak(b"\x19\x01" + _domain_separator(domain) + _struct_hash(domain.vault, report))


def sign_digest(digest: bytes, account: LocalAccount) -> str:
    """Sign a digest: 65 bytes r, s, v as 0x hex; deterministic, low s."""
    return "0x" + bytes(account.unsafe_sign_hash(Hash32(digest)).signature).hex()


def signer_of(digest: bytes, signature: str) -> str:
    """Recover the address (with checksum) that signed. Raises ValueError on malformed bytes."""
    recovered = Account._recover_hash(digest, signature=bytes.fromhex(signature[2:]))
    return str(recovered)


def _domain_separator(domain: Domain) -> bytes:
    return keccak(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [
                keccak(text=_DOMAIN),
                keccak(text=_NAME),
                keccak(text=_VERSION),
                domain.chain_id,
                domain.contract,
            ],
        )
    )


def _struct_hash(vault: str, report: Report) -> bytes:
    legs = keccak(b"".join(_leg_hash(leg) for leg in report.legs))
    pnl = keccak(encode(["int256"] * 5, report.pnl))
    kinds = ["bytes32", "address", "uint64", "uint32", *["bytes32"] * 3, "int256", *["bytes32"] * 2]
    values = [
        keccak(text=_REPORT),
        vault,
        report.epoch,
        report.set_id,
        _word(report.prev_hash),
        legs,
        pnl,
        report.external_flow,
        _word(report.data_root),
        _word(report.data_cid),
    ]
    return keccak(encode(kinds, values))


def _leg_hash(leg: Leg) -> bytes:
    return keccak(
        encode(
            ["bytes32", "int256", "uint128", "uint128", "uint64"],
            [keccak(text=_LEG), leg.equity, leg.credited, leg.debited, leg.venue_height],
        )
    )


def _word(value: str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x"))
