"""The scenes: each does one thing a person would do, waits until it is true, and says so."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from keeper.devnet.conservation import compare
from keeper.devnet.story.checks import nav_at_cut, pnl_explains, settlement_adds_up
from keeper.devnet.story.facts import CutFacts, ExchangeWatch, Facts
from keeper.devnet.story.failures import SceneFailed
from keeper.devnet.story.narrator import Narrator
from keeper.devnet.story.stage import REPORTERS, Stage
from keeper.devnet.story.stake import KEEPER, lock_stake, pass_a_day
from keeper.devnet.tokens import Call
from keeper.devnet.world import ASSET_UNIT, SHARE_UNIT, World
from keeper.domain.units import NS_PER_SECOND
from keeper.pages.report_data import Check

__all__ = ["DEPOSITS", "Play"]

DEPOSITS = {"ada": 320_000, "bruno": 50_000, "carla": 30_000}
"""Ada brings more than lies idle and in the pool later: her leaving takes the venue's part too."""
EPOCH_SECONDS = 86_400
WARM_UP_SECONDS = 3_600
POOL_COOLDOWN_SECONDS = 60
HOMING_LOOK_SECONDS = 4
SEEDED_FILLS = 3
RECORDED_FILLS = 2
"""As a maker on each side of each market before the trading scene ends; one where a tape ends."""
FLOW_PATIENCE_SECONDS = 90
LAST_BLOCKS_SECONDS = 3
LEAN_PPM = 920_000
_SIDES = ("BUY", "SELL")
_SWAP = "SwapExactIn(bool,uint256,uint256)"
_MINT = "MintRange(int24,int24,uint128,uint256,uint256)"


@dataclass(slots=True)
class Play:
    """The world, the product on stage, and what has been found so far."""

    world: World
    stage: Stage
    facts: Facts
    watch: ExchangeWatch
    narrator: Narrator
    checks: list[Check] = field(default_factory=list)
    held_before_leaving: int = 0
    play_seconds: int = 0
    """Least of a recording, in seconds, before the trading scene ends."""

    async def open(self) -> None:
        """Half an hour of oracle history, then prices move, others arrive, the keeper stakes."""
        await self.world.advance(WARM_UP_SECONDS)
        await self.world.open_markets()
        self.world.spawn(self.watch.run_forever())
        await self.world.fund_traders()
        await self.stage.write_config()
        await self.stage.start_reporters()
        await self.stage.start_treasurer()
        self.narrator.say("prices move; three reporters and the treasurer are up")
        await self.stake()

    async def stake(self) -> None:
        """The keeper is first in a vault of the factory, and locks all that it gets."""
        await lock_stake(self.stage, self.facts)
        cut = await self.facts.cut()
        await self._check_report(cut, await self._legs_at(cut.epoch))
        locked = await self.facts.stake_of(self.world.people[KEEPER].address)
        self._note(KEEPER, "locks its stake", f"{locked // SHARE_UNIT:,} athETH")

    async def deposit(self) -> None:
        """Three people ask to come in."""
        for person, amount in DEPOSITS.items():
            await self.world.mint(person, amount * ASSET_UNIT)
        await asyncio.sleep(2)
        for person, amount in DEPOSITS.items():
            await self.stage.vault(person, "deposit", str(amount), "--approve")
            self._note(person, "requests a deposit", f"{amount:,} USDC")

    async def start_keeper(self) -> None:
        """The venue account gets its float for gas; the keeper starts on an empty journal."""
        await self.world.fund_operator()
        await self.stage.start_keeper()
        self.narrator.say("the keeper is up")

    async def settle(self, *, first: bool = False) -> None:
        """The day is over, the epoch is cut, a quorum signs, the report settles it.

        The depositors' first cut is one of theirs and its report a relayer's; from then on the
        running keeper takes the cut, asks the reporters and submits what they signed.
        """
        await pass_a_day(self.stage, self.facts)
        before, epoch = len(await self.facts.settlements()), (await self.facts.cut()).epoch
        if first:
            await self.stage.vault("carla", "cut")

        async def is_cut() -> bool:
            return (await self.facts.cut()).epoch > epoch

        async def is_settled() -> bool:
            return len(await self.facts.settlements()) > before

        await self.stage.until("the cut", is_cut)
        cut = await self.facts.cut()
        legs = await self._legs_at(cut.epoch)
        await self.stage.until("every reporter's capture of the cut", self._is_captured)
        if first:
            reported = ("report", "post", "--config", str(self.stage.config), "--json")
            await self.stage.run(*reported, person="relayer")
        await self.stage.until("the settlement", is_settled)
        await self._check_report(cut, legs)
        settle = (await self.facts.settlements())[-1]
        self.narrator.say(
            f"epoch {settle.epoch} settles: NAV {_usdc(settle.accepted_after)}, "
            f"in {_usdc(settle.deposit_assets)}, out {_usdc(settle.redeem_assets)}"
            + (f", fee of {settle.fee_shares / SHARE_UNIT:.6f} shares" if settle.fee_shares else "")
        )

    async def claim_shares(self) -> None:
        """Everyone collects their shares."""
        for person in DEPOSITS:
            await self.stage.vault(person, "claim")
            shares = await self.facts.balance(
                self.world.contracts.vault, self.world.people[person].address
            )
            if shares == 0:
                raise RuntimeError(f"{person} claimed and has no shares")
            self._note(person, "claims shares", f"{shares // SHARE_UNIT:,} athETH")

    async def trade(self) -> None:
        """The keeper allocates, quotes both sides, holds a range, is filled.

        Raises SceneFailed when a recording ends before.
        """
        await self.stage.until("a swap into the pool's other token", self._has_swapped)
        await self.world.advance(POOL_COOLDOWN_SECONDS)
        await self.stage.until("a range in the pool", self._has_range)
        self.narrator.say("the keeper holds a Uniswap range")
        await self.stage.until("quotes on both sides", self._quotes_both_sides)
        self.narrator.say(f"the keeper quotes both sides of {' and '.join(self.stage.tickers)}")
        self.world.open_order_flow()
        tape = self.world.tape
        await self.stage.until(
            "maker fills on both sides",
            self._filled_both_sides,
            patience_seconds=FLOW_PATIENCE_SECONDS + (tape.seconds if tape else 0),
        )
        self.narrator.say(f"filled on both sides: {_counted(await self.made())}")

    async def lean(self) -> None:
        """Flow leans to one side until inventory leaves its band and is brought home.

        A recording leans by itself; it stands still from here on.
        """
        swaps = await self.facts.adapter_events(_SWAP)
        self.world.book.lean(LEAN_PPM)

        async def rebalanced() -> bool:
            took = any(fill["liquidity"] == "TAKER" for fill in await self.facts.fills())
            return took or await self.facts.adapter_events(_SWAP) > swaps

        await self.stage.until("inventory is brought home", rebalanced, patience_seconds=120)
        self.world.book.lean(1_000_000 - LEAN_PPM // 2)
        self.world.hold_tape()
        self.narrator.say("inventory left its band and was brought home")

    async def leave(self) -> None:
        """Ada redeems everything; the keeper empties the pool and asks the venue for the rest."""
        self.held_before_leaving = await self.facts.balance(self.world.contracts.usdc, self._ada)
        await self.stage.vault("ada", "redeem", "all")
        self._note("ada", "requests redemption", "all shares")
        await self.stage.until("capital is home", self._home_in_time, patience_seconds=150)
        self.narrator.say("the pool paid first, then the treasurer, over the bridge")

    async def collect(self) -> None:
        """Ada is paid."""
        await self.stage.vault("ada", "claim")
        held = await self.facts.balance(self.world.contracts.usdc, self._ada)
        paid = held - self.held_before_leaving
        owed = (await self.facts.settlements())[-1].redeem_assets
        self.checks.append(compare("ada's claim", "received", paid, "settled for her", owed))
        self._note("ada", "is paid", _usdc(paid))

    async def close(self) -> None:
        """The keeper stops: quotes are cancelled, the journal sealed; what is under way arrives."""
        for name in ("keeper", "treasurer"):
            code = await self.stage.stop(name)
            if code != 0:
                raise RuntimeError(f"the {name} ended with code {code}")
        self.narrator.say("the keeper has stopped; its journal is sealed")
        await asyncio.sleep(LAST_BLOCKS_SECONDS)
        await self.stage.until("nothing is on the bridge", self._bridge_is_empty)

    def _note(self, who: str, what: str, amount: str) -> None:
        self.narrator.say(f"{who} {what}: {amount}")

    async def _legs_at(self, epoch: int) -> tuple[int, int]:
        vault, read = self.world.contracts.vault, self.world.accounts.read
        legs = await read(vault, Call("legs()"), "address")
        call = Call("transfersAt(uint64)", epoch)
        sent, returned = await read(legs, call, "uint256[]", "uint256[]")
        return sent[0], returned[0]

    async def _check_report(self, cut: CutFacts, legs: tuple[int, int]) -> None:
        reports = await self.facts.reports()
        report, wallet = reports[-1], self.world.owner_wallet.address
        state = self.watch.first_at_or_after(cut.time)
        self.checks.extend(nav_at_cut(cut, legs, state, wallet, report))
        before = reports[-2] if len(reports) > 1 else None
        self.checks.append(pnl_explains(before, report))
        self.checks.append(settlement_adds_up((await self.facts.settlements())[-1]))

    async def _is_captured(self) -> bool:
        epoch = (await self.facts.cut()).epoch
        return all(self.stage.captures(role, epoch) for role in REPORTERS)

    async def _has_swapped(self) -> bool:
        return await self.facts.adapter_events(_SWAP) > 0

    async def _has_range(self) -> bool:
        return any(liquidity > 0 for _, _, liquidity in await self.facts.ranges())

    async def _quotes_both_sides(self) -> bool:
        quoted = {(order["ticker"], order["side"]) for order in await self.facts.open_orders()}
        return quoted >= {(ticker, side) for ticker in self.stage.tickers for side in _SIDES}

    async def _filled_both_sides(self) -> bool:
        made, tape = await self.made(), self.world.tape
        if tape is None:
            return min(made.values()) >= SEEDED_FILLS
        if self.world.tape_is_over and not min(made.values()):
            raise SceneFailed(
                "the recording ended before every market was filled on both sides: "
                + _counted(made),
                next_step="give a longer recording, or one that moves more",
            )
        played = (self.world.tape_clock.now_ns() - tape.from_ns) // NS_PER_SECOND
        enough = min(made.values()) >= RECORDED_FILLS and played >= self.play_seconds
        return enough or self.world.tape_is_over

    async def made(self) -> dict[tuple[str, str], int]:
        """How often the keeper was filled as a maker, by market and side."""
        fills = await self.facts.fills()
        made = Counter((f["market"], f["side"]) for f in fills if f["liquidity"] == "MAKER")
        return {
            (ticker, side): made[ticker, side] for ticker in self.stage.tickers for side in _SIDES
        }

    async def _home_in_time(self) -> bool:
        """Let a cooldown of the pool pass between two looks: each step out of it waits for one."""
        if await self._owed_is_idle():
            return True
        await asyncio.sleep(HOMING_LOOK_SECONDS)
        await self.world.advance(POOL_COOLDOWN_SECONDS)
        return False

    async def _owed_is_idle(self) -> bool:
        shares = await self.facts.vault_number(
            "pendingRedeemRequest(uint256,address)", 0, self._ada
        )
        owed = await self.facts.vault_number("convertToAssets(uint256)", shares)
        return await self.facts.vault_number("idle()") >= owed

    async def _bridge_is_empty(self) -> bool:
        state = await self.world.exchange.state()
        held = await self.facts.balance(
            self.world.contracts.usdc, self.world.people["bridge"].address
        )
        owed: int = sum(state["bank"].values())
        return owed == held

    @property
    def _ada(self) -> str:
        return self.world.people["ada"].address


def _counted(made: dict[tuple[str, str], int]) -> str:
    verbs = {"BUY": "bought", "SELL": "sold"}
    return ", ".join(f"{ticker} {verbs[side]} {times}" for (ticker, side), times in made.items())


def _usdc(assets: int) -> str:
    return f"{assets // ASSET_UNIT:,}.{assets % ASSET_UNIT:06d} USDC"
