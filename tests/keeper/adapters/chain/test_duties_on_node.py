"""Duties, claims and reports against the real contracts on a real node."""

from typing import Any

import ape
from chain_session import Session, play
from chain_stage import KEEPER, REPORTERS, USDC, Stage

from keeper.chain.calls import Block, block_of
from keeper.chain.duties import DutyReader
from keeper.chain.reports import VaultReports
from keeper.chain.rpc import JsonRpc
from keeper.domain.commands import Allocate, ChainCommand, Claim, Deallocate, SubmitReport
from keeper.domain.events import Claimable, DutiesObserved, TransactionMined
from keeper.domain.reports import ZERO32, Leg, OpenCut, Report
from keeper.reporter.digest import Domain, digest_of, sign_digest

PAID_IN = 600_000 * USDC


def name_operator(stage: Stage, account: Any = KEEPER, *, approved: bool = True) -> None:
    stage.vault.setOperator(account.address, approved, sender=stage.depositor)


def owed(stage: Stage, **amounts: int) -> Claimable:
    fields = {"deposit_assets": 0, "redeem_shares": 0, "redeem_assets": 0, **amounts}
    return Claimable(controller=stage.depositor.address, **fields)


async def head_of(rpc: JsonRpc) -> Block:
    return block_of(await rpc.call("eth_getBlockByNumber", "latest", False))


def look(stage: Stage, reader: DutyReader | None = None) -> DutiesObserved:
    """One look of a reader, by default one that has seen nothing yet."""

    async def work() -> DutiesObserved:
        async with JsonRpc(stage.url) as rpc:
            mine = reader or DutyReader(rpc, stage.vault.address, KEEPER.address, 0)
            mine.rpc = rpc
            return await mine.observe(await head_of(rpc))

    return stage.run(work())


async def lands(session: Session, command: ChainCommand) -> int:
    """Submit a command and return the block it landed in."""
    mined = await session.command(command)
    assert isinstance(mined, TransactionMined), mined
    assert mined.succeeded
    return mined.block_number


def redeem(stage: Stage, assets: int) -> None:
    """The depositor claims its shares and asks for so much of them back."""
    stage.vault.deposit(PAID_IN, stage.depositor, stage.depositor, sender=stage.depositor)
    shares = stage.vault.convertToShares(assets)
    stage.vault.requestRedeem(shares, stage.depositor, stage.depositor, sender=stage.depositor)


def test_observe__nobody_named_us__nothing_to_claim(stage: Stage) -> None:
    name_operator(stage, REPORTERS[0])

    assert look(stage).claims == ()


def test_observe__settled_deposit_of_who_named_us__is_to_be_claimed(stage: Stage) -> None:
    name_operator(stage)

    assert look(stage).claims == (owed(stage, deposit_assets=PAID_IN),)


def test_observe__dismissed_again__nothing_to_claim(stage: Stage) -> None:
    name_operator(stage)
    name_operator(stage, approved=False)

    assert look(stage).claims == ()


def test_observe__reader_without_a_key__nothing_to_claim(stage: Stage) -> None:
    name_operator(stage)

    async def work() -> DutiesObserved:
        async with JsonRpc(stage.url) as rpc:
            return await DutyReader(rpc, stage.vault.address, "", 0).observe(await head_of(rpc))

    assert stage.run(work()).claims == ()


def test_observe__later_blocks__found_by_their_logs_alone(stage: Stage) -> None:
    """Each event that changes a claim is seen by a reader that reads every block once."""
    reader = DutyReader(JsonRpc(stage.url), stage.vault.address, KEEPER.address, 0)
    before = look(stage, reader).claims
    name_operator(stage)
    named = look(stage, reader).claims
    redeem(stage, 100_000 * USDC)
    claimed = look(stage, reader).claims
    stage.settle()
    settled = look(stage, reader).claims
    name_operator(stage, approved=False)
    dismissed = look(stage, reader).claims

    assert (before, claimed, dismissed) == ((), (), ())
    assert named == (owed(stage, deposit_assets=PAID_IN),)
    shares = stage.vault.maxRedeem(stage.depositor)
    paid = stage.vault.maxWithdraw(stage.depositor)
    assert abs(paid - 100_000 * USDC) <= 1
    assert settled == (owed(stage, redeem_shares=shares, redeem_assets=paid),)
    assert reader.next_block == stage.chain.blocks.head.number + 1


def test_observe__block_is_taken_back__its_events_are_read_again(stage: Stage) -> None:
    reader = DutyReader(JsonRpc(stage.url), stage.vault.address, KEEPER.address, 0)
    fork = stage.chain.snapshot()
    name_operator(stage)
    number = stage.chain.blocks.head.number
    assert look(stage, reader).claims != ()
    stage.chain.restore(fork)

    reader.forget(number)

    assert reader.next_block == number
    assert look(stage, reader).claims == ()


def unpaid_cut(stage: Stage) -> int:
    """Have 500,000 asked for where 300,000 are idle; two cuts later return the first one's time."""

    async def script(session: Session) -> None:
        await lands(session, Allocate(adapter=stage.clob_adapter.address, assets=300_000 * USDC))

    play(stage, script)
    redeem(stage, 500_000 * USDC)
    stage.cut()
    cut_at = int(stage.vault.cut().time)
    # The venue holds what was sent: the report says so, and 300,000 are idle.
    settle(stage, equity=300_000 * USDC, credited=300_000 * USDC)
    stage.cut()
    settle(stage, equity=300_000 * USDC, credited=300_000 * USDC)
    return cut_at


def test_observe__redemption_beyond_what_is_idle__unpaid_since_its_cut(stage: Stage) -> None:
    paid = look(stage).unpaid_since

    cut_at = unpaid_cut(stage)

    assert paid == 0
    assert look(stage).unpaid_since == cut_at


def stake_of(stage: Stage, project: Any) -> tuple[Any, Any]:
    mandate = project.Mandate.at(stage.vault.mandate())
    return mandate, project.KeeperStake.at(mandate.keeperStake())


def test_observe__cut_unpaid_and_keeper_staked__says_when_the_contract_burns(
    stage: Stage, project: Any
) -> None:
    cut_at = unpaid_cut(stage)
    nothing_staked = look(stage).penalty_due_at
    _, stake = stake_of(stage, project)
    shares = 10**21
    stage.vault.approve(stake, shares, sender=stage.depositor)
    stake.stakeFor(KEEPER.address, shares, sender=stage.depositor)

    due_at = look(stage).penalty_due_at

    assert nothing_staked == 0
    assert due_at == cut_at + 4 * 86_400
    epoch = next(e for e in range(1, 9) if stage.vault.cutTimeOf(e) == cut_at)
    with ape.reverts(stake.NotDue, dueAt=due_at):
        stake.penalise(epoch, sender=stage.depositor)
    stage.pass_time(due_at - stage.chain.pending_timestamp)
    stake.penalise(epoch, sender=stage.depositor)
    assert stake.stakeOf(KEEPER.address) == shares - shares // 50
    assert look(stage).penalty_due_at == due_at + 86_400


def test_observe__stake_asked_for__bound_is_the_mandates_own(
    stage: Stage, project: Any, accounts: Any
) -> None:
    before = look(stage).stake_bound
    mandate, stake = stake_of(stage, project)
    *limits, _least = mandate.limits()
    mandate.tightenLimits((*limits, 500), sender=accounts[12])
    empty = look(stage).stake_bound
    stage.vault.deposit(PAID_IN, stage.depositor, stage.depositor, sender=stage.depositor)
    shares = 10**22
    stage.vault.approve(stake, shares, sender=stage.depositor)
    stake.stakeFor(KEEPER.address, shares, sender=stage.depositor)

    bound = look(stage).stake_bound

    assert (before, empty) == (None, 0)
    assert bound == mandate.depositCapFor(stage.vault.acceptedNav()) > 0


def settle(stage: Stage, equity: int, credited: int) -> None:
    """Settle the open cut by the keeper's own typed command."""

    async def script(session: Session) -> None:
        reports = VaultReports(session.rpc, stage.vault.address, stage.reporter.address)
        cut = await reports.open_cut()
        assert cut is not None
        await lands(session, signed(stage, cut, equity, credited))

    play(stage, script)


def signed(stage: Stage, cut: OpenCut, equity: int, credited: int) -> SubmitReport:
    """A report of a venue that earned nothing, signed by a quorum."""
    height = cut.last_legs[0].venue_height + 1
    leg = Leg(equity=equity, credited=credited, debited=0, venue_height=height)
    report = Report(
        epoch=cut.epoch,
        set_id=cut.set_id,
        prev_hash=cut.prev_hash,
        legs=(leg,),
        pnl=(0, 0, 0, 0, 0),
        external_flow=0,
        data_root=ZERO32,
        data_cid=ZERO32,
    )
    domain = Domain(stage.chain.chain_id, stage.reporter.address, stage.vault.address)
    digest = digest_of(domain, report)
    signatures = tuple(sign_digest(digest, key) for key in REPORTERS[:2])
    return SubmitReport(report=report, signatures=signatures)


def test_submit__report_of_a_quorum__settles_the_cut(stage: Stage) -> None:
    stage.cut()

    settle(stage, equity=0, credited=0)

    assert stage.vault.state() == 0
    assert stage.vault.lastSettledAt() == stage.chain.blocks.head.timestamp


def test_submit__claims_for_a_controller__pay_the_controller(stage: Stage) -> None:
    name_operator(stage)
    shares = stage.vault.maxMint(stage.depositor)

    async def script(session: Session) -> None:
        await session.duties_at(0)
        claim = Claim(side="deposit", controller=stage.depositor.address, amount=PAID_IN)
        block = await lands(session, claim)
        assert (await session.duties_at(block)).claims == ()

    play(stage, script, logs_from_block=0)

    assert stage.vault.balanceOf(stage.depositor) == shares
    assert stage.vault.balanceOf(KEEPER.address) == 0


def test_submit__redemption_claimed__assets_go_to_the_controller(stage: Stage) -> None:
    redeem(stage, 100_000 * USDC)
    stage.settle()
    name_operator(stage)
    shares = stage.vault.maxRedeem(stage.depositor)
    paid = stage.vault.maxWithdraw(stage.depositor)
    before = stage.usdc.balanceOf(stage.depositor)

    async def script(session: Session) -> None:
        claim = Claim(side="redeem", controller=stage.depositor.address, amount=shares)
        await lands(session, claim)

    play(stage, script)

    assert stage.usdc.balanceOf(stage.depositor) - before == paid
    assert stage.usdc.balanceOf(KEEPER.address) == 0


def test_observe__asked_home__counted_by_the_adapter(stage: Stage) -> None:
    adapter = stage.clob_adapter.address

    async def script(session: Session) -> None:
        await lands(session, Allocate(adapter=adapter, assets=100_000 * USDC))
        block = await lands(session, Deallocate(adapter=adapter, assets=30_000 * USDC))
        seen = await session.vault_at(block)
        assert [entry.requested for entry in seen.adapters] == [0, 30_000 * USDC]

    play(stage, script)


def test_observe__after_a_cut_and_a_request__all_that_duties_are_measured_by(stage: Stage) -> None:
    stage.usdc.mint(stage.depositor, 50_000 * USDC, sender=stage.issuer)
    stage.usdc.approve(stage.vault, 50_000 * USDC, sender=stage.depositor)
    vault, who = stage.vault, stage.depositor
    vault.requestDeposit(50_000 * USDC, who, who, sender=who)

    async def script(session: Session) -> None:
        seen = await session.vault_at(stage.chain.blocks.head.number)
        assert seen.cut_at == vault.cut().time
        assert seen.last_settled_at == vault.lastSettledAt()
        assert seen.supply == vault.totalSupply()
        assert seen.deposits_waiting == 50_000 * USDC

    play(stage, script)
