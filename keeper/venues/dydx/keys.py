"""Keys of dYdX accounts: secrets that never show themselves, and the signer behind a protocol."""

import asyncio
import hashlib
from typing import Protocol

from bech32 import bech32_decode, bech32_encode, convertbits
from coincurve import PrivateKey

from keeper.domain.errors import ConfigError, VenueUnavailable

__all__ = [
    "LocalSigner",
    "SecretKey",
    "Signer",
    "SigningFailed",
    "address_of",
    "check_address",
    "key_from_mnemonic",
]

_PREFIX = "dydx"
_DERIVATION = "m/44'/118'/0'/0/0"
_KEY_BYTES = 32
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class SecretKey:
    """A 32-byte secp256k1 private key; masked in repr, str and format, and not picklable."""

    __slots__ = ("_bytes",)

    def __init__(self, value: bytes) -> None:
        if len(value) != _KEY_BYTES or not 0 < int.from_bytes(value, "big") < _ORDER:
            raise ConfigError(
                "a dYdX key is 32 bytes within the order of secp256k1",
                next_step="check the key file or the mnemonic",
            )
        self._bytes = value

    def reveal(self) -> bytes:
        """Return the key itself; call it only to sign or to encrypt."""
        return self._bytes

    def __repr__(self) -> str:
        return "SecretKey(***)"

    def __reduce__(self) -> str:
        raise TypeError("a SecretKey is not serialised")


class SigningFailed(VenueUnavailable):
    """Raised by a signer that cannot answer; nothing was sent. The adapter drops the command."""


class Signer(Protocol):
    """Signs digests with one key: in memory, or by an external command."""

    @property
    def public_key(self) -> bytes:
        """The 33-byte compressed public key."""
        ...

    async def sign(self, message: bytes) -> bytes:
        """Return r||s (64 bytes, low s) over sha256(message). Raises SigningFailed."""
        ...

    async def ready(self) -> None:
        """Return once it has shown that it can sign. Raises SigningFailed."""
        ...

    async def lost(self) -> None:
        """Wait until it can no longer sign, then raise SigningFailed."""
        ...

    async def close(self) -> None:
        """Let go of what it runs on."""
        ...


class LocalSigner:
    """A signer that holds its key in memory."""

    __slots__ = ("_key", "public_key")

    def __init__(self, secret: SecretKey) -> None:
        self._key = PrivateKey(secret.reveal())
        self.public_key: bytes = self._key.public_key.format(compressed=True)

    async def sign(self, message: bytes) -> bytes:
        """Return r||s over sha256(message); libsecp256k1 gives a low s and an RFC 6979 nonce."""
        return self._key.sign_recoverable(message)[:64]

    async def ready(self) -> None:
        """Return at once: a key in memory can always sign."""

    async def lost(self) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Nothing to let go of."""

    def __repr__(self) -> str:
        return f"LocalSigner({address_of(self.public_key)})"


def key_from_mnemonic(mnemonic: str) -> SecretKey:
    """Derive the account's key at m/44'/118'/0'/0/0. Raises ConfigError on a wrong mnemonic."""
    from eth_account.hdaccount import key_from_seed, seed_from_mnemonic
    from eth_utils.exceptions import ValidationError

    try:
        seed = seed_from_mnemonic(mnemonic, passphrase="")
    except ValidationError as error:
        raise ConfigError(
            "the mnemonic is not a BIP-39 phrase",
            next_step="check its words and their order",
        ) from error.__class__("not shown")
    return SecretKey(key_from_seed(seed, _DERIVATION))


def address_of(public_key: bytes) -> str:
    """Return the dydx1… address of a 33-byte public key."""
    digest = hashlib.new("ripemd160", hashlib.sha256(public_key).digest()).digest()
    words = convertbits(digest, 8, 5) or []
    encoded: str = bech32_encode(_PREFIX, words)
    return encoded


def check_address(address: str) -> str:
    """Return a well-formed dydx1… address unchanged. Raises ConfigError."""
    prefix, words = bech32_decode(address)
    if prefix != _PREFIX or words is None or len(convertbits(words, 5, 8, False) or b"") != 20:
        raise ConfigError(
            f"{address!r} is not a dydx1… address",
            next_step="copy the address of the account that owns the subaccount",
        )
    return address
