"""The chain's SerializableInt: Go's big.Int gob encoding, a sign byte before the magnitude."""

from typing import Final

from keeper.domain.errors import WireError

__all__ = ["decode_int", "encode_int"]

_POSITIVE: Final = 2
_NEGATIVE: Final = 3


def decode_int(raw: bytes) -> int:
    """Decode a SerializableInt; an absent field (no bytes) is zero. Raises WireError."""
    if not raw:
        return 0
    if raw[0] not in (_POSITIVE, _NEGATIVE):
        raise WireError(f"{raw.hex()} is not a SerializableInt")
    magnitude = int.from_bytes(raw[1:], "big")
    return magnitude if raw[0] == _POSITIVE else -magnitude


def encode_int(value: int) -> bytes:
    """Encode a SerializableInt."""
    magnitude = abs(value)
    body = magnitude.to_bytes((magnitude.bit_length() + 7) // 8, "big")
    return bytes([_NEGATIVE if value < 0 else _POSITIVE]) + body
