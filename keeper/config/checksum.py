"""EIP-55 address checksums, with a Keccak-256 of our own: importing one costs 50 to 130 ms."""

import re
from typing import Final

__all__ = ["checksum_address", "keccak256"]

RATE_BYTES: Final = 136
MASK: Final = (1 << 64) - 1


def checksum_address(value: str) -> str:
    """Return an EVM address in its EIP-55 spelling.

    Raises ValueError when it is not an address, is the zero address, or its case is mistyped.
    """
    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", value):
        raise ValueError("an EVM address is 0x and 40 hexadecimal digits")
    body = value[2:].lower()
    if int(body, 16) == 0:
        raise ValueError("the zero address is nobody's")
    digest = keccak256(body.encode()).hex()
    cased = "".join(
        char.upper() if int(nibble, 16) >= 8 else char
        for char, nibble in zip(body, digest, strict=False)
    )
    if value[2:] not in (body, body.upper(), cased):
        raise ValueError("the address has a wrong checksum (EIP-55): a digit or a case is mistyped")
    return "0x" + cased


def keccak256(data: bytes) -> bytes:
    """Hash as Ethereum does (Keccak-256, padding 0x01); meant for a few addresses, not for bulk."""
    padding = RATE_BYTES - len(data) % RATE_BYTES
    padded = bytearray(data + bytes(padding))
    padded[len(data)] ^= 0x01
    padded[-1] ^= 0x80
    state = [0] * 25
    for start in range(0, len(padded), RATE_BYTES):
        for lane in range(RATE_BYTES // 8):
            at = start + 8 * lane
            state[lane] ^= int.from_bytes(padded[at : at + 8], "little")
        _permute(state)
    return b"".join(lane.to_bytes(8, "little") for lane in state[:4])


def _permute(state: list[int]) -> None:
    """Keccak-f[1600] in place; lane (x, y) is at x + 5*y."""
    lfsr = 1
    for _ in range(24):
        columns = [
            state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20]
            for x in range(5)
        ]
        for x in range(5):
            parity = columns[(x - 1) % 5] ^ _rotate(columns[(x + 1) % 5], 1)
            for y in range(0, 25, 5):
                state[x + y] ^= parity
        _rotate_and_move(state)
        for y in range(0, 25, 5):
            row = state[y : y + 5]
            for x in range(5):
                state[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5] & MASK)
        for bit in range(7):
            lfsr = (lfsr << 1) ^ ((lfsr >> 7) * 0x171)
            if lfsr & 2:
                state[0] ^= 1 << ((1 << bit) - 1)


def _rotate_and_move(state: list[int]) -> None:
    x, y, current = 1, 0, state[1]
    for step in range(24):
        x, y = y, (2 * x + 3 * y) % 5
        at = x + 5 * y
        moved = _rotate(current, (step + 1) * (step + 2) // 2)
        current, state[at] = state[at], moved


def _rotate(lane: int, by: int) -> int:
    by %= 64
    return ((lane << by) | (lane >> (64 - by))) & MASK
