"""SerializableInt: the documented vectors and a round trip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.domain.errors import WireError
from keeper.venues.dydx.serializable import decode_int, encode_int


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "02"),
        (1, "0201"),
        (-1, "0301"),
        (-400_000_000, "0317d78400"),
        (2**64, "02010000000000000000"),
    ],
)
def test_decode_int__known_encodings__decoded(value: int, encoded: str) -> None:
    assert decode_int(bytes.fromhex(encoded)) == value
    assert encode_int(value).hex() == encoded


def test_decode_int__absent_field__zero() -> None:
    assert decode_int(b"") == 0


@pytest.mark.parametrize("raw", [b"\x00", b"\x01\x05", b"\x04\x05"])
def test_decode_int__unknown_sign__wire_error(raw: bytes) -> None:
    with pytest.raises(WireError):
        decode_int(raw)


@given(st.integers())
def test_decode_int__any_integer__round_trips(value: int) -> None:
    assert decode_int(encode_int(value)) == value
