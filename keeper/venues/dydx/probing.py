"""What the venue does against what this adapter assumes: tried with orders that nobody fills."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from keeper.domain.commands import PlaceOrder
from keeper.domain.errors import VenueUnavailable
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side, TimeInForce
from keeper.domain.units import NS_PER_MS
from keeper.venues.dydx import ids, messages
from keeper.venues.dydx.links import Links
from keeper.venues.dydx.node import BroadcastReply
from keeper.venues.dydx.signing import TxSigner

__all__ = ["Finding", "Prober"]

_DEADLINE_MS: Final = 5_000
_LOOK_SECONDS: Final = 0.25
_BLOCKS: Final = 12
_TRIES: Final = 8
_FILL_OR_KILL: Final = 3
_CLIENT_IDS: Final = 1 << 32
_BLOCK_LIMIT: Final = (5, 4_000)
Attempt = Callable[[int], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One assumption of the adapter: what it expects and what the venue did."""

    assumption: str
    expected: str
    observed: str

    @property
    def holds(self) -> bool:
        """Whether the venue does what is assumed."""
        return self.observed == self.expected


@dataclass(slots=True)
class Prober:
    """Tries one assumption after the other on a market; cleans up behind itself.

    Every order is a post-only buy of one step at one tick. `window` is the number of blocks that
    the configuration holds a short-term order may live.
    """

    links: Links
    signer: TxSigner
    market: PerpetualMarket
    window: int
    _ids: Iterator[int] = field(init=False)
    _used: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ids = count(self.links.clock.now_ns() // NS_PER_MS % _CLIENT_IDS)

    async def run(self) -> tuple[Finding, ...]:
        """Try everything, in order. Raises VenueUnavailable, WireError."""
        try:
            return (
                *(await self._placing()),
                *(await self._replacing()),
                *(await self._cancelling()),
                *(await self._reading()),
            )
        finally:
            await self._clean_up()

    async def _placing(self) -> list[Finding]:
        edge, beyond, past = self.window + 1, self.window + 2, 0
        return [
            await self._tried("goodTilBlock at the window's end, without a fee", "taken", edge),
            await self._tried("goodTilBlock one block beyond the window", "clob 11", beyond),
            await self._tried("goodTilBlock below the next block", "clob 10", past),
            await self._tried("price off the tick", "clob 12", _BLOCKS, _off_tick),
            await self._tried("size off the step", "clob 12", _BLOCKS, _off_step),
            await self._tried("reduce-only that is not immediate", "clob 9003", _BLOCKS, _reducing),
            await self._tried("fill-or-kill", "clob 48", _BLOCKS, _fill_or_kill),
            Finding("identical bytes again", "sdk 19", await self._now(self._repeated)),
        ]

    async def _replacing(self) -> list[Finding]:
        return [
            Finding(f"replacement: {what}", expected, await self._now(self._replacement(*how)))
            for what, expected, how in (
                ("greater goodTilBlock", "taken", (1, None)),
                ("lower goodTilBlock", "clob 20", (-1, None)),
                ("equal goodTilBlock, greater hash", "taken", (0, True)),
                ("equal goodTilBlock, lower hash", "clob 20", (0, False)),
            )
        ]

    async def _cancelling(self) -> list[Finding]:
        gone = "taken, and the order is gone"
        tries = (
            (
                "cancel below the order's goodTilBlock",
                "taken, and the order stays open",
                self._weak_cancel,
            ),
            ("cancel at the order's goodTilBlock", gone, self._full_cancel),
            ("the id of a cancelled order again", "clob 7", self._spent_id),
            ("batch cancel of an order and of an unknown id", gone, self._batch_cancel),
            ("batch cancel that cannot work", "taken", self._empty_batch),
            ("an order past its goodTilBlock", "gone without a word", self._expired),
        )
        return [Finding(what, expected, await self._now(how)) for what, expected, how in tries]

    async def _reading(self) -> list[Finding]:
        reader, settings = self.links.reader, self.links.settings
        limits = [(limit.blocks, limit.limit) for limit in await reader.order_limits()]
        height = (await reader.header()).height - 2
        state = await reader.subaccount(settings.address, settings.subaccount, height)
        lag = (await reader.header()).height - await self.links.indexer.height()
        return [
            Finding("blocks and messages of the order limit", str([_BLOCK_LIMIT]), str(limits)),
            Finding("state at a height is of that height", str(height), str(state.height)),
            Finding("indexer within 10 blocks of the chain", "yes", "yes" if lag <= 10 else "no"),
        ]

    async def _tried(
        self, assumption: str, expected: str, blocks: int, change: Any = None
    ) -> Finding:
        async def attempt(height: int) -> str:
            message = self._message(next(self._ids), height + blocks)
            if change is not None:
                change(message.order)
            return _word(await self._send(message))

        return Finding(assumption, expected, await self._at_height(attempt))

    async def _repeated(self, height: int) -> str:
        message = self._message(next(self._ids), height + _BLOCKS)
        first = _word(await self._send(message))
        return _word(await self._send(message)) if first == "taken" else f"first {first}"

    def _replacement(self, later: int, greater: bool | None) -> Attempt:
        async def attempt(height: int) -> str:
            client_id, until = next(self._ids), height + _BLOCKS
            first = self._message(client_id, until)
            word = _word(await self._send(first))
            if word != "taken":
                return f"first {word}"
            second = self._message(client_id, until + later, steps=2)
            for steps in range(3, 100):
                if greater is None or (_hash(second) > _hash(first)) is greater:
                    break
                second = self._message(client_id, until + later, steps=steps)
            return _word(await self._send(second))

        return attempt

    async def _weak_cancel(self, height: int) -> str:
        return await self._cancelled(height, _BLOCKS - 1)

    async def _full_cancel(self, height: int) -> str:
        return await self._cancelled(height, _BLOCKS)

    async def _cancelled(self, height: int, blocks: int) -> str:
        client_id = next(self._ids)
        first = _word(await self._send(self._message(client_id, height + _BLOCKS)))
        own = self.links.settings.address, self.links.settings.subaccount
        cancel = messages.cancel_order(*own, self._pair, client_id, height + blocks)
        word = _word(await self._send(cancel))
        return await self._with_fate(first, word, client_id, stays=blocks < _BLOCKS)

    async def _batch_cancel(self, height: int) -> str:
        client_id, unknown = next(self._ids), next(self._ids)
        first = _word(await self._send(self._message(client_id, height + _BLOCKS)))
        word = await self._batch([client_id, unknown], height + _BLOCKS)
        return await self._with_fate(first, word, client_id, stays=False)

    async def _empty_batch(self, height: int) -> str:
        return await self._batch([next(self._ids)], height + 1)

    async def _batch(self, client_ids: list[int], until: int) -> str:
        own = self.links.settings.address, self.links.settings.subaccount
        batch = messages.batch_cancel(*own, self._pair, client_ids, until)
        return _word(await self._send(batch))

    async def _spent_id(self, height: int) -> str:
        client_id = next(self._ids)
        await self._send(self._message(client_id, height + _BLOCKS))
        own = self.links.settings.address, self.links.settings.subaccount
        await self._send(messages.cancel_order(*own, self._pair, client_id, height + _BLOCKS))
        return _word(await self._send(self._message(client_id, height + _BLOCKS, steps=2)))

    async def _expired(self, height: int) -> str:
        client_id = next(self._ids)
        word = _word(await self._send(self._message(client_id, height + 3)))
        while (await self.links.reader.header()).height <= height + 3:
            await self.links.clock.sleep(_LOOK_SECONDS)
        is_open = word == "taken" and await self._is_open(client_id, wanted=False)
        return word if word != "taken" else ("open" if is_open else "gone without a word")

    async def _with_fate(self, first: str, word: str, client_id: int, *, stays: bool) -> str:
        if first != "taken" or word != "taken":
            return f"order {first}, cancel {word}"
        is_open = await self._is_open(client_id, wanted=stays)
        return f"taken, and the order {'stays open' if is_open else 'is gone'}"

    async def _is_open(self, client_id: int, *, wanted: bool) -> bool:
        """Whether the indexer holds an order open, once it says so or after a while."""
        settings = self.links.settings
        subaccount = ids.subaccount_id(settings.address, settings.subaccount)
        order_id = ids.order_id(subaccount, client_id, self._pair)
        found = not wanted
        for _ in range(_TRIES):
            found = order_id in {order.id for order in await self.links.indexer.open_orders()}
            if found is wanted:
                break
            await self.links.clock.sleep(_LOOK_SECONDS)
        return found

    async def _now(self, attempt: Attempt) -> str:
        """Make an attempt for which a block more or less makes no difference."""
        return await attempt((await self.links.reader.header()).height)

    async def _at_height(self, attempt: Attempt) -> str:
        """Repeat an attempt until no block was made meanwhile. Raises VenueUnavailable."""
        for _ in range(_TRIES):
            before = (await self.links.reader.header()).height
            word = await attempt(before)
            if (await self.links.reader.header()).height == before:
                return word
            await asyncio.sleep(0)
        raise VenueUnavailable("blocks come faster than an attempt takes")

    async def _send(self, message: Any) -> BroadcastReply:
        raw = (await self.signer.short_term(message)).raw
        return await self.links.node.broadcast(raw, _DEADLINE_MS)

    def _message(self, client_id: int, until: int, steps: int = 1) -> Any:
        settings = self.links.settings
        order = PlaceOrder(
            market=self.market.ticker,
            client_id=client_id,
            side=Side.BUY,
            quantums=self.market.step_base_quantums * steps,
            subticks=self.market.subticks_per_tick,
            good_til_block=until,
            time_in_force=TimeInForce.POST_ONLY,
            reduce_only=False,
        )
        self._used.append((client_id, until))
        return messages.place_order(settings.address, settings.subaccount, self._pair, order)

    async def _clean_up(self) -> None:
        """Cancel whatever may rest."""
        if not self._used:
            return
        client_ids = sorted({client_id for client_id, _ in self._used})[-messages.MAX_BATCH :]
        height = (await self.links.reader.header()).height
        await self._batch(client_ids, height + self.window)

    @property
    def _pair(self) -> int:
        return self.market.clob_pair_id


def _off_tick(order: Any) -> None:
    order.subticks += 1


def _off_step(order: Any) -> None:
    order.quantums += 1


def _reducing(order: Any) -> None:
    order.reduce_only = True


def _fill_or_kill(order: Any) -> None:
    order.time_in_force = _FILL_OR_KILL


def _hash(message: Any) -> bytes:
    return hashlib.sha256(message.order.SerializeToString()).digest()


def _word(reply: BroadcastReply) -> str:
    return "taken" if reply.code == 0 else f"{reply.codespace} {reply.code}"
