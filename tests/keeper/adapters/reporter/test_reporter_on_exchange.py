"""Reporters on the local exchange: what they sign equals its state; everything else is refused."""

import asyncio
from pathlib import Path

import msgspec
from reporter_venue import ADAPTER, DOMAIN, FEE, NS, USDC, Venue, refused, signed, venue, with_leg

from keeper.devnet.exchange import MarketConfig
from keeper.devnet.exchange.addresses import BRIDGE
from keeper.domain.reports import SignedReport
from keeper.reporter.digest import digest_of, signer_of
from keeper.reporter.model import Refusal
from tests.keeper.exchange.wallets import BUY, SELL, send, transfer

FUNDED_ETH = MarketConfig(
    id=1,
    ticker="ETH-USD",
    atomic_resolution=-9,
    oracle_exponent=-6,
    oracle_price=3_000 * USDC,
    default_funding_ppm=800,
)
"""Longs pay 100 ppm an hour."""


async def settle(here: Venue, tmp: Path, epoch: int, last: SignedReport | None) -> SignedReport:
    """Cut, let the venue make its first block after it, and have all three reporters sign."""
    if last is None:
        here.cut(epoch, None)
    else:
        here.cut(epoch, last.report, last.digest)
    here.block(2)
    reporters = [here.reporter(tmp, number) for number in range(3)]
    for reporter in reporters:
        await reporter.watch_once()
    answers = [await signed(reporter) for reporter in reporters]
    assert len({answer.digest for answer in answers}) == 1
    assert len({answer.signer for answer in answers}) == 3
    return answers[0]


def test_answer__trades_on_both_sides__equals_the_exchange_and_sums(tmp_path: Path) -> None:
    async def script() -> None:
        async with venue(markets=(FUNDED_ETH,)) as here:
            here.fund(10_000 * USDC)
            first = await settle(here, tmp_path, 1, None)
            assert first.report.legs[0].equity == here.truth()
            assert first.report.pnl == (0, 0, 0, -FEE, 0)

            watcher = here.reporter(tmp_path, 0)
            here.trade(BUY, 29_980, 500)  # 0.5 ETH, 2 USD below the oracle
            await watcher.watch_once()
            here.oracle(3_010)
            here.block(3_600)  # an hour's funding on 0.5 ETH
            here.trade(SELL, 30_140, 200)  # 0.2 ETH, 4 USD above it
            here.oracle(2_990)
            second = await settle(here, tmp_path, 2, first)

            report, equity = second.report, second.report.legs[0].equity
            spread, inventory, funding, fees, incentives = report.pnl
            assert equity == here.truth()
            assert sum(report.pnl) == equity - first.report.legs[0].equity
            assert spread == 500_000 * 2 + 200_000 * 4
            assert abs(inventory - (500_000 * -10 - 200_000 * -20)) <= 6
            assert abs(funding - -(500_000 * 3_010 * 100 // 1_000_000)) <= 2
            assert fees == -(149_900 + 60_280)
            assert incentives == 0
            assert report.external_flow == 0

    asyncio.run(script())


def test_answer__money_home__debited_at_once_and_no_profit(tmp_path: Path) -> None:
    async def script() -> None:
        async with venue() as here:
            here.fund(1_000 * USDC)
            here.credit(200 * USDC)
            first = await settle(here, tmp_path, 1, None)
            here.bridge_home(150 * USDC)
            second = await settle(here, tmp_path, 2, first)

            leg = second.report.legs[0]
            assert (leg.credited, leg.debited) == (here.sent, 150 * USDC)
            assert second.report.pnl == (0, 0, 0, -FEE, 0)
            assert leg.equity == first.report.legs[0].equity - 150 * USDC - FEE

    asyncio.run(script())


def test_answer__strangers_money__external_and_no_profit(tmp_path: Path) -> None:
    async def script() -> None:
        async with venue() as here:
            here.fund(1_000 * USDC)
            here.credit(200 * USDC)
            here.sent -= 200 * USDC  # the bridge brought what the adapter never sent
            first = await settle(here, tmp_path, 1, None)
            taker = here.taker
            raw = taker.paid(send(taker.address, here.ours.address, 7 * USDC), sequence=0)
            here._include(raw)
            away = transfer(taker, 5 * USDC, 0, 0)
            away.transfer.recipient.CopyFrom(here.ours.subaccount(1))
            here._include(taker.paid(away, sequence=1))
            here.bridge_home(3 * USDC, recipient="0x" + "ee" * 20)
            second = await settle(here, tmp_path, 2, first)

            assert first.report.external_flow == 200 * USDC
            assert second.report.external_flow == 7 * USDC + 5 * USDC - 3 * USDC
            assert second.report.pnl == (0, 0, 0, -FEE, 0)
            assert second.report.legs[0].equity == here.truth()

    asyncio.run(script())


def test_answer__proposal_one_unit_off__refused_with_both_numbers(tmp_path: Path) -> None:
    async def script() -> None:
        async with venue() as here:
            here.fund(1_000 * USDC)
            here.cut(1, None)
            here.block(2)
            reporter = here.reporter(tmp_path)
            await reporter.watch_once()
            own = (await signed(reporter)).report
            equity = own.legs[0].equity

            assert await refused(reporter, with_leg(own, equity=equity + 1)) == Refusal(
                code="REPORT_DIFFERS", subject="legs[0].equity", ours=equity, theirs=equity + 1
            )
            off = msgspec.structs.replace(own, pnl=(1, *own.pnl[1:]))
            assert await refused(reporter, off) == Refusal(
                code="REPORT_DIFFERS", subject="pnl.spread", ours=0, theirs=1
            )
            assert (await signed(reporter, own)).report == own

    asyncio.run(script())


def test_answer__several_blocks_after_the_cut__the_first_one_counts(tmp_path: Path) -> None:
    async def script() -> None:
        async with venue() as here:
            here.fund(1_000 * USDC)
            here.cut(1, None)
            first = here.block(1)
            here.credit(50 * USDC)
            here.block(1)
            reporter = here.reporter(tmp_path)
            await reporter.watch_once()

            leg = (await signed(reporter)).report.legs[0]
            assert leg.venue_height == first
            assert leg.equity == 1_000 * USDC + FEE
            assert leg.credited == here.sent - 50 * USDC

    asyncio.run(script())


def test_answer__not_captured__refused(tmp_path: Path) -> None:
    async def script() -> None:
        async with venue() as here:
            here.fund(1_000 * USDC)
            reporter = here.reporter(tmp_path)
            assert (await refused(reporter)).code == "NO_OPEN_CUT"
            here.cut(4, None)
            await reporter.watch_once()  # the venue has no block at or after the cut yet

            assert await refused(reporter) == Refusal(
                code="NO_CAPTURE", subject="epoch", ours="none", theirs=4
            )

    asyncio.run(script())


def test_answer__looked_too_late__refused_with_both_ages(tmp_path: Path) -> None:
    async def script() -> None:
        async with venue() as here:
            here.fund(1_000 * USDC)
            here.cut(1, None)
            here.block(1)
            here.clock.lag_ns = 60 * NS + 1
            reporter = here.reporter(tmp_path)
            await reporter.watch_once()

            assert await refused(reporter) == Refusal(
                code="CAPTURE_LATE", subject="age_ns", ours=60 * NS, theirs=60 * NS + 1
            )

    asyncio.run(script())


def test_answer__second_report_for_one_cut__never_signed(tmp_path: Path) -> None:
    async def script() -> None:
        async with venue() as here:
            here.fund(1_000 * USDC)
            here.cut(1, None)
            here.block(1)
            reporter = here.reporter(tmp_path)
            await reporter.watch_once()
            before = await signed(reporter)
            here.restate(sent=(here.sent - 1,))

            answer = await refused(reporter)
            assert (answer.code, answer.ours) == ("SIGNED_OTHER", before.digest)
            here.restate(sent=(here.sent,))
            assert await signed(here.reporter(tmp_path)) == before

    asyncio.run(script())


def test_answer__key_outside_the_set__refused(tmp_path: Path) -> None:
    async def script() -> None:
        async with venue() as here:
            here.fund(1_000 * USDC)
            here.cut(1, None)
            here.block(1)
            reporter = here.reporter(tmp_path)
            await reporter.watch_once()
            here.restate(reporters=(), set_id=2)

            assert (await refused(reporter)).code == "NOT_A_REPORTER"

    asyncio.run(script())


def test_answer__signature__recovers_to_the_reporter(tmp_path: Path) -> None:
    async def script() -> None:
        async with venue() as here:
            here.fund(1_000 * USDC)
            answer = await settle(here, tmp_path, 1, None)

            digest = digest_of(DOMAIN, answer.report)
            assert answer.digest == "0x" + digest.hex()
            assert signer_of(digest, answer.signature) == answer.signer

    asyncio.run(script())


def test_answer__captures_lost__state_at_the_last_height_read_again(tmp_path: Path) -> None:
    async def script() -> None:
        async with venue() as here:
            here.fund(1_000 * USDC)
            here.trade(BUY, 29_980, 100)
            first = await settle(here, tmp_path, 1, None)
            here.oracle(3_050)
            fresh = tmp_path / "fresh"
            second = await settle(here, fresh, 2, first)

            assert sum(second.report.pnl) == here.truth() - first.report.legs[0].equity

    asyncio.run(script())


def test_answer__false_last_report__unexplained(tmp_path: Path) -> None:
    async def script() -> None:
        async with venue() as here:
            here.fund(1_000 * USDC)
            first = await settle(here, tmp_path, 1, None)
            false = with_leg(first.report, equity=first.report.legs[0].equity + 1_000)
            here.cut(2, false, first.digest)
            here.block(1)
            reporter = here.reporter(tmp_path)
            await reporter.watch_once()

            assert await refused(reporter) == Refusal(
                code="UNEXPLAINED", subject="inventory", ours=0, theirs=-1_000
            )

    asyncio.run(script())


def test_answer__adapter_without_account__refused(tmp_path: Path) -> None:
    async def script() -> None:
        async with venue() as here:
            here.fund(1_000 * USDC)
            here.cut(1, None)
            here.restate(adapters=(ADAPTER, BRIDGE), sent=(0, 0), returned=(0, 0))
            here.block(1)
            reporter = here.reporter(tmp_path)
            await reporter.watch_once()

            assert (await refused(reporter)).code == "UNKNOWN_LEG"

    asyncio.run(script())
