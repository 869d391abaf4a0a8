"""Builds and signs transactions: the lean path for orders, timestamp nonces for transfers."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from google.protobuf.any_pb2 import Any as ProtoAny
from google.protobuf.message import Message
from v4_proto.cosmos.base.v1beta1.coin_pb2 import Coin
from v4_proto.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from v4_proto.cosmos.tx.signing.v1beta1.signing_pb2 import SIGN_MODE_DIRECT
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import (
    AuthInfo,
    Fee,
    ModeInfo,
    SignDoc,
    SignerInfo,
    TxBody,
    TxRaw,
)
from v4_proto.dydxprotocol.accountplus.tx_pb2 import TxExtension

from keeper.venues.dydx.keys import Signer

__all__ = ["GasFee", "SignedTx", "TxSigner", "packed"]

_CLOB_GAS_LIMIT = 1_000_000


class SignedTx(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes ready to broadcast and the hash the chain will know them by (upper-case hex)."""

    raw: bytes
    tx_hash: str


class GasFee(msgspec.Struct, frozen=True, kw_only=True):
    """What a transaction pays: gas units, and an amount in quote quantums of `denom`."""

    gas_limit: int
    amount: int
    denom: str


def packed(message: Message) -> Any:
    """Wrap a message as google.protobuf.Any with the leading-slash type url of the Cosmos SDK."""
    return ProtoAny(type_url="/" + message.DESCRIPTOR.full_name, value=message.SerializeToString())


class TxSigner:
    """Signs for one account on one chain (SIGN_MODE_DIRECT).

    With `authenticator_ids` the signer is a permissioned key: `account_number` is the owner's.
    """

    __slots__ = (
        "_account_number",
        "_authenticator_ids",
        "_chain_id",
        "_public_key",
        "_short_term_auth",
        "_signer",
    )

    def __init__(
        self,
        signer: Signer,
        chain_id: str,
        account_number: int,
        authenticator_ids: Sequence[int] = (),
    ) -> None:
        self._signer = signer
        self._chain_id = chain_id
        self._account_number = account_number
        self._authenticator_ids = tuple(authenticator_ids)
        self._public_key = packed(PubKey(key=signer.public_key))
        # Short-term messages carry no fee and any sequence, so this part never changes.
        self._short_term_auth = self._auth_info(0, Fee(gas_limit=_CLOB_GAS_LIMIT))

    async def short_term(self, message: Message) -> SignedTx:
        """Sign one gas-free short-term CLOB message; identical messages give identical bytes.

        Raises SigningFailed.
        """
        return await self._sign(self._body(message, ""), self._short_term_auth)

    async def with_nonce(
        self, message: Message, nonce_ms: int, fee: GasFee, memo: str = ""
    ) -> SignedTx:
        """Sign a message under a timestamp nonce: unix milliseconds, within 30 s of block time.

        Raises SigningFailed.
        """
        amount = [Coin(denom=fee.denom, amount=str(fee.amount))] if fee.amount else []
        auth = self._auth_info(nonce_ms, Fee(gas_limit=fee.gas_limit, amount=amount))
        return await self._sign(self._body(message, memo), auth)

    def _body(self, message: Message, memo: str) -> bytes:
        body = TxBody(messages=[packed(message)], memo=memo)
        if self._authenticator_ids:
            extension = TxExtension(selected_authenticators=self._authenticator_ids)
            body.non_critical_extension_options.append(packed(extension))
        encoded: bytes = body.SerializeToString()
        return encoded

    def _auth_info(self, sequence: int, fee: Any) -> bytes:
        info = SignerInfo(
            public_key=self._public_key,
            mode_info=ModeInfo(single=ModeInfo.Single(mode=SIGN_MODE_DIRECT)),
            sequence=sequence,
        )
        encoded: bytes = AuthInfo(signer_infos=[info], fee=fee).SerializeToString()
        return encoded

    async def _sign(self, body: bytes, auth_info: bytes) -> SignedTx:
        document = SignDoc(
            body_bytes=body,
            auth_info_bytes=auth_info,
            chain_id=self._chain_id,
            account_number=self._account_number,
        )
        signature = await self._signer.sign(document.SerializeToString())
        raw = TxRaw(
            body_bytes=body, auth_info_bytes=auth_info, signatures=[signature]
        ).SerializeToString()
        return SignedTx(raw=raw, tx_hash=hashlib.sha256(raw).hexdigest().upper())
