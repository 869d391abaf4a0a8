"""Reporters' HTTP doors and the relayer in front of them, on loopback."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from keeper.chain.signing import account_from_key
from keeper.domain.errors import VenueUnavailable
from keeper.domain.reports import ZERO32, Leg, OpenCut, Outcome, Report, SignedReport
from keeper.reporter.digest import Domain, digest_of, sign_digest
from keeper.reporter.model import Refusal, first_difference
from keeper.reporter.serve import ReporterServer
from keeper.reporter.submit import Collected, Relayer, Submitted

DOMAIN = Domain(31337, "0x" + "cc" * 20, "0x" + "dd" * 20)
KEYS = [account_from_key(bytes([number]) * 32) for number in (41, 42, 43, 44)]
OUTCOME = Outcome(
    gross=1,
    gross_ask=1,
    accepted=1,
    stale_transit=0,
    deposits_open=True,
    mark_e36=10**24,
    hold="NONE",
    fee_shares=0,
    deposit_assets=0,
    deposit_shares=0,
    redeem_shares=0,
    redeem_assets=0,
    accepted_after=1,
    supply_after=1,
)


def report(equity: int = 2**70) -> Report:
    return Report(
        epoch=3,
        set_id=1,
        prev_hash=ZERO32,
        legs=(Leg(equity=equity, credited=2**100, debited=0, venue_height=9),),
        pnl=(-(2**80), 0, 0, 0, 0),
        external_flow=0,
        data_root=ZERO32,
        data_cid=ZERO32,
    )


class Service:
    """A reporter whose own report, key or trouble the test chooses."""

    def __init__(self, key: Any, own: Report, trouble: Exception | None = None) -> None:
        self.key, self.own, self.trouble = key, own, trouble

    @property
    def address(self) -> str:
        return str(self.key.address)

    async def watch(self) -> None:
        await asyncio.Event().wait()

    async def answer(self, proposed: Report | None) -> SignedReport | Refusal:
        if self.trouble is not None:
            raise self.trouble
        difference = first_difference(self.own, proposed) if proposed is not None else None
        digest = digest_of(DOMAIN, self.own)
        return difference or SignedReport(
            report=self.own,
            digest="0x" + digest.hex(),
            signer=self.address,
            signature=sign_digest(digest, self.key),
        )


class Chain:
    """A contract that remembers what was submitted."""

    def __init__(self) -> None:
        self.submitted: list[tuple[Report, tuple[str, ...]]] = []
        self.refuses = ""
        self.is_open = True

    async def open_cut(self) -> OpenCut | None:
        if not self.is_open:
            return None
        return OpenCut(
            epoch=3,
            time=1,
            block_number=1,
            adapters=(),
            sent=(),
            returned=(),
            set_id=1,
            prev_hash=ZERO32,
            last_legs=(),
            reporters=tuple(key.address for key in KEYS[:3]),
            quorum=2,
        )

    async def preview(self, _: Report) -> Outcome | str:
        return self.refuses or OUTCOME

    async def submit(self, accepted: Report, signatures: Sequence[str]) -> str:
        self.submitted.append((accepted, tuple(signatures)))
        return "0xabc"


@asynccontextmanager
async def doors(*services: Any) -> AsyncIterator[list[str]]:
    """Serve reporters on free ports; yields their URLs."""
    tasks, urls = [], []
    for service in services:
        started = asyncio.get_running_loop().create_future()
        tasks.append(asyncio.create_task(ReporterServer(service, "127.0.0.1", 0).run(started)))
        urls.append("http://" + await started)
    try:
        yield urls
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def relayed(
    services: Sequence[Service], *, proposal: Report | None = None, extra: Sequence[str] = ()
) -> tuple[Collected | None, Submitted | str, Chain]:
    """Collect from the reporters and submit."""
    chain = Chain()

    async def script() -> tuple[Collected | None, Submitted | str]:
        async with doors(*services) as urls:
            relayer = Relayer(DOMAIN, chain, [*urls, *extra], timeout_seconds=5)
            collected = await relayer.collect(proposal)
            assert collected is not None
            return collected, await relayer.submit(collected)

    return *asyncio.run(script()), chain


def test_submit__three_agree__report_and_signatures_reach_the_contract() -> None:
    collected, submitted, chain = relayed([Service(key, report()) for key in KEYS[:3]])

    assert collected is not None
    assert isinstance(submitted, Submitted)
    assert chain.submitted == [(report(), collected.signatures)]
    assert len(collected.signatures) == 3


def test_submit__one_differs__the_other_two_suffice() -> None:
    services = [Service(KEYS[0], report(5)), *(Service(key, report()) for key in KEYS[1:3])]

    _, submitted, chain = relayed(services)

    assert isinstance(submitted, Submitted)
    assert chain.submitted[0][0] == report()


def test_submit__everybody_differs__quorum_missed_and_nothing_sent() -> None:
    _, submitted, chain = relayed([Service(key, report(n)) for n, key in enumerate(KEYS[:3])])

    assert submitted == "QuorumMissed(1, 2)"
    assert chain.submitted == []


def test_collect__stranger_and_double__count_for_nothing() -> None:
    services = [Service(KEYS[3], report()), Service(KEYS[0], report()), Service(KEYS[0], report())]

    collected, submitted, _ = relayed(services)

    assert collected is not None
    assert len(collected.signatures) == 1
    assert "not by a reporter of set 1" in str(collected.answers[0].said)
    assert submitted == "QuorumMissed(1, 2)"


def test_collect__proposal_one_unit_off__each_refusal_listed() -> None:
    collected, _, _ = relayed(
        [Service(key, report()) for key in KEYS[:3]], proposal=report(2**70 + 1)
    )

    assert collected is not None
    assert [answer.said for answer in collected.answers] == 3 * [
        Refusal(code="REPORT_DIFFERS", subject="legs[0].equity", ours=2**70, theirs=2**70 + 1)
    ]


def test_collect__silent_and_troubled_reporters__reported_beside_the_rest() -> None:
    troubled = Service(KEYS[1], report(), VenueUnavailable("the venue is away"))

    collected, _, _ = relayed([Service(KEYS[0], report()), troubled], extra=["http://127.0.0.1:9"])

    assert collected is not None
    assert isinstance(collected.answers[0].said, SignedReport)
    assert collected.answers[1].said == "HTTP 503: the venue is away"
    assert "ConnectError" in str(collected.answers[2].said)


def test_submit__contract_refuses__named_and_nothing_sent() -> None:
    chain = Chain()
    chain.refuses = "PnlIdentityBroken(7, 2)"

    async def script() -> Submitted | str:
        async with doors(*(Service(key, report()) for key in KEYS[:3])) as urls:
            relayer = Relayer(DOMAIN, chain, urls, timeout_seconds=5)
            collected = await relayer.collect()
            assert collected is not None
            return await relayer.submit(collected)

    assert asyncio.run(script()) == "PnlIdentityBroken(7, 2)"
    assert chain.submitted == []


def test_collect__no_open_cut__none() -> None:
    chain = Chain()
    chain.is_open = False

    relayer = Relayer(DOMAIN, chain, ["http://127.0.0.1:9"], timeout_seconds=5)

    assert asyncio.run(relayer.collect()) is None


def request(method: str, path: str, content: bytes = b"") -> httpx.Response:
    """One request to a healthy reporter."""

    async def script() -> httpx.Response:
        async with doors(Service(KEYS[0], report())) as urls, httpx.AsyncClient() as client:
            return await client.request(method, urls[0] + path, content=content)

    return asyncio.run(script())


def test_serve__healthz__names_the_signer() -> None:
    response = request("GET", "/healthz")

    assert (response.status_code, response.json()) == (200, {"signer": KEYS[0].address})


def test_serve__empty_body__own_report_with_integers_beyond_64_bits() -> None:
    response = request("POST", "/reports")

    assert response.status_code == 200
    assert msgspec.json.decode(response.content, type=SignedReport).report == report()


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "/reports", b"", 405),
        ("GET", "/other", b"", 404),
        ("POST", "/reports", b"not json", 400),
        ("POST", "/reports", b'{"report": {"epoch": 1}}', 400),
        ("POST", "/reports", b'{"unknown": 1}', 400),
        ("POST", "/reports", b"x" * 70_000, 413),
    ],
)
def test_serve__bad_request__told_so(method: str, path: str, content: bytes, status: int) -> None:
    assert request(method, path, content).status_code == status


def test_serve__not_http__closed_and_still_serving() -> None:
    async def script() -> int:
        async with doors(Service(KEYS[0], report())) as urls:
            host, port = urls[0].removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"\x16\x03\x01 nonsense\r\n\r\n")
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            assert b"400" in answer
            async with httpx.AsyncClient() as client:
                return (await client.get(urls[0] + "/healthz")).status_code

    assert asyncio.run(script()) == 200
