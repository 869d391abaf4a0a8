"""What a permissioned key of an account may do, from its authenticators' configurations."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final

from keeper.domain.errors import WireError

__all__ = ["CANCEL", "PLACE", "TRADING", "Powers", "powers_of"]

PLACE: Final = "/dydxprotocol.clob.MsgPlaceOrder"
CANCEL: Final = "/dydxprotocol.clob.MsgCancelOrder"
TRADING: Final = frozenset({PLACE, CANCEL, "/dydxprotocol.clob.MsgBatchCancel"})
"""Messages that trade; none of them moves collateral out."""


@dataclass(frozen=True, slots=True)
class Powers:
    """What passes an authenticator; None means that nothing limits it.

    `keys` are compressed public keys, `messages` type URLs.
    """

    keys: frozenset[bytes] | None = None
    messages: frozenset[str] | None = None
    subaccounts: frozenset[int] | None = None
    pairs: frozenset[int] | None = None

    def both(self, other: "Powers") -> "Powers":
        """What passes this and the other."""
        return Powers(
            _and(self.keys, other.keys),
            _and(self.messages, other.messages),
            _and(self.subaccounts, other.subaccounts),
            _and(self.pairs, other.pairs),
        )

    def either(self, other: "Powers") -> "Powers":
        """At least what passes this or the other: each limit widened on its own."""
        return Powers(
            _or(self.keys, other.keys),
            _or(self.messages, other.messages),
            _or(self.subaccounts, other.subaccounts),
            _or(self.pairs, other.pairs),
        )


def powers_of(kind: str, config: bytes) -> Powers:
    """Return what an authenticator lets through. Raises WireError on one not understood."""
    try:
        return _powers(kind, config)
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise WireError(f"authenticator {kind}: {type(error).__name__} {error}") from error


def _powers(kind: str, config: bytes) -> Powers:
    if kind == "SignatureVerification":
        return Powers(keys=frozenset({config}))
    if kind == "MessageFilter":
        return Powers(messages=frozenset(config.decode().split(",")))
    if kind == "SubaccountFilter":
        return Powers(subaccounts=_numbers(config))
    if kind == "ClobPairIdFilter":
        return Powers(pairs=_numbers(config))
    if kind not in ("AllOf", "AnyOf"):
        raise ValueError("unknown kind")
    first, *others = [_part(part) for part in json.loads(config)]
    for other in others:
        first = first.both(other) if kind == "AllOf" else first.either(other)
    return first


def _part(part: dict[str, Any]) -> Powers:
    return _powers(part["type"], base64.b64decode(part["config"], validate=True))


def _numbers(config: bytes) -> frozenset[int]:
    return frozenset(int(text) for text in config.decode().split(","))


def _and(ours: Any, theirs: Any) -> Any:
    if ours is None or theirs is None:
        return theirs if ours is None else ours
    return ours & theirs


def _or(ours: Any, theirs: Any) -> Any:
    return None if ours is None or theirs is None else ours | theirs
