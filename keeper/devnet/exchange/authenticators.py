"""Owns permissioned keys: what each authenticator type lets through."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable

from google.protobuf.message import Message

from .model import AuthenticatorEntry
from .results import Rejected, plus, sdk
from .transactions import DecodedTx, market_of, subaccount_of

__all__ = ["authenticate", "check_config"]

Verify = Callable[[bytes], bool]
COMPOSITE = ("AllOf", "AnyOf")
MAX_CONFIG = 1024


def authenticate(tx: DecodedTx, known: Iterable[AuthenticatorEntry], verify: Verify) -> None:
    """Check every message with the authenticator selected for it.

    Raises Rejected sdk 18 when their numbers differ, accountplus 1 or 100-105.
    """
    if len(tx.authenticators) != len(tx.messages):
        raise sdk(
            18,
            f"{len(tx.authenticators)} authenticators selected for {len(tx.messages)} messages",
        )
    by_id = {entry.id: entry for entry in known}
    for selected, message, url in zip(
        tx.authenticators, tx.messages, tx.message_types, strict=True
    ):
        entry = by_id.get(selected)
        if entry is None:
            raise plus(1, f"authenticator {selected} of {tx.signer}")
        _check(entry.type, entry.config, (message, url), verify)


def _check(kind: str, config: bytes, message: tuple[Message, str], verify: Verify) -> None:
    if kind in COMPOSITE:
        _check_composite(kind, config, message, verify)
    elif kind == "SignatureVerification":
        if not verify(config):
            raise plus(100)
    elif kind == "MessageFilter":
        if message[1] not in config.decode().split(","):
            raise plus(101, f"message {message[1]}, allowed {config.decode()}")
    elif kind == "ClobPairIdFilter":
        allowed = _numbers(config)
        outside = [pair for pair in market_of(message[0]) if pair not in allowed]
        if outside:
            raise plus(102, f"clob pairs {outside}, allowed {sorted(allowed)}")
    else:
        number = subaccount_of(message[0])
        if number is not None and number not in _numbers(config):
            raise plus(103, f"subaccount {number}, allowed {sorted(_numbers(config))}")


def _check_composite(
    kind: str, config: bytes, message: tuple[Message, str], verify: Verify
) -> None:
    failures = []
    for sub_kind, sub_config in _parts(config):
        try:
            _check(sub_kind, sub_config, message, verify)
        except Rejected as refusal:
            failures.append(refusal.result.raw_log)
        else:
            if kind == "AnyOf":
                return
        if failures and kind == "AllOf":
            raise plus(104, failures[0])
    if kind == "AnyOf":
        raise plus(105, "; ".join(failures))


def _parts(config: bytes) -> list[tuple[str, bytes]]:
    return [
        (part["type"], base64.b64decode(part["config"], validate=True))
        for part in json.loads(config)
    ]


def _numbers(config: bytes) -> frozenset[int]:
    return frozenset(int(text) for text in config.decode().split(","))


def check_config(kind: str, config: bytes) -> None:
    """Check that an authenticator can be stored. Raises Rejected accountplus 5."""
    if len(config) > MAX_CONFIG:
        raise plus(5, f"configuration of {len(config)} bytes")
    try:
        if not _signs(kind, config):
            raise plus(5, "no signature verification in every path")
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise plus(5, f"{kind}: {error}") from error


def _signs(kind: str, config: bytes) -> bool:
    """Return whether passing this authenticator implies a signature; parses all of it."""
    if kind == "SignatureVerification":
        if len(config) != 33:
            raise ValueError(f"public key of {len(config)} bytes")
        return True
    if kind in COMPOSITE:
        parts = [_signs(sub_kind, sub_config) for sub_kind, sub_config in _parts(config)]
        if len(parts) < 2:
            raise ValueError("a composite authenticator needs at least two parts")
        return any(parts) if kind == "AllOf" else all(parts)
    if kind in ("SubaccountFilter", "ClobPairIdFilter"):
        _numbers(config)
    elif kind == "MessageFilter":
        config.decode()
    else:
        raise ValueError(f"unknown authenticator type {kind}")
    return False
