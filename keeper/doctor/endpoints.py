"""Checks of the endpoints: do they answer, how fast, for which chain, and at what time."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from keeper.chain.calls import block_of
from keeper.chain.rpc import quantity
from keeper.doctor.rows import Finding, Probe, fail, ok, warn
from keeper.doctor.site import Site
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.venues.dydx.stream import Stream

__all__ = ["EVM", "GRPC", "REST", "endpoint_probes"]

EVM: Final = "endpoint.evm"
GRPC: Final = "endpoint.venue_grpc"
REST: Final = "endpoint.venue_rest"
WEBSOCKET: Final = "endpoint.venue_ws"
SAMPLES: Final = 5
STREAM_SAMPLES: Final = 3
SLOW_SHARE: Final = 4
"""An answer that takes a quarter of its time limit is slow."""
DEFAULT_SKEW_MS: Final = 5_000
OLD_HEAD_SECONDS: Final = 60
DEAD_HEAD_SECONDS: Final = 600
AHEAD_SECONDS: Final = 15


@dataclass(frozen=True, slots=True)
class _Endpoints:
    site: Site

    async def evm(self) -> Sequence[Finding]:
        evm, rpc = self.site.config.evm, self.site.rpc

        async def ask() -> None:
            await rpc.call("eth_blockNumber")

        return [await _latency(rpc.shown_url, ask, evm.request_timeout_ms, SAMPLES)]

    async def grpc(self) -> Sequence[Finding]:
        venue, reader = self.site.config.venue, self.site.reader

        async def ask() -> None:
            await reader.header()

        return [await _latency(venue.grpc_endpoint, ask, venue.place_deadline_ms, SAMPLES)]

    async def rest(self) -> Sequence[Finding]:
        venue, indexer = self.site.config.venue, self.site.indexer

        async def ask() -> None:
            await indexer.height()

        return [await _latency(venue.rest_url, ask, venue.query_deadline_ms, SAMPLES)]

    async def websocket(self) -> Sequence[Finding]:
        venue = self.site.config.venue

        async def ask() -> None:
            """Connect, subscribe, and wait for the confirmation."""
            stream = await Stream.open(venue.ws_url, venue.query_deadline_ms)
            try:
                await stream.subscribe("v4_block_height")
                while (await stream.receive()).type != "subscribed":
                    pass
            finally:
                await stream.close()

        return [await _latency(venue.ws_url, ask, venue.query_deadline_ms, STREAM_SAMPLES)]

    async def evm_chain(self) -> Sequence[Finding]:
        wanted = self.site.config.evm.chain_id
        found = quantity(await self.site.rpc.call("eth_chainId"))
        return [_same_chain(found, wanted, "correct evm.chain_id or evm.rpc_url")]

    async def venue_chain(self) -> Sequence[Finding]:
        wanted = self.site.config.venue.chain_id
        found = await self.site.reader.chain_id()
        return [_same_chain(found, wanted, "correct venue.chain_id or venue.grpc_endpoint")]

    async def venue_clock(self) -> Sequence[Finding]:
        limits = self.site.config.limits
        allowed_ms = limits.max_clock_skew_ms if limits is not None else DEFAULT_SKEW_MS
        header = await self.site.reader.header()
        skew_ms = (self.site.clock.now_ns() - header.time_ns) // NS_PER_MS
        side = "ahead of" if skew_ms >= 0 else "behind"
        found = f"our clock is {abs(skew_ms):,} ms {side} venue block {header.height:,}"
        if abs(skew_ms) > allowed_ms:
            return [
                fail(
                    f"{found}, {allowed_ms:,} ms are allowed; nothing would be quoted",
                    "set this machine's time (timedatectl set-ntp true), or ask a node that is "
                    "not behind",
                )
            ]
        return [ok(found)]

    async def evm_clock(self) -> Sequence[Finding]:
        head = block_of(await self.site.rpc.call("eth_getBlockByNumber", "latest", False))
        age = self.site.clock.now_ns() // NS_PER_SECOND - head.timestamp
        when = f"{age:,} s old" if age >= 0 else f"{-age:,} s ahead of our clock"
        found = f"EVM block {head.number:,} is {when}"
        fix = "set this machine's time (timedatectl set-ntp true), or use a node that is in step"
        if age < -AHEAD_SECONDS or age > DEAD_HEAD_SECONDS:
            return [fail(found, fix)]
        if age > OLD_HEAD_SECONDS:
            return [warn(found, fix)]
        return [ok(found)]


def endpoint_probes(site: Site) -> list[Probe]:
    """Return the checks of reach, chain and time."""
    ends = _Endpoints(site)
    return [
        Probe(EVM, ends.evm),
        Probe(GRPC, ends.grpc),
        Probe(REST, ends.rest),
        Probe(WEBSOCKET, ends.websocket),
        Probe("chain.evm", ends.evm_chain, (EVM,)),
        Probe("chain.venue", ends.venue_chain, (GRPC,)),
        Probe("clock.evm", ends.evm_clock, (EVM,)),
        Probe("clock.venue", ends.venue_clock, (GRPC,)),
    ]


async def _latency(
    name: str, ask: Callable[[], Awaitable[None]], limit_ms: int, samples: int
) -> Finding:
    """Ask once to connect, then several times; the middle one counts."""
    await ask()
    taken: list[int] = []
    for _ in range(samples):
        start = time.perf_counter_ns()
        await ask()
        taken.append(time.perf_counter_ns() - start)
    middle = sorted(taken)[samples // 2]
    found = f"{name} answers in {middle // 10_000 / 100:.2f} ms (p50 of {samples})"
    if middle * SLOW_SHARE > limit_ms * NS_PER_MS:
        return warn(
            f"{found}, a quarter of the {limit_ms:,} ms it may take",
            "use a nearer or less busy endpoint",
        )
    return ok(found)


def _same_chain(found: str | int, wanted: str | int, fix: str) -> Finding:
    if found != wanted:
        return fail(f"the endpoint serves chain {found}, configured is {wanted}", fix)
    return ok(f"chain {found}")
