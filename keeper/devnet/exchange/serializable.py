"""Owns the chain's wire form of big integers."""

__all__ = ["from_bytes", "to_bytes"]

POSITIVE, NEGATIVE = 2, 3


def to_bytes(value: int) -> bytes:
    """Return sign byte (2 for >= 0, 3 for < 0) and big-endian magnitude; zero is the sign alone."""
    magnitude = abs(value)
    length = (magnitude.bit_length() + 7) // 8
    return bytes([NEGATIVE if value < 0 else POSITIVE]) + magnitude.to_bytes(length, "big")


def from_bytes(raw: bytes) -> int:
    """Return the integer of its wire form. Raises ValueError."""
    if not raw or raw[0] not in (POSITIVE, NEGATIVE):
        raise ValueError(f"not a serialised integer: {raw.hex()}")
    magnitude = int.from_bytes(raw[1:], "big")
    return -magnitude if raw[0] == NEGATIVE else magnitude
