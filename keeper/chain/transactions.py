"""The one owner of the keeper's nonce: dry-run, sign, log, broadcast, follow, replace, settle.

One transaction waits for inclusion at a time, so each dry run sees what the one before it did.
"""

import asyncio
import dataclasses
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from eth_account.signers.local import LocalAccount

from keeper.chain.operations import Operation
from keeper.chain.outcomes import foreign, mined, refusal, replaced, result
from keeper.chain.rpc import JsonRpc, NodeRefused, RpcFailure, quantity
from keeper.chain.signing import (
    Envelope,
    Fees,
    GasPolicy,
    Signed,
    bump,
    first_fees,
    parse,
    sender_of,
    sign,
)
from keeper.domain.commands import CommandId
from keeper.domain.errors import ChainUnavailable
from keeper.domain.events import CommandResult, TransactionSigned
from keeper.ports import Clock, Emit

__all__ = ["TransactionSender"]

_GAS_MARGIN_PERCENT: Final = 130
_REPLACED_AFTER_POLLS: Final = 3
_KNOWN: Final = ("already known", "already imported", "transaction already in pool")


@dataclass(slots=True)
class _Flight:
    """A signed command on its way; `attempts` are its versions, one nonce, the newest last."""

    command: CommandId
    attempts: list[tuple[Envelope, Signed]]
    sent_at_ns: int
    block_hash: str = ""
    block_number: int = 0
    acknowledged: bool = False
    missing_polls: int = 0

    @property
    def newest(self) -> tuple[Envelope, Signed]:
        return self.attempts[-1]

    @property
    def included(self) -> bool:
        return bool(self.block_hash)


@dataclass(slots=True)
class _Lane:
    waiting: deque[tuple[CommandId, Operation]] = field(default_factory=deque)
    flights: list[_Flight] = field(default_factory=list)
    reports: list[CommandResult] = field(default_factory=list)


class TransactionSender:
    """Sends operations from one account; answers by events alone.

    `logged` returns once every event emitted before it is in the log: no transaction leaves
    before its signed bytes are there. `adapters` are those whose events in a receipt are told.
    """

    def __init__(
        self,
        rpc: JsonRpc,
        account: LocalAccount,
        policy: GasPolicy,
        *,
        chain_id: int,
        clock: Clock,
        logged: Callable[[], Awaitable[None]],
        adapters: Iterable[str] = (),
    ) -> None:
        self._adapters = {adapter.lower(): adapter for adapter in adapters}
        self._rpc = rpc
        self._account = account
        self._policy = policy
        self._chain_id = chain_id
        self._clock = clock
        self._logged = logged
        self._lane = _Lane()
        self._wake = asyncio.Event()

    @property
    def idle(self) -> bool:
        """Whether nothing waits, nothing is on its way and nothing is left to say."""
        lane = self._lane
        return not lane.waiting and not lane.flights and not lane.reports

    def enqueue(self, command: CommandId, operation: Operation) -> None:
        """Queue an operation behind those already accepted."""
        self._lane.waiting.append((command, operation))
        self._wake.set()

    def adopt(self, pending: Iterable[tuple[CommandId, str]]) -> None:
        """Follow transactions signed by an earlier run. Raises ValueError on foreign bytes.

        One signed with another key is reported UNKNOWN and left alone: its nonce is not ours.
        """
        now, account = self._clock.now_ns(), self._account.address
        for command, raw in pending:
            envelope, signed = parse(raw)
            if (signer := sender_of(signed)) != account:
                self._lane.reports.append(foreign(command, signer, account, signed.tx_hash))
                continue
            for flight in self._lane.flights:
                if flight.newest[0].nonce == envelope.nonce:
                    flight.attempts.append((envelope, signed))
                    break
            else:
                # Not acknowledged in this run: the first poll sends the bytes again.
                self._lane.flights.append(_Flight(command, [(envelope, signed)], now))
        self._wake.set()

    async def run(self, emit: Emit, poll_seconds: float) -> None:
        """Work until cancelled; an unreachable node is waited for."""
        while True:
            if self.idle:
                self._wake.clear()
                await self._wake.wait()
            await self.advance(emit)
            await self._clock.sleep(poll_seconds)

    async def advance(self, emit: Emit) -> None:
        """Do what can be done now: follow what is out, then launch the next operation."""
        while self._lane.reports:
            emit(self._lane.reports.pop(0))
        try:
            await self._follow(emit)
        except ChainUnavailable:
            return  # the head follower reports the source down; nothing here is lost
        if self._lane.waiting and all(flight.included for flight in self._lane.flights):
            await self._launch(emit, *self._lane.waiting.popleft())

    # Launch

    async def _launch(self, emit: Emit, command: CommandId, operation: Operation) -> None:
        try:
            envelope = await self._prepare(emit, command, operation)
        except ChainUnavailable as error:
            emit(result(command, "DROPPED", codespace="node", detail=str(error)))
            return
        if envelope is not None:
            flight = _Flight(command, [], self._clock.now_ns())
            self._lane.flights.append(flight)
            await self._send(emit, flight, envelope)

    async def _prepare(
        self, emit: Emit, command: CommandId, operation: Operation
    ) -> Envelope | None:
        """Dry-run and price the operation; None once its refusal has been emitted."""
        call = {"from": self._account.address, "to": operation.to, "data": operation.data}
        dry, gas, nonce, tip, block = await self._rpc.batch(
            [
                ("eth_call", [call, "latest"]),
                ("eth_estimateGas", [call]),
                ("eth_getTransactionCount", [self._account.address, "pending"]),
                ("eth_maxPriorityFeePerGas", []),
                ("eth_getBlockByNumber", ["latest", False]),
            ]
        )
        for answer in (dry, gas):
            if isinstance(answer, RpcFailure):
                emit(refusal(command, answer))
                return None
        limit = quantity(_value(gas)) * _GAS_MARGIN_PERCENT // 100
        if limit > self._policy.max_gas:
            detail = f"gas {limit} above the ceiling {self._policy.max_gas}"
            emit(result(command, "DROPPED", codespace="gas", detail=detail))
            return None
        base_fee = quantity(_value(block)["baseFeePerGas"])
        fees = first_fees(base_fee, self._tip(tip), self._policy)
        if fees is None:
            detail = f"base fee {base_fee} above the ceiling {self._policy.max_fee_per_gas_wei} wei"
            emit(result(command, "DROPPED", codespace="gas", detail=detail))
            return None
        return Envelope(
            self._chain_id, self._nonce(quantity(_value(nonce))), limit, fees, operation
        )

    def _nonce(self, pending: int) -> int:
        return max([pending, *(flight.newest[0].nonce + 1 for flight in self._lane.flights)])

    def _tip(self, suggested: Any) -> int:
        if isinstance(suggested, RpcFailure):
            return self._policy.max_priority_fee_per_gas_wei
        return quantity(suggested)

    async def _send(self, emit: Emit, flight: _Flight, envelope: Envelope) -> None:
        """Sign, have the bytes logged, then let them out."""
        signed = sign(envelope, self._account)
        first = not flight.attempts
        flight.attempts.append((envelope, signed))
        flight.sent_at_ns = self._clock.now_ns()
        emit(
            TransactionSigned(
                command=flight.command,
                nonce=envelope.nonce,
                raw=signed.raw,
                tx_hash=signed.tx_hash,
            )
        )
        await self._logged()
        answer = await self._broadcast(flight, signed)
        if first:
            emit(answer)
        if answer.outcome == "REJECTED":
            flight.attempts.pop()
            if first:
                self._lane.flights.remove(flight)

    async def _broadcast(self, flight: _Flight, signed: Signed) -> CommandResult:
        command, flight.acknowledged = flight.command, False
        try:
            await self._rpc.call("eth_sendRawTransaction", signed.raw)
        except ChainUnavailable as error:
            return result(command, "UNKNOWN", detail=str(error), tx_hash=signed.tx_hash)
        except NodeRefused as error:
            message = error.failure.message
            if not any(known in message.lower() for known in _KNOWN):
                return result(
                    command,
                    "REJECTED",
                    code=error.failure.code,
                    codespace="node",
                    detail=message,
                    tx_hash=signed.tx_hash,
                )
        flight.acknowledged = True
        return result(command, "ACK", tx_hash=signed.tx_hash)

    # Follow

    async def _follow(self, emit: Emit) -> None:
        if not self._lane.flights:
            return
        count, head = await self._rpc.batch(
            [
                ("eth_getTransactionCount", [self._account.address, "latest"]),
                ("eth_blockNumber", []),
            ]
        )
        for flight in list(self._lane.flights):
            receipt = await self._receipt(flight)
            if receipt is not None:
                self._mined(emit, flight, receipt, quantity(_value(head)))
            else:
                await self._unmined(emit, flight, quantity(_value(count)))

    async def _receipt(self, flight: _Flight) -> dict[str, Any] | None:
        answers = await self._rpc.batch(
            [("eth_getTransactionReceipt", [signed.tx_hash]) for _, signed in flight.attempts]
        )
        return next((answer for answer in answers if isinstance(answer, dict)), None)

    def _mined(self, emit: Emit, flight: _Flight, receipt: dict[str, Any], head: int) -> None:
        flight.missing_polls = 0
        number, moved = quantity(receipt["blockNumber"]), receipt["blockHash"] != flight.block_hash
        final = head >= number + self._policy.confirmations
        flight.block_hash, flight.block_number = receipt["blockHash"], number
        if moved:
            emit(mined(flight.command, receipt, self._adapters, final=False))
        if final:
            emit(mined(flight.command, receipt, self._adapters, final=True))
            self._lane.flights.remove(flight)

    async def _unmined(self, emit: Emit, flight: _Flight, used_nonces: int) -> None:
        """Without a receipt: replaced by a foreign transaction, out of the pool, or underpaid."""
        if flight.included:
            flight.block_hash, flight.acknowledged = "", False  # a reorganisation dropped it
        envelope, signed = flight.newest
        flight.missing_polls = flight.missing_polls + 1 if used_nonces > envelope.nonce else 0
        if flight.missing_polls >= _REPLACED_AFTER_POLLS:
            self._lane.flights.remove(flight)
            emit(replaced(flight.command, envelope.nonce, signed.tx_hash))
        elif flight.missing_polls:
            return
        elif self._clock.now_ns() - flight.sent_at_ns >= self._policy.bump_after_ns:
            await self._raise_fees(emit, flight)
        elif not flight.acknowledged:
            await self._broadcast(flight, signed)

    async def _raise_fees(self, emit: Emit, flight: _Flight) -> None:
        """Replace the newest attempt by a dearer one; at the ceiling send its bytes again."""
        envelope, signed = flight.newest
        fees = bump(envelope.fees, await self._current_fees(), self._policy)
        flight.sent_at_ns = self._clock.now_ns()
        if fees is None:
            await self._broadcast(flight, signed)
        else:
            await self._send(emit, flight, dataclasses.replace(envelope, fees=fees))

    async def _current_fees(self) -> Fees | None:
        tip, block = await self._rpc.batch(
            [("eth_maxPriorityFeePerGas", []), ("eth_getBlockByNumber", ["latest", False])]
        )
        base_fee = quantity(_value(block)["baseFeePerGas"])
        return first_fees(base_fee, self._tip(tip), self._policy)


def _value(answer: Any) -> Any:
    if isinstance(answer, RpcFailure):
        raise ChainUnavailable(f"node answered {answer.code}: {answer.message}")
    return answer
