"""Owns dYdX bech32 addresses: of public keys and of the exchange's own module accounts."""

import hashlib
from functools import lru_cache

import bech32

__all__ = [
    "BRIDGE",
    "FEE_COLLECTOR",
    "INSURANCE",
    "SUBACCOUNTS",
    "address_of",
    "is_address",
    "module_address",
]

PREFIX = "dydx"
KNOWN = 4_096  # addresses remembered by the pure functions below


def _encode(raw: bytes) -> str:
    words = bech32.convertbits(raw, 8, 5)
    if words is None:
        raise ValueError("address bytes do not convert to 5-bit words")
    return str(bech32.bech32_encode(PREFIX, words))


@lru_cache(maxsize=KNOWN)
def address_of(public_key: bytes) -> str:
    """Return the account address of a compressed secp256k1 public key (33 bytes)."""
    return _encode(hashlib.new("ripemd160", hashlib.sha256(public_key).digest()).digest())


@lru_cache(maxsize=KNOWN)
def module_address(name: str) -> str:
    """Return the address of a module account."""
    return _encode(hashlib.sha256(name.encode()).digest()[:20])


@lru_cache(maxsize=KNOWN)
def is_address(text: str) -> bool:
    """Return whether `text` is a well-formed address of this chain (20 bytes, right checksum)."""
    prefix, words = bech32.bech32_decode(text)
    if prefix != PREFIX or words is None:
        return False
    raw = bech32.convertbits(words, 5, 8, False)
    return raw is not None and len(raw) == 20


SUBACCOUNTS = module_address("subaccounts")  # of every subaccount that is in no isolated market
FEE_COLLECTOR = module_address("fee_collector")
INSURANCE = module_address("insurance_fund")
BRIDGE = module_address("bridge")  # USDC enters and leaves the exchange through this account alone
