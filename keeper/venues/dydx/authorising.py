"""Permissioned keys of an account: registered, found again and revoked by its owner's key."""

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

from keeper.domain.errors import AthanorError, ConfigError
from keeper.venues.dydx import messages
from keeper.venues.dydx.account import Receipt, Wallet
from keeper.venues.dydx.permissions import TRADING
from keeper.venues.dydx.reader import Reader
from keeper.venues.dydx.signing import SignedTx

__all__ = ["KIND", "Grant", "Registered", "VenueRefused", "find", "register", "revoke"]

KIND: Final = "AllOf"
_DEADLINE_MS: Final = 5_000
_MOST_BYTES: Final = 1_024


class VenueRefused(AthanorError):
    """Raised when the chain refuses a transaction for good; carries its own words."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a hot key may do: trade with one subaccount in these clob pairs, nothing else.

    `public_key` is compressed (33 bytes).
    """

    public_key: bytes
    subaccount: int
    pairs: tuple[int, ...]

    @property
    def config(self) -> bytes:
        """The authenticator's configuration, the same bytes for the same grant.

        Raises ConfigError when the chain would not store it.
        """
        pairs = ",".join(str(pair) for pair in sorted(set(self.pairs)))
        filters = (
            ("SignatureVerification", self.public_key),
            ("MessageFilter", ",".join(sorted(TRADING)).encode()),
            ("SubaccountFilter", str(self.subaccount).encode()),
            ("ClobPairIdFilter", pairs.encode()),
        )
        shapes = [{"type": k, "config": base64.b64encode(c).decode()} for k, c in filters]
        encoded = json.dumps(shapes, separators=(",", ":")).encode()
        if len(encoded) > _MOST_BYTES or not self.pairs:
            raise ConfigError(
                f"{len(self.pairs)} markets do not fit one authenticator",
                next_step="configure at least one market, and no more than the key has to trade",
            )
        return encoded


@dataclass(frozen=True, slots=True)
class Registered:
    """An authenticator on the chain; `tx_hash` is empty when it was there already."""

    authenticator_id: int
    tx_hash: str


async def find(reader: Reader, address: str, grant: Grant) -> int | None:
    """Return the newest authenticator that is exactly this grant. Raises as the reader."""
    known = await reader.authenticators(address)
    same = [a for a in known if (a.kind, a.config) == (KIND, grant.config)]
    return max((a.authenticator_id for a in same), default=None)


async def register(
    wallet: Wallet, reader: Reader, grant: Grant, timeout_seconds: int
) -> Registered:
    """Have the owner register a grant and wait for its block; safe to repeat.

    Raises VenueRefused, VenueUnavailable, WireError, ConfigError.
    """
    found = await find(reader, wallet.address, grant)
    if found is not None:
        return Registered(found, "")
    message = messages.add_authenticator(wallet.address, KIND, grant.config)
    receipt = await _landed(wallet, message, timeout_seconds)
    found = await find(reader, wallet.address, grant)
    if found is None:
        raise VenueRefused(
            f"transaction {receipt.tx_hash} landed and no authenticator came of it",
            next_step="ask another node: keeper doctor",
        )
    return Registered(found, receipt.tx_hash)


async def revoke(wallet: Wallet, authenticator_id: int, timeout_seconds: int) -> str:
    """Remove an authenticator; return the transaction's hash. Raises as `register`."""
    message = messages.remove_authenticator(wallet.address, authenticator_id)
    return (await _landed(wallet, message, timeout_seconds)).tx_hash


async def _landed(wallet: Wallet, message: Any, timeout_seconds: int) -> Receipt:
    """Sign, send and follow a message of the owner's. Raises VenueRefused."""
    signed: SignedTx = await wallet.prepare(message)
    reply = await wallet.send(signed, _DEADLINE_MS)
    if reply.code:
        raise _refused(reply.codespace, reply.code, reply.raw_log)
    receipt = await wallet.wait(signed.tx_hash, timeout_seconds)
    if receipt.code:
        raise _refused(receipt.codespace, receipt.code, receipt.raw_log)
    return receipt


def _refused(codespace: str, code: int, raw_log: str) -> VenueRefused:
    return VenueRefused(
        f"the chain refused with {codespace} {code}: {raw_log}",
        next_step="see that the owner's wallet can pay the fee: keeper doctor",
    )
