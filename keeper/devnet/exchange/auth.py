"""Owns who may act: signatures over the received bytes, sequences, timestamp nonces."""

from coincurve import PublicKey
from coincurve.ecdsa import cdata_to_der, deserialize_compact
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import SignDoc

from .addresses import address_of
from .authenticators import authenticate
from .model import Account
from .results import sdk
from .store import State
from .transactions import DecodedTx

__all__ = ["TIMESTAMP_NONCE_FROM", "check_nonce", "check_signature", "signature_is_valid"]

TIMESTAMP_NONCE_FROM = 2**40  # smaller sequences count up by one
MAX_NONCES = 20
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def signature_is_valid(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether a 64-byte r||s signature with low s over sha256(message) is the key's."""
    if len(signature) != 64 or int.from_bytes(signature[32:], "big") > HALF_ORDER:
        return False
    try:
        der = cdata_to_der(deserialize_compact(signature))
        return bool(PublicKey(public_key).verify(der, message))
    except ValueError:
        return False


def sign_bytes(tx: DecodedTx, account_number: int, chain_id: str) -> bytes:
    """Return what was signed: the received body and auth bytes, never re-serialised."""
    document = SignDoc(
        body_bytes=tx.body_bytes,
        auth_info_bytes=tx.auth_bytes,
        chain_id=chain_id,
        account_number=account_number,
    )
    return bytes(document.SerializeToString(deterministic=True))


def check_signature(state: State, tx: DecodedTx, chain_id: str) -> Account:
    """Check that the signer, or an authenticator it added, signed. Returns the signer's account.

    Raises Rejected sdk 4, 8, 9 or 18, or one of accountplus.
    """
    account = state.accounts.get(tx.signer)
    if account is None:
        raise sdk(9, f"account {tx.signer} does not exist")
    message = sign_bytes(tx, account.number, chain_id)
    if tx.authenticators:
        known = state.authenticators.get(tx.signer) or ()
        authenticate(tx, known, lambda key: signature_is_valid(key, tx.signature, message))
        return account
    if len(tx.public_key) != 33 or address_of(tx.public_key) != tx.signer:
        raise sdk(8, f"pubkey does not match signer address {tx.signer}")
    if not signature_is_valid(tx.public_key, tx.signature, message):
        raise sdk(
            4,
            "signature verification failed; please verify account number "
            f"({account.number}) and chain-id ({chain_id})",
        )
    return account


def check_nonce(account: Account, sequence: int, time_ms: int, window_ms: int) -> Account:
    """Return the account after using a sequence or timestamp nonce.

    Raises Rejected sdk 32: out of order, outside the window, used, or older than what was
    forgotten. A timestamp nonce leaves the sequence as it is.
    """
    if sequence < TIMESTAMP_NONCE_FROM:
        if sequence != account.sequence:
            raise sdk(
                32,
                f"account sequence mismatch, expected {account.sequence}, got {sequence}",
            )
        return _with(account, sequence=sequence + 1)
    if abs(sequence - time_ms) > window_ms:
        raise sdk(32, f"timestamp nonce {sequence} is not within {window_ms} ms of {time_ms}")
    if sequence in account.nonces or sequence <= account.ejected_nonce:
        raise sdk(32, f"timestamp nonce {sequence} is used or too old")
    nonces = sorted((*account.nonces, sequence))
    ejected = account.ejected_nonce
    if len(nonces) > MAX_NONCES:
        ejected = nonces.pop(0)
    if sequence == ejected:
        raise sdk(32, f"timestamp nonce {sequence} is older than every remembered one")
    return _with(account, nonces=tuple(nonces), ejected_nonce=ejected)


def _with(
    account: Account,
    *,
    sequence: int | None = None,
    nonces: tuple[int, ...] | None = None,
    ejected_nonce: int | None = None,
) -> Account:
    return Account(
        account.number,
        account.sequence if sequence is None else sequence,
        account.public_key,
        account.nonces if nonces is None else nonces,
        account.ejected_nonce if ejected_nonce is None else ejected_nonce,
    )
