"""Digest, preview and submission against the contract's own words."""

import random

from chain_stage import GAS, KEEPER, RELAYER, REPORTERS, USDC, QuickClock, Stage

from keeper.chain.reports import VaultReports
from keeper.chain.requests import ClobRequests
from keeper.chain.rpc import JsonRpc
from keeper.chain.sending import OperationFailed, OperationSender
from keeper.domain.reports import ZERO32, Leg, OpenCut, Outcome, Report
from keeper.reporter.digest import Domain, digest_of, sign_digest, signer_of


def domain(stage: Stage) -> Domain:
    return Domain(stage.chain.chain_id, stage.reporter.address, stage.vault.address)


def reports(stage: Stage, rpc: JsonRpc) -> VaultReports:
    sender = OperationSender(rpc, RELAYER, GAS, stage.chain.chain_id, QuickClock())
    return VaultReports(rpc, stage.vault.address, stage.reporter.address, sender)


def next_report(cut: OpenCut, equity: int = 0) -> Report:
    last = cut.last_legs[0]
    leg = Leg(equity=equity, credited=0, debited=0, venue_height=last.venue_height + 1)
    return Report(
        epoch=cut.epoch,
        set_id=cut.set_id,
        prev_hash=cut.prev_hash,
        legs=(leg,),
        pnl=(equity, 0, 0, 0, 0),
        external_flow=0,
        data_root=ZERO32,
        data_cid=ZERO32,
    )


def random_report(seed: int) -> Report:
    source = random.Random(seed)

    def signed(bits: int) -> int:
        return source.getrandbits(bits) - (1 << (bits - 1))

    return Report(
        epoch=source.getrandbits(64),
        set_id=source.getrandbits(32),
        prev_hash="0x" + source.randbytes(32).hex(),
        legs=tuple(
            Leg(
                equity=signed(256),
                credited=source.getrandbits(128),
                debited=source.getrandbits(128),
                venue_height=source.getrandbits(64),
            )
            for _ in range(source.randrange(4))
        ),
        pnl=(signed(256), signed(200), signed(64), 0, -1),
        external_flow=signed(256),
        data_root="0x" + source.randbytes(32).hex(),
        data_cid="0x" + source.randbytes(32).hex(),
    )


def test_digest_of__random_reports__equals_the_contract(stage: Stage) -> None:
    async def script() -> list[tuple[bytes, bytes]]:
        async with JsonRpc(stage.url) as rpc:
            chain = reports(stage, rpc)
            found = [random_report(seed) for seed in range(25)]
            return [(digest_of(domain(stage), r), await chain.digest(r)) for r in found]

    for ours, theirs in stage.run(script()):
        assert ours == theirs


def test_open_cut__vault_open__none(stage: Stage) -> None:
    async def script() -> OpenCut | None:
        async with JsonRpc(stage.url) as rpc:
            return await reports(stage, rpc).open_cut()

    assert stage.run(script()) is None


def test_open_cut__cut__everything_a_report_needs(stage: Stage) -> None:
    stage.cut()

    async def script() -> OpenCut | None:
        async with JsonRpc(stage.url) as rpc:
            return await reports(stage, rpc).open_cut()

    cut = stage.run(script())

    assert cut is not None
    assert (cut.epoch, cut.time) == (stage.vault.cut().epoch, stage.vault.cut().time)
    assert cut.adapters == (stage.clob_adapter.address,)
    assert (cut.sent, cut.returned) == ((0,), (0,))
    assert cut.prev_hash == "0x" + bytes(stage.reporter.lastReportHash()).hex()
    assert cut.reporters == tuple(key.address for key in REPORTERS)
    assert (cut.set_id, cut.quorum) == (1, 2)


def test_submit__two_signatures__settles_as_previewed(stage: Stage) -> None:
    stage.cut()

    async def script() -> tuple[Outcome | str, str]:
        async with JsonRpc(stage.url) as rpc:
            chain = reports(stage, rpc)
            cut = await chain.open_cut()
            assert cut is not None
            report = next_report(cut)
            outcome = await chain.preview(report)
            digest = digest_of(domain(stage), report)
            signatures = [sign_digest(digest, key) for key in REPORTERS[1:]]
            assert [signer_of(digest, s) for s in signatures] == [k.address for k in REPORTERS[1:]]
            return outcome, await chain.submit(report, signatures)

    outcome, tx_hash = stage.run(script())

    assert isinstance(outcome, Outcome)
    assert outcome.accepted == 600_000 * USDC
    assert stage.vault.state() == 0
    assert stage.vault.acceptedNav() == outcome.accepted_after
    assert tx_hash.startswith("0x")


def test_preview__broken_identity__named_with_both_numbers(stage: Stage) -> None:
    stage.cut()

    async def script() -> Outcome | str:
        async with JsonRpc(stage.url) as rpc:
            chain = reports(stage, rpc)
            cut = await chain.open_cut()
            assert cut is not None
            report = next_report(cut)
            off = Report(
                epoch=report.epoch,
                set_id=report.set_id,
                prev_hash=report.prev_hash,
                legs=report.legs,
                pnl=(1, 0, 0, 0, 0),
                external_flow=0,
                data_root=ZERO32,
                data_cid=ZERO32,
            )
            return await chain.preview(off)

    assert stage.run(script()) == "PnlIdentityBroken(0, 1)"


def test_submit__one_signature__refused_before_sending(stage: Stage) -> None:
    stage.cut()

    async def script() -> str:
        async with JsonRpc(stage.url) as rpc:
            chain = reports(stage, rpc)
            cut = await chain.open_cut()
            assert cut is not None
            report = next_report(cut)
            signature = sign_digest(digest_of(domain(stage), report), REPORTERS[0])
            try:
                await chain.submit(report, [signature])
            except OperationFailed as failure:
                return failure.error
            return "sent"

    assert stage.run(script()) == "QuorumMissed(1, 2)"
    assert stage.vault.state() == 1


def test_requested__behind_the_head__fork_asks_for_nothing(stage: Stage) -> None:
    vault, adapter = stage.vault, stage.clob_adapter

    async def script(confirmations: int) -> int:
        async with JsonRpc(stage.url) as rpc:
            return await ClobRequests(rpc, adapter.address, confirmations).requested()

    encoded = vault.allocate.encode_input(adapter, 50_000 * USDC)
    stage.run(stage.send(KEEPER, vault.address, "0x" + bytes(encoded).hex()))
    encoded = vault.deallocate.encode_input(adapter, 20_000 * USDC)
    stage.run(stage.send(KEEPER, vault.address, "0x" + bytes(encoded).hex()))

    assert stage.run(script(0)) == 20_000 * USDC
    assert stage.run(script(1)) == 0
    stage.chain.mine()
    assert stage.run(script(1)) == 20_000 * USDC
