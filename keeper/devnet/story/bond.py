"""A project buys its own liquidity: token, vault and bond, five buyers, shares, a range, notes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec

from keeper.devnet.conservation import compare
from keeper.devnet.project import TOKEN_UNIT, Project
from keeper.devnet.story.bond_facts import BondFacts, Note
from keeper.devnet.story.checks import settlement_adds_up
from keeper.devnet.story.facts import Facts
from keeper.devnet.story.narrator import Narrator
from keeper.devnet.story.project_stage import ProjectStage
from keeper.devnet.story.stake import pass_a_day
from keeper.devnet.tokens import Call
from keeper.devnet.world import ASSET_UNIT, SHARE_UNIT, World
from keeper.pages.report_data import Check

__all__ = ["PURCHASES", "BondPlay"]

TEAM: Final = "project"
KEEPER: Final = "project_keeper"
STAKE: Final = 12_000
"""Whole units of the asset: 5 % of more than the bond can bring."""
PURCHASES: Final = (
    ("dora", 8, 9_000),
    ("emil", 6, 12_000),
    ("farah", 5, 8_000),
    ("goran", 9, 13_000),
    ("hana", 7, 10_000),
)
"""Who buys how many hours after the one before, for how many whole units of the asset."""
SELLER, COLLECTOR = "emil", "hana"
"""Whose note is redeemed in part, sold on, and redeemed by its new holder."""
SELLERS_NOTE: Final = 2
MARKET: Final = "1"
LOCK_SECONDS: Final = 400 * 86_400
HOUR: Final = 3_600
POOL_COOLDOWN_SECONDS: Final = 60
PATIENCE_SECONDS: Final = 60
TERMS: Final = """\
[project]
token = "{token}"
vault = "{vault}"
lock_until = "{lock_until}"

[market]
auction = "dutch"
capacity = "60000"
duration = "2d"
cliff = "0d"
vesting = "1d"
accepts_shares = false

[dutch]
price = "2.2"
floor = "1.2"
deposit_interval = "12h"
debt_buffer_bps = 5000
"""
_SWAP = "SwapExactIn(bool,uint256,uint256)"


@dataclass(slots=True)
class BondPlay:
    """The project on stage, and what has been found of it so far."""

    world: World
    stage: ProjectStage
    facts: Facts
    bonds: BondFacts
    narrator: Narrator
    checks: list[Check] = field(default_factory=list)

    @property
    def project(self) -> Project:
        return self.stage.project

    async def tell(self) -> None:
        """Tell it from the keeper's stake to the last redemption."""
        await self.open()
        await self.sell()
        await self.invest()
        await self.provide()
        await self.vest()
        await self.close()

    async def open(self) -> None:
        """The project's keeper stakes, first in its vault; its quorum signs that settlement."""
        await self.stage.write_config()
        await self.stage.start_reporters()
        await self.world.mint(KEEPER, STAKE * ASSET_UNIT)
        for person, _, amount in PURCHASES:
            await self.world.mint(person, amount * ASSET_UNIT)
        await self.world.anvil.mine()
        await self.stage.vault(KEEPER, "deposit", str(STAKE), "--approve")
        await pass_a_day(self.stage.stage, self.facts)
        await self.stage.vault(KEEPER, "cut")
        epoch = (await self.facts.cut()).epoch
        await self._until("the quorum's captures", lambda: self._captured(epoch))
        await self.stage.run("report", "post", person=KEEPER)
        await self._settled(1)
        await self.stage.vault(KEEPER, "claim")
        await self.stage.vault(KEEPER, "stake", "lock", "all", "--approve")
        self.narrator.say(f"a vault for ALB alone; its keeper locks {STAKE:,} USDC of shares in it")

    async def sell(self) -> None:
        """The team escrows the whole capacity; five people buy while the price falls."""
        now = self.world.clock.now_ns() // 10**9
        lock_until = datetime.fromtimestamp(now + LOCK_SECONDS, UTC).date().isoformat()
        terms = self.world.folder / "bond.toml"
        places = {"token": self.project.token, "vault": self.project.vault}
        terms.write_text(TERMS.format(**places, lock_until=lock_until))
        await self.stage.bond(TEAM, "create", str(terms), "--yes")
        self.narrator.say("the team escrows 60,000 ALB and opens an auction at 2.2 USDC")
        for person, hours, amount in PURCHASES:
            await self.world.advance(hours * HOUR)
            bought = await self.stage.bond(person, "buy", MARKET, str(amount), "--approve")
            terms_of = bought["terms"]
            self.narrator.say(
                f"{person} pays {terms_of['pays'] / ASSET_UNIT:,.2f} USDC for "
                f"{terms_of['payout'] / TOKEN_UNIT:,.2f} ALB"
            )
        self.checks.append(await self.bonds.payments_arrived())

    async def invest(self) -> None:
        """Anyone moves the proceeds on; the keeper's next cut and its quorum make them shares."""
        await self.stage.bond("hana", "poke", MARKET)
        await self.stage.start_keeper()
        await self._settled(2)
        await self.stage.bond("hana", "poke", MARKET)
        settle = (await self.facts.settlements())[1]
        treasury = await self.bonds.treasury()
        shares = await self.facts.balance(self.project.vault, treasury)
        paid = sum(purchase.cost for purchase in await self.bonds.purchases())
        self.checks += [
            *(self._own(settlement_adds_up(found)) for found in await self.facts.settlements()),
            compare(
                "bond proceeds", "paid by buyers", paid, "settled deposits", settle.deposit_assets
            ),
            compare("treasury's shares", "held", shares, "settled for it", settle.deposit_shares),
        ]
        self.narrator.say(
            f"the proceeds become {shares / SHARE_UNIT:,.2f} athALB, the project's own and locked"
        )

    async def provide(self) -> None:
        """The keeper buys what its range lacks, within its guards, and quotes in the pool."""
        await self._until("a range in the project's pool", self._has_range)
        swaps = await self.facts.adapter_events(_SWAP)
        lower, upper, _ = (await self.facts.ranges())[0]
        self.narrator.say(
            f"the keeper swaps {swaps} times within its guards and provides the pool's ticks "
            f"{lower:,} to {upper:,}"
        )

    async def vest(self) -> None:
        """A buyer redeems half, and sells the note; its new holder and another redeem it all."""
        note = await self.bonds.note(SELLERS_NOTE)
        await self._advance_to((note.start + note.expiry) // 2)
        await self.stage.bond(SELLER, "claim", str(SELLERS_NOTE))
        await self._check_vested()
        await self._transfer(SELLER, COLLECTOR, SELLERS_NOTE)
        self.narrator.say(f"{SELLER} redeems what is vested and sells the note to {COLLECTOR}")
        await self._advance_to(note.expiry)
        await self.stage.bond("dora", "claim", "--all")
        await self.stage.bond(COLLECTOR, "claim", str(SELLERS_NOTE))
        for number, holder in ((1, "dora"), (SELLERS_NOTE, f"{SELLER}, then {COLLECTOR}")):
            (bought,) = [p.payout for p in await self.bonds.purchases() if p.note == number]
            paid = await self.bonds.redeemed(number)
            self.checks.append(
                compare(f"note {number}, {holder}", "redeemed", paid, "bought and vested", bought)
            )
        self.narrator.say(f"dora and {COLLECTOR} redeem whole notes")

    async def close(self) -> None:
        """The sale is over: the team fetches what nobody bought; the keeper and quorum rest."""
        self.checks.append(await self.bonds.escrow_holds("after the sale"))
        unsold = await self.bonds.unsold()
        await self.stage.bond(TEAM, "close", MARKET)
        self.narrator.say(f"the team fetches {unsold / TOKEN_UNIT:,.2f} ALB that nobody bought")
        await self.stage.stop()
        self.checks.append(await self.bonds.escrow_holds("after all was fetched"))
        self.checks += await self.bonds.tokens_held()

    async def _check_vested(self) -> None:
        note: Note = await self.bonds.note(SELLERS_NOTE)
        redeemed_at = await self.bonds.redeemed_at(SELLERS_NOTE)
        row = ("redeemed", note.redeemed, "vested by the clock", note.vested(redeemed_at))
        self.checks.append(compare(f"note {SELLERS_NOTE}, half way", *row))

    async def _transfer(self, seller: str, buyer: str, note: int) -> None:
        """Any wallet that knows ERC-721 does this."""
        people = self.world.people
        signature = "transferFrom(address,address,uint256)"
        call = Call(signature, people[seller].address, people[buyer].address, note)
        digest = await self.world.accounts.send(people[seller].address, self.project.note, call)

        async def is_mined() -> bool:
            return await self.world.accounts.receipt(digest) is not None

        await self._until("the note's transfer", is_mined)

    async def _advance_to(self, time: int) -> None:
        """Jump, but never over a cut that awaits its report."""
        await self._until("no cut is under way", self._is_calm)
        await self.world.advance(max(1, time - self.world.clock.now_ns() // 10**9 + 1))

    async def _is_calm(self) -> bool:
        next_cut = await self.facts.vault_number("nextCutTime()")
        is_open = await self.facts.vault_number("state()") == 0
        return is_open and next_cut > self.world.clock.now_ns() // 10**9

    async def _has_range(self) -> bool:
        """Let a cooldown pass between two looks: each operation waits for one."""
        if any(liquidity > 0 for _, _, liquidity in await self.facts.ranges()):
            return True
        await self.world.advance(POOL_COOLDOWN_SECONDS)
        return False

    async def _captured(self, epoch: int) -> bool:
        return self.stage.is_captured(epoch)

    async def _settled(self, count: int) -> None:
        async def is_settled() -> bool:
            return len(await self.facts.settlements()) >= count

        await self._until(f"settlement {count} of the project's vault", is_settled)

    async def _until(self, what: str, condition: Callable[[], Awaitable[bool]]) -> None:
        await self.stage.stage.until(what, condition, patience_seconds=PATIENCE_SECONDS)

    @staticmethod
    def _own(check: Check) -> Check:
        return msgspec.structs.replace(check, name=f"project, {check.name}")
