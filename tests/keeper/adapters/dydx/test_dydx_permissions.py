"""What an authenticator lets its key do: limits of all parts together, or of any."""

import base64
import json

import pytest
from dydx_world import trade_only

from keeper.domain.errors import WireError
from keeper.venues.dydx.permissions import PLACE, TRADING, Powers, powers_of

KEY, OTHER = b"\x02" + b"\x11" * 32, b"\x03" + b"\x22" * 32
WITHDRAW = "/dydxprotocol.sending.MsgWithdrawFromSubaccount"


def composite(*parts: tuple[str, bytes]) -> bytes:
    return json.dumps(
        [{"type": kind, "config": base64.b64encode(config).decode()} for kind, config in parts]
    ).encode()


def test_powers_of__trade_only__is_what_a_hot_key_should_be() -> None:
    powers = powers_of("AllOf", trade_only(KEY, "0", "1"))

    assert powers == Powers(
        keys=frozenset({KEY}),
        messages=TRADING,
        subaccounts=frozenset({0}),
        pairs=frozenset({1}),
    )


def test_powers_of__signature_alone__is_the_whole_account() -> None:
    assert powers_of("SignatureVerification", KEY) == Powers(keys=frozenset({KEY}))


def test_powers_of__all_of_with_two_filters__only_what_both_pass() -> None:
    parts = composite(
        ("MessageFilter", f"{PLACE},{WITHDRAW}".encode()), ("MessageFilter", PLACE.encode())
    )

    assert powers_of("AllOf", parts) == Powers(messages=frozenset({PLACE}))


def test_powers_of__any_of__whatever_one_passes() -> None:
    one = composite(("SignatureVerification", KEY), ("SubaccountFilter", b"0"))
    parts = composite(
        ("AllOf", one), ("AllOf", composite(("SignatureVerification", OTHER), ("AllOf", one)))
    )

    powers = powers_of("AnyOf", parts)

    assert powers.subaccounts == frozenset({0})
    assert powers.messages is None


def test_powers_of__any_of_with_an_unlimited_part__unlimited() -> None:
    parts = composite(("MessageFilter", PLACE.encode()), ("SignatureVerification", KEY))

    assert powers_of("AnyOf", parts) == Powers()


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("NewKind", b""),
        ("AllOf", b"not json"),
        ("AllOf", b"[]"),
        ("AllOf", b'[{"type":"SubaccountFilter"}]'),
        ("SubaccountFilter", b"zero"),
    ],
)
def test_powers_of__not_understood__wire_error(kind: str, config: bytes) -> None:
    with pytest.raises(WireError, match=f"authenticator {kind}"):
        powers_of(kind, config)
