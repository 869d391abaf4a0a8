"""Collateral movements of one account: signed under timestamp nonces, followed into a block."""

from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.cosmos.tx.v1beta1 import service_pb2 as tx_service

from keeper.domain.errors import ConfigError, VenueUnavailable, WireError
from keeper.domain.units import NS_PER_MS, PPM, div_up
from keeper.ports import Clock
from keeper.venues.dydx import messages
from keeper.venues.dydx.keys import Signer, address_of
from keeper.venues.dydx.node import BroadcastReply, Node
from keeper.venues.dydx.reader import Reader
from keeper.venues.dydx.settings import FeeSettings
from keeper.venues.dydx.signing import GasFee, SignedTx, TxSigner

__all__ = ["BankTransfer", "Receipt", "Transfers", "Wallet", "open_wallet"]

_GET_TX: Final = "/cosmos.tx.v1beta1.Service/GetTx"
_GET_TXS: Final = "/cosmos.tx.v1beta1.Service/GetTxsEvent"
_SIMULATE: Final = "/cosmos.tx.v1beta1.Service/Simulate"
_PAGE: Final = 100
_POLL_SECONDS: Final = 0.2


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction in a block; code 0 succeeded, anything else changed nothing but the fee."""

    tx_hash: str
    height: int
    code: int
    codespace: str
    raw_log: str


class BankTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """A committed MsgSend; amount in units of its denomination. Key: (tx_hash, index)."""

    tx_hash: str
    index: int
    height: int
    sender: str
    recipient: str
    amount: int
    memo: str


class Transfers:
    """Committed MsgSends of a denomination, found by the node's transaction index."""

    def __init__(self, node: Node, denom: str) -> None:
        self._node = node
        self._denom = denom

    async def received(self, recipient: str, up_to_height: int) -> tuple[BankTransfer, ...]:
        """Return what an address was sent up to a height, oldest first.

        Raises VenueUnavailable or WireError.
        """
        found = await self._found(f"transfer.recipient='{recipient}'", up_to_height)
        return tuple(entry for entry in found if entry.recipient == recipient)

    async def sent(self, sender: str, up_to_height: int) -> tuple[BankTransfer, ...]:
        """Return what an address sent up to a height, oldest first. Raises as `received`."""
        found = await self._found(f"transfer.sender='{sender}'", up_to_height)
        return tuple(entry for entry in found if entry.sender == sender)

    async def _found(self, query: str, up_to_height: int) -> list[BankTransfer]:
        by_key: dict[tuple[str, int], BankTransfer] = {}
        async for transaction, response in self._pages(query):
            if response.code == 0 and 0 < response.height <= up_to_height:
                for entry in self._sends(transaction, response):
                    by_key[(entry.tx_hash, entry.index)] = entry
        return sorted(by_key.values(), key=lambda entry: (entry.height, entry.tx_hash, entry.index))

    async def _pages(self, query: str) -> AsyncIterator[tuple[Any, Any]]:
        seen, page = 0, 1
        while True:
            request = tx_service.GetTxsEventRequest(
                query=query, page=page, limit=_PAGE, order_by=tx_service.ORDER_BY_ASC
            )
            reply = (
                await self._node.query(_GET_TXS, request, tx_service.GetTxsEventResponse)
            ).reply
            if len(reply.txs) != len(reply.tx_responses):
                raise WireError("the node answered with transactions that have no results")
            for pair in zip(reply.txs, reply.tx_responses, strict=True):
                yield pair
            seen += len(reply.txs)
            page += 1
            if len(reply.txs) < _PAGE or seen >= reply.total > 0:
                return

    def _sends(self, transaction: Any, response: Any) -> list[BankTransfer]:
        sends = []
        for index, packed in enumerate(transaction.body.messages):
            if not packed.type_url.endswith("/cosmos.bank.v1beta1.MsgSend"):
                continue
            message = MsgSend.FromString(packed.value)
            amount = sum(_amount(c.amount) for c in message.amount if c.denom == self._denom)
            sends.append(
                BankTransfer(
                    tx_hash=response.txhash,
                    index=index,
                    height=response.height,
                    sender=message.from_address,
                    recipient=message.to_address,
                    amount=amount,
                    memo=transaction.body.memo,
                )
            )
        return sends


class Wallet:
    """An account with its key: prepares, sends and follows collateral movements.

    Prepared transactions can be stored before they are sent: sending the same bytes again is
    harmless, and one whose nonce is more than 30 s behind the chain's time can no longer land.
    """

    def __init__(
        self, node: Node, signer: TxSigner, address: str, fees: FeeSettings, clock: Clock
    ) -> None:
        self._node = node
        self._signer = signer
        self._fees = fees
        self._clock = clock
        self._last_nonce = 0
        self.address = address

    async def prepare_deposit(self, subaccount: int, quote_quantums: int) -> SignedTx:
        """Sign wallet -> own subaccount. Raises VenueUnavailable or WireError."""
        message = messages.deposit(self.address, (self.address, subaccount), quote_quantums)
        return await self.prepare(message)

    async def prepare_withdrawal(self, subaccount: int, quote_quantums: int) -> SignedTx:
        """Sign own subaccount -> wallet. Raises as `prepare_deposit`."""
        message = messages.withdraw((self.address, subaccount), self.address, quote_quantums)
        return await self.prepare(message)

    async def prepare_transfer(self, sender: int, recipient: int, quote_quantums: int) -> SignedTx:
        """Sign own subaccount -> own subaccount. Raises as `prepare_deposit`."""
        message = messages.transfer(
            (self.address, sender), (self.address, recipient), quote_quantums
        )
        return await self.prepare(message)

    async def prepare_send(self, recipient: str, amount: int, memo: str) -> SignedTx:
        """Sign wallet -> another address, with a memo. Raises as `prepare_deposit`."""
        message = messages.bank_send(self.address, recipient, amount, self._fees.denom)
        return await self.prepare(message, memo)

    async def prepare(self, message: Any, memo: str = "") -> SignedTx:
        """Simulate a message for its gas, then sign it under a fresh nonce."""
        nonce = self._nonce()
        draft = await self._signer.with_nonce(
            message, nonce, GasFee(gas_limit=0, amount=0, denom=self._fees.denom), memo
        )
        gas_used = await self._simulated_gas(draft)
        gas_limit = gas_used * self._fees.gas_multiplier_ppm // PPM
        amount = div_up(gas_limit * self._fees.gas_price_micro, PPM)
        return await self._signer.with_nonce(
            message, nonce, GasFee(gas_limit=gas_limit, amount=amount, denom=self._fees.denom), memo
        )

    async def send(self, signed: SignedTx, deadline_ms: int) -> BroadcastReply:
        """Broadcast; safe to repeat (code 19: the node has it already). Raises VenueUnavailable."""
        return await self._node.broadcast(signed.raw, deadline_ms)

    async def receipt(self, tx_hash: str) -> Receipt | None:
        """Return the receipt, None while it is in no block. Raises VenueUnavailable."""
        answer = await self._node.find(
            _GET_TX, tx_service.GetTxRequest(hash=tx_hash), tx_service.GetTxResponse
        )
        if answer is None or answer.reply.tx_response.height <= 0:
            return None
        response = answer.reply.tx_response
        return Receipt(
            tx_hash=response.txhash,
            height=response.height,
            code=response.code,
            codespace=response.codespace,
            raw_log=response.raw_log,
        )

    async def wait(self, tx_hash: str, timeout_seconds: int) -> Receipt:
        """Return the receipt once there is one. Raises VenueUnavailable after the time-out."""
        for _ in range(int(timeout_seconds / _POLL_SECONDS) + 1):
            receipt = await self.receipt(tx_hash)
            if receipt is not None:
                return receipt
            await self._clock.sleep(_POLL_SECONDS)
        raise VenueUnavailable(
            f"transaction {tx_hash} is in no block after {timeout_seconds} s",
            next_step="ask for its receipt again; it can still land until its nonce is 30 s old",
        )

    def _nonce(self) -> int:
        """Milliseconds of the clock, never the same twice."""
        self._last_nonce = max(self._last_nonce + 1, self._clock.now_ns() // NS_PER_MS)
        return self._last_nonce

    async def _simulated_gas(self, draft: SignedTx) -> int:
        request = tx_service.SimulateRequest(tx_bytes=draft.raw)
        answer = await self._node.query(_SIMULATE, request, tx_service.SimulateResponse)
        gas_used: int = answer.reply.gas_info.gas_used
        if gas_used <= 0:
            raise WireError("the node simulated a transaction that uses no gas")
        return gas_used


async def open_wallet(
    node: Node, signer: Signer, chain_id: str, fees: FeeSettings, clock: Clock
) -> Wallet:
    """Check the chain and look up the account of this key. Raises ConfigError, VenueUnavailable."""
    reader = Reader(node)
    found = await reader.chain_id()
    if found != chain_id:
        raise ConfigError(
            f"the node is on chain {found}, not {chain_id}",
            next_step="correct chain_id or grpc_endpoint",
        )
    address = address_of(signer.public_key)
    account = await reader.account(address)
    if account is None:
        raise ConfigError(
            f"account {address} does not exist on {chain_id}",
            next_step="fund it first: the chain creates accounts on their first receipt",
        )
    return Wallet(node, TxSigner(signer, chain_id, account[0]), address, fees, clock)


def _amount(text: str) -> int:
    if not text.isdecimal():
        raise WireError(f"{text!r} is no amount of coins")
    return int(text)
