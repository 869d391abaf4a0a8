"""Turns approved order commands into signed broadcasts; each ends in exactly one CommandResult."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.protobuf.message import EncodeError

from keeper.domain.commands import CancelOrders, CommandId, OrderCommand, PlaceOrder
from keeper.domain.errors import VenueUnavailable, WireError
from keeper.domain.events import CommandResult
from keeper.domain.instruments import PerpetualMarket
from keeper.ports import Emit
from keeper.venues.dydx import ids, messages
from keeper.venues.dydx.keys import SigningFailed
from keeper.venues.dydx.node import Node
from keeper.venues.dydx.progress import OrderIndex
from keeper.venues.dydx.quota import Quota
from keeper.venues.dydx.settings import DydxSettings
from keeper.venues.dydx.signing import SignedTx, TxSigner

__all__ = ["KEEPER_CODESPACE", "Sender"]

KEEPER_CODESPACE: Final = "keeper"
"""Codespace of refusals made here, before anything was sent."""
UNKNOWN_MARKET: Final = 1
NOT_ENCODABLE: Final = 2
NOTHING_TO_CANCEL: Final = 3
OVER_QUOTA: Final = 5
NOT_SIGNED: Final = 6
_WORST_FIRST: Final = ("REJECTED", "UNKNOWN", "ACK")


class Sender:
    """Signs and broadcasts the orders of one subaccount; a burst travels concurrently."""

    def __init__(
        self,
        node: Node,
        signer: TxSigner,
        settings: DydxSettings,
        markets: Mapping[str, PerpetualMarket],
        orders: OrderIndex,
    ) -> None:
        self._node = node
        self._signer = signer
        self._settings = settings
        self._markets = markets
        self._orders = orders
        self._subaccount = ids.subaccount_id(settings.address, settings.subaccount)
        self._quota = Quota(settings.messages_per_minute)
        self._sending: set[asyncio.Task[None]] = set()

    def send(self, command_id: CommandId, command: OrderCommand, emit: Emit) -> None:
        """Start signing and the broadcast, emit the result when it is known. Never raises."""
        market = self._markets.get(command.market)
        if market is None:
            detail = f"market {command.market} is not configured"
            emit(_refused(command_id, UNKNOWN_MARKET, detail))
            return
        now = asyncio.get_running_loop().time()
        if isinstance(command, PlaceOrder) and not self._quota.admits_place(now):
            limit = self._settings.messages_per_minute
            detail = f"the endpoint takes {limit} messages a minute; what is left is for cancels"
            emit(_dropped(command_id, OVER_QUOTA, detail))
            return
        try:
            unsigned = self._messages(market, command)
        except (ValueError, TypeError, OverflowError, EncodeError) as error:
            emit(_refused(command_id, NOT_ENCODABLE, f"{type(error).__name__} {error}"))
            return
        if not unsigned:
            emit(_refused(command_id, NOTHING_TO_CANCEL, "no client ids"))
            return
        self._quota.note(now, len(unsigned))
        task = asyncio.create_task(self._sign_and_deliver(command_id, unsigned, emit))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def drain(self) -> None:
        """Wait until every started broadcast has its result; bounded by the place deadline."""
        await asyncio.gather(*self._sending, return_exceptions=True)

    def _messages(self, market: PerpetualMarket, command: OrderCommand) -> list[Any]:
        if isinstance(command, PlaceOrder):
            return [self._place(market, command)]
        return self._cancels(market, command)

    def _place(self, market: PerpetualMarket, command: PlaceOrder) -> Any:
        owner, number = self._settings.address, self._settings.subaccount
        message = messages.place_order(owner, number, market.clob_pair_id, command)
        order_id = ids.order_id(self._subaccount, command.client_id, market.clob_pair_id)
        self._orders.learn(order_id, command.client_id, command.good_til_block)
        return message

    def _cancels(self, market: PerpetualMarket, command: CancelOrders) -> list[Any]:
        """One id by MsgCancelOrder, whose code means something; more in batches."""
        owner, number = self._settings.address, self._settings.subaccount
        pair, until = market.clob_pair_id, command.good_til_block
        unique = tuple(dict.fromkeys(command.client_ids))
        if len(unique) == 1:
            return [messages.cancel_order(owner, number, pair, unique[0], until)]
        return [
            messages.batch_cancel(
                owner, number, pair, unique[first : first + messages.MAX_BATCH], until
            )
            for first in range(0, len(unique), messages.MAX_BATCH)
        ]

    async def _sign_and_deliver(
        self, command_id: CommandId, unsigned: Sequence[Any], emit: Emit
    ) -> None:
        """Sign in order and broadcast; without every signature nothing leaves."""
        try:
            signed = [await self._signer.short_term(message) for message in unsigned]
        except SigningFailed as error:
            emit(_dropped(command_id, NOT_SIGNED, str(error)))
            return
        except (ValueError, TypeError, EncodeError) as error:
            emit(_refused(command_id, NOT_ENCODABLE, f"{type(error).__name__} {error}"))
            return
        except asyncio.CancelledError:
            emit(_dropped(command_id, NOT_SIGNED, "cancelled before it was signed"))
            raise
        await self._deliver(command_id, signed, emit)

    async def _deliver(self, command_id: CommandId, signed: Sequence[SignedTx], emit: Emit) -> None:
        try:
            results = await asyncio.gather(*(self._broadcast(command_id, tx) for tx in signed))
        except asyncio.CancelledError:
            emit(_unknown(command_id, signed[0].tx_hash, "cancelled while under way"))
            raise
        emit(min(results, key=lambda result: _WORST_FIRST.index(result.outcome)))

    async def _broadcast(self, command_id: CommandId, signed: SignedTx) -> CommandResult:
        try:
            reply = await self._node.broadcast(signed.raw, self._settings.place_deadline_ms)
        except (VenueUnavailable, WireError) as error:
            return _unknown(command_id, signed.tx_hash, str(error))
        return CommandResult(
            command=command_id,
            outcome="ACK" if reply.code == 0 else "REJECTED",
            code=reply.code,
            codespace=reply.codespace,
            detail=reply.raw_log,
            tx_hash=signed.tx_hash,
        )


def _refused(command_id: CommandId, code: int, detail: str) -> CommandResult:
    return _own_word(command_id, "REJECTED", detail, code=code)


def _dropped(command_id: CommandId, code: int, detail: str) -> CommandResult:
    return _own_word(command_id, "DROPPED", detail, code=code)


def _unknown(command_id: CommandId, tx_hash: str, detail: str) -> CommandResult:
    return _own_word(command_id, "UNKNOWN", detail, tx_hash=tx_hash)


def _own_word(
    command_id: CommandId, outcome: str, detail: str, *, code: int = 0, tx_hash: str = ""
) -> CommandResult:
    """The keeper's own word on a command that the venue gave none on."""
    return CommandResult(
        command=command_id,
        outcome=outcome,
        code=code,
        codespace=KEEPER_CODESPACE,
        detail=detail,
        tx_hash=tx_hash,
    )
