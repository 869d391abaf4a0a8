"""Fills the report page from what the story saw on the chain and on the exchange."""

from pathlib import Path

from keeper.devnet.deployment import CHAIN_ID
from keeper.devnet.recorded_data import data_source
from keeper.devnet.story.facts import SettleFacts
from keeper.devnet.story.quoting import parameters
from keeper.devnet.story.scenes import Play
from keeper.devnet.tokens import Call
from keeper.pages.journal_parts import build_report_data_from_journal
from keeper.pages.report import write_report
from keeper.pages.report_data import (
    Check,
    DataSource,
    Event,
    Figure,
    Holder,
    NavPart,
    PnlCause,
    ReportData,
    Settlement,
)

__all__ = ["write_page"]

_PRICE_SCALE = 10**12
_CAUSES = (
    ("spread", "side x (oracle at the fill's block - price) x size"),
    ("inventory", "position x change of the oracle, and rounding"),
    ("funding", "settled from funding indexes"),
    ("fees and rebates", "venue fees, gas of collateral moves"),
    ("incentives", "rewards of the venue"),
)
_HOLDERS = (
    ("keeper", "keeper", "allocate within caps, move ranges, swap in guards", "withdraw, approve"),
    ("treasurer", "", "move collateral home on filed requests", "touch vault or pool"),
    ("reporter 1", "reporter_one", "sign what it recomputed", "get a value accepted alone"),
    ("reporter 2", "reporter_two", "sign what it recomputed", "get a value accepted alone"),
    ("reporter 3", "reporter_three", "sign what it recomputed", "get a value accepted alone"),
    ("owner", "owner", "name keeper, guardian, reporters", "move assets"),
    ("guardian", "guardian", "leave ranges", "move assets elsewhere"),
)


async def write_page(play: Play, checks: list[Check], file: Path) -> None:
    """Write the self-contained report page."""
    facts, world = play.facts, play.world
    share_decimals = await _share_decimals(play)
    settlements = await facts.settlements()
    data = ReportData(
        title="Athanor: one story on the local world",
        mode="local world",
        made_at_s=world.clock.now_ns() // 10**9,
        vault=world.contracts.vault,
        chain=f"anvil {CHAIN_ID}",
        share_symbol="athETH",
        share_decimals=share_decimals,
        nav_usdc_e6=await facts.vault_number("acceptedNav()"),
        nav_parts=await _nav_parts(play, settlements[-1]),
        total_supply_shares=await facts.vault_number("totalSupply()"),
        price_usdc_e12=_price(settlements[-1], share_decimals),
        settlements=await _settlement_rows(play, settlements, share_decimals),
        events=tuple(
            Event(at_s=said.at_s, who=said.who, what=said.what, amount=said.amount)
            for said in play.events
        ),
        pnl=await _pnl(play),
        checks=tuple(checks),
        holders=tuple(_holder(play, *row) for row in _HOLDERS),
        figures=await _figures(play),
        source=_source(play),
        quoting=parameters(world.tape),
        journal=build_report_data_from_journal(play.stage.journal),
    )
    write_report(data, file)


def _source(play: Play) -> DataSource:
    tape = play.world.tape
    if tape is not None:
        return data_source(tape, play.world.tape_clock.now_ns())
    return DataSource(name="seeded flow", note=f"Seed {play.world.seed}; no market was recorded.")


async def _share_decimals(play: Play) -> int:
    vault = play.world.contracts.vault
    decimals: int = await play.world.accounts.read(vault, Call("decimals()"), "uint8")
    return decimals


async def _nav_parts(play: Play, settle: SettleFacts) -> tuple[NavPart, ...]:
    """Where the accepted value was right after the last settlement."""
    cut, report = await play.facts.cut(), (await play.facts.reports())[-1]
    nearby = settle.accepted_after - cut.leg_bid - report.equity
    places = (
        ("idle, or between vault and exchange", "the vault and the bridge", nearby),
        ("Uniswap v3 ranges and tokens", "the pool adapter contract", cut.leg_bid),
        ("collateral on the exchange", "the venue account's owner key", report.equity),
    )
    return tuple(
        NavPart(name=name, custody=custody, assets_usdc_e6=assets)
        for name, custody, assets in places
    )


def _price(settle: SettleFacts, share_decimals: int) -> int:
    """USDC per whole share after a settlement, 12 decimals, down."""
    if settle.supply_after == 0:
        return 0
    whole: int = 10**share_decimals
    return settle.accepted_after * _PRICE_SCALE * whole // (settle.supply_after * 10**6)


async def _settlement_rows(
    play: Play, settlements: list[SettleFacts], share_decimals: int
) -> tuple[Settlement, ...]:
    return tuple(
        Settlement(
            epoch=settle.epoch,
            cut_at_s=play.cut_times[settle.epoch],
            gross_usdc_e6=settle.gross,
            accepted_usdc_e6=settle.accepted,
            deposits_usdc_e6=settle.deposit_assets,
            deposit_shares=settle.deposit_shares,
            redeemed_shares=settle.redeem_shares,
            paid_usdc_e6=settle.redeem_assets,
            price_usdc_e12=_price(settle, share_decimals),
        )
        for settle in settlements
    )


async def _pnl(play: Play) -> tuple[PnlCause, ...]:
    reports = await play.facts.reports()
    return tuple(
        PnlCause(
            cause=cause,
            amount_usdc_e6=sum(report.pnl[number] for report in reports),
            explanation=explanation,
        )
        for number, (cause, explanation) in enumerate(_CAUSES)
    )


def _holder(play: Play, role: str, person: str, can: str, cannot: str) -> Holder:
    world = play.world
    address = world.people[person].address if person else world.owner_wallet.address
    return Holder(role=role, address=address, can=can, cannot=cannot)


async def _figures(play: Play) -> tuple[Figure, ...]:
    fills = await play.facts.fills()
    made = [fill for fill in fills if fill["liquidity"] == "MAKER"]
    return (
        Figure(name="fills as maker", value=str(len(made))),
        Figure(name="fills as taker", value=str(len(fills) - len(made)), note="rebalancing"),
        Figure(name="swaps in the pool by others", value=str(play.world.swappers.swaps)),
        Figure(name="wall time of the story", value=f"{play.narrator.elapsed_seconds} s"),
    )
