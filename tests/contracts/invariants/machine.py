"""Owns the stateful test of the vault: seeded steps, the mirror, the world, the laws.

Every step is sent to the contract and to the mirror; afterwards every number of the contract is
compared to the unit. The world knows what the vault really owns: tokens, pool, venue account and
transfers in flight; gross NAV must be exactly that.
"""

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import astuple, dataclass, field, replace
from fractions import Fraction
from random import Random
from typing import Any, Final

from eth_utils import function_signature_to_4byte_selector

from keeper.accounting.gate import Gate, Held
from keeper.accounting.high_water import HighWater
from keeper.accounting.shares import (
    Controller,
    Fill,
    Pool,
    Position,
    Pricing,
    Vault,
    near_empty,
)
from tests.contracts.invariants.fee_law import FeeLaw
from tests.contracts.rpc import Rpc
from tests.contracts.system import DAY, REPORT_WINDOW, Leg, Report, System

FILL_TYPES: Final = f"({','.join(['uint256'] * 8)},bool)"
OUTCOME: Final = [f"(uint256,uint256,uint256,uint256,bool,uint256,uint8,{FILL_TYPES})"]
NO_FILL: Final = (*[0] * 8, False)
FEE_RATES: Final = (1_000, 3_000)
SIGNER_FEE_BPS: Final = 200
FEE_LIMIT: Final = 3
"""Place of `feeBps` in the mandate's limits."""
PROBE: Final = [f"({','.join(['uint256'] * 14)})", f"({','.join(['uint256'] * 8)})[]"]
STEPS: Final = {
    "deposit": 10,
    "redeem": 14,
    "leave_together": 3,
    "cancel_deposit": 2,
    "cancel_redeem": 2,
    "claim_deposit": 16,
    "claim_redeem": 10,
    "claim_fee": 4,
    "transfer": 3,
    "donate": 3,
    "allocate_clob": 14,
    "allocate_pool": 14,
    "deallocate_pool": 3,
    "wire_home": 5,
    "wires_arrive": 9,
    "move_pool": 4,
    "close_epoch": 22,
    "submit_report": 26,
    "lapse": 3,
    "object": 2,
    "veto": 8,
}


OPENING: Final = ["deposit"] * 3 + ["close_epoch", "submit_report"] + ["claim_deposit"] * 3


def selector(error: str) -> str:
    """Return the selector of a custom error, as a hex string."""
    return "0x" + function_signature_to_4byte_selector(error).hex()


ALLOCATE_REFUSALS: Final = {
    selector("IdleExceeded(uint256,uint256)"),
    selector("RedemptionsUnpaid(uint256,uint256)"),
    selector("VenueCapExceeded(uint256,uint256)"),
    selector("OnChainTooLow(uint256,uint256)"),
}
BLOCK_SECONDS: Final = 1
LOSSES_SPENT: Final = selector("LossesSpent(uint256)")
NO_OPEN_CUT: Final = selector("NoOpenCut()")
INSOLVENT: Final = 3
LOSSES_SPENT: Final = selector("LossesSpent(uint256)")
BLOCK_SECONDS: Final = 1
MAY_NOT_YET: Final = selector("ObjectionSpent(uint256)")


@dataclass(slots=True)
class World:
    """What the vault owns outside itself, and how it got there [asset units]."""

    sent: int = 0
    returned: int = 0
    credited: int = 0
    debited: int = 0
    equity: int = 0
    donated: int = 0
    clob_held: int = 0
    pool_held: int = 0
    pool_bid: int = 0
    pool_ask: int = 0
    out: list[int] = field(default_factory=list)
    home: list[int] = field(default_factory=list)
    sent_at: dict[int, int] = field(default_factory=dict)

    def venue(self) -> int:
        """What the venue leg is worth: the account and both directions in flight."""
        return self.equity + sum(self.out) + sum(self.home) + self.clob_held - self.donated


@dataclass(slots=True)
class Ghost:
    """Totals of one controller in one queue that the contract does not keep."""

    requested: int = 0
    cancelled: int = 0
    claimed_in: int = 0
    claimed_out: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """The world at the cut."""

    epoch: int
    time: int
    owned: int
    spread: int
    sent_before: int
    returned: int
    equity: int
    credited: int
    debited: int
    in_flight: bool


class Machine:
    """One run. `calm` keeps NAV constant: nobody may then gain."""

    def __init__(self, system: System, probe: Any, seed: int, *, calm: bool = False) -> None:
        self.system, self.probe, self.calm = system, probe, calm
        self.random = Random(seed)
        self.rpc = Rpc(system.chain)
        self.users = [*system.users[:3], *system.signers[:2]]
        self.names = [Controller(user.address) for user in self.users]
        self.unit, self.share = system.unit, system.share
        self.virtual = int(system.vault.virtualShares())
        self.mirror = Vault(
            virtual=self.virtual, deposit_cap=int(system.mandate.limits().depositCap)
        )
        self.gate = Gate()
        self.water = HighWater.initial(self.virtual)
        self.fee_bps = FEE_RATES[seed % len(FEE_RATES)]
        self.fee_law = FeeLaw(Fraction(self.fee_bps, 10_000))
        self.fees = [0] * len(self.users)
        self.world = World()
        self.cut = Cut(0, 0, 0, 0, 0, 0, 0, 0, 0, in_flight=False)
        self.settled = True
        self.held_until = 0
        self.objected: dict[str, int] = {}
        self.last_leg = Leg(0, 0, 0, 0)
        self.prev_hash = bytes(32)
        self.assets = [0] * len(self.users)
        self.shares = [0] * len(self.users)
        self.funded = [0] * len(self.users)
        self.donated = {"vault": 0, "silo": 0}
        self.deposits = [Ghost() for _ in self.users]
        self.redeems = [Ghost() for _ in self.users]
        self.set_aside = Counter[str]()
        self.claimable: list[tuple[int, ...]] = [(0, 0, 0, 0)] * len(self.users)
        self.counts = Counter[str]()
        self.rpc.request("anvil_setBlockTimestampInterval", 1)
        for signer in system.signers:
            self.rpc.request("anvil_setBalance", signer.address, hex(10**18))
            self.rpc.request("anvil_impersonateAccount", signer.address)
        for user in self.users:
            self.rpc.send(system.token.approve, system.vault.address, 2**256 - 1, sender=user)
        limits = list(system.mandate.limits())
        limits[FEE_LIMIT] = self.fee_bps
        self.rpc.send(system.mandate.setLimits, tuple(limits), sender=system.owner)
        self.rpc.send(system.mandate.setFeeRecipient, self.names[0], sender=system.owner)

    def run(self, steps: int) -> Counter[str]:
        """Take `steps` steps and check every law after each."""
        names, weights = list(STEPS), list(STEPS.values())
        for name in OPENING + self.random.choices(names, weights, k=steps):
            if getattr(self, f"_{name}")():
                self.counts[name] += 1
            claims = name.startswith("claim") or name == "leave_together"
            self.check(claimable_may_fall=claims, settled=name)
        return self.counts

    # -- depositors --------------------------------------------------------------------------

    def _deposit(self) -> bool:
        who = self._pick()
        controller = self._controller(who)
        most = self.unit * self.random.choice([2, 10**3, 10**5, 10**6])
        amount = self.random.randrange(self.unit, most)
        self._mint(self.users[who].address, amount)
        self.funded[who] += amount
        self._send("requestDeposit", amount, self.names[controller], self.names[who], who=who)
        self.mirror.deposits.request(self.names[controller], amount)
        self.deposits[controller].requested += amount
        return True

    def _redeem(self) -> bool:
        holders = [who for who, shares in enumerate(self.shares) if shares]
        if not holders:
            return False
        who = self.random.choice(holders)
        part = self.random.choice([1, 1, 2, 10])
        amount = self.shares[who] // part
        self._request_redeem(who, amount if amount >= self.share else self.shares[who])
        return True

    def _leave_together(self) -> bool:
        """Everybody asks for everything: the next settlement may be a whole exit."""
        for who in range(len(self.users)):
            self._claim_all_shares(who)
            self._claim_fee_of(who)
            if self.shares[who]:
                self._request_redeem(who, self.shares[who])
        return self.mirror.redeems.open > 0

    def _request_redeem(self, who: int, amount: int) -> None:
        controller = self._controller(who)
        self._send("requestRedeem", amount, self.names[controller], self.names[who], who=who)
        self.shares[who] -= amount
        self.mirror.redeems.request(self.names[controller], amount)
        self.redeems[controller].requested += amount

    def _claim_all_shares(self, who: int) -> None:
        name, pool = self.names[who], self.mirror.deposits
        used = pool.view(name).claim_in
        if used == 0:
            return
        self._send("deposit", used, name, name, who=who)
        paid = pool.claim_by_in(name, used)
        self.deposits[who].claimed_in += used
        self.deposits[who].claimed_out += paid
        self.shares[who] += paid

    def _cancel_deposit(self) -> bool:
        return self._cancel(self.mirror.deposits, self.deposits, "cancelDepositRequest")

    def _cancel_redeem(self) -> bool:
        return self._cancel(self.mirror.redeems, self.redeems, "cancelRedeemRequest")

    def _cancel(self, pool: Pool, ghosts: list[Ghost], method: str) -> bool:
        in_cut = self._live()
        who = self._pick_where(lambda position: self._cancellable(position, in_cut), pool)
        if who is None:
            return False
        name = self.names[who]
        self._send(method, 0, name, who=who)
        self._send(f"claimC{method[1:]}", 0, name, name, who=who)
        amount = pool.cancel(name, in_cut=in_cut)
        ghosts[who].cancelled += amount
        held = self.assets if pool is self.mirror.deposits else self.shares
        held[who] += amount
        return True

    def _claim_deposit(self) -> bool:
        return self._claim(self.mirror.deposits, self.deposits, ("deposit", "mint"), self.shares)

    def _claim_redeem(self) -> bool:
        return self._claim(self.mirror.redeems, self.redeems, ("redeem", "withdraw"), self.assets)

    def _claim(
        self, pool: Pool, ghosts: list[Ghost], methods: tuple[str, str], held: list[int]
    ) -> bool:
        who = self._pick_where(lambda position: position.claim_in > 0, pool)
        if who is None:
            return False
        name, ghost = self.names[who], ghosts[who]
        position = pool.view(name)
        part = self.random.choice([1, 1, 2, 7])
        if self.random.random() < 0.5:
            used = position.claim_in // part
            self._send(methods[0], used, name, name, who=who)
            paid = pool.claim_by_in(name, used)
        else:
            paid = position.claim_out // part
            self._send(methods[1], paid, name, name, who=who)
            used = pool.claim_by_out(name, paid)
        ghost.claimed_in += used
        ghost.claimed_out += paid
        held[who] += paid
        return used != 0

    def _claim_fee(self) -> bool:
        return self._claim_fee_of(self._pick())

    def _claim_fee_of(self, who: int) -> bool:
        """Anyone has a fee paid out to whom it belongs."""
        if not self.fees[who]:
            return False
        self.rpc.send(self.system.nav.claimFee, self.names[who], sender=self.users[0])
        self.shares[who] += self.fees[who]
        self.fees[who] = 0
        return True

    def _transfer(self) -> bool:
        giver, taker = self._pick(), self._pick()
        if self.calm or not self.shares[giver]:
            return False
        amount = self.random.randrange(1, self.shares[giver] + 1)
        self._send("transfer", self.names[taker], amount, who=giver)
        self.shares[giver] -= amount
        self.shares[taker] += amount
        return True

    # -- strangers, venue and keeper ---------------------------------------------------------

    def _donate(self) -> bool:
        amount = self.random.randrange(1, 1_000 * self.unit)
        target = self.random.choice(["vault", "silo", "clob"])
        if target == "clob":
            self._mint(self.system.clob.address, amount)
            self.world.clob_held += amount
            self.world.donated += amount
            self._sync_clob()
        else:
            to = self.system.vault.address if target == "vault" else self.system.silo
            self._mint(to, amount)
            self.donated[target] += amount
        return True

    def _allocate_clob(self) -> bool:
        world, accepted = self.world, self.mirror.accepted
        on_chain = self.mirror.idle + world.pool_bid
        room = min(
            accepted * 50 // 100 - self._attested(),
            on_chain - accepted * 30 // 100,
            self._free_idle(),
        )
        amount = self._allocate(self.system.clob, room)
        if amount:
            world.sent += amount
            world.out.append(amount)
        return amount > 0

    def _allocate_pool(self) -> bool:
        amount = self._allocate(self.system.pool, self._free_idle())
        self.world.pool_held += amount
        self.world.pool_bid += amount
        self.world.pool_ask += amount
        return amount > 0

    def _allocate(self, adapter: Any, room: int) -> int:
        """Allocate a part of `room`, or all of it, or be refused one unit more."""
        if self._live() or self._losses_spent(adapter):
            return 0
        if self.random.random() < 0.3:
            excess, keeper = (adapter, max(room, 0) + 1), self.system.keeper
            refusal = self.rpc.refused(self.system.vault.allocate, *excess, sender=keeper)
            assert refusal in ALLOCATE_REFUSALS
        if room <= 0:
            return 0
        amount = self.random.choice([room, room, self.random.randrange(1, room + 1)])
        self._send("allocate", adapter, amount, who=None)
        self.mirror.idle -= amount
        return amount

    def _losses_spent(self, adapter: Any) -> bool:
        """After reported losses nothing is allocated until the keeper's buckets refill."""
        (refilled_at,) = self.rpc.call(self.system.mandate.refilledAt, types=["uint256"])
        wait = refilled_at - self.rpc.now()
        if wait > BLOCK_SECONDS:
            call = self.system.vault.allocate
            refusal = self.rpc.refused(call, adapter, 1, sender=self.system.keeper)
            assert refusal == LOSSES_SPENT, "V-24"
            self.counts["spent"] += 1
        return wait > 0

    def _deallocate_pool(self) -> bool:
        world = self.world
        if not world.pool_held:
            return False
        amount = self.random.choice(
            [world.pool_held, self.random.randrange(1, world.pool_held + 1)]
        )
        before = world.pool_bid, world.pool_ask
        self._send("deallocate", self.system.pool, amount, who=None)
        world.pool_held -= amount
        world.pool_bid = max(0, before[0] - amount)
        world.pool_ask = max(0, before[1] - amount)
        self.mirror.idle += amount
        return True

    def _wire_home(self) -> bool:
        world = self.world
        if world.equity <= 0:
            return False
        amount = self.random.choice([world.equity, self.random.randrange(1, world.equity + 1)])
        world.equity -= amount
        world.debited += amount
        world.home.append(amount)
        return True

    def _wires_arrive(self) -> bool:
        world = self.world
        if not world.out and not world.home:
            return False
        for amount in world.out:
            world.credited += amount
            world.equity += amount
        for amount in world.home:
            self._mint(self.system.clob.address, amount)
            world.clob_held += amount
        world.out, world.home = [], []
        if self.random.random() < 0.5:
            self._sync_clob()
        return True

    def _move_pool(self) -> bool:
        if self.calm:
            return False
        world = self.world
        if not world.pool_bid or self._live():
            return False
        world.pool_bid += world.pool_bid * self.random.randrange(-100, 100) // 10_000
        spread = self.random.choice([0, 0, world.pool_bid // 500, world.pool_bid // 20])
        world.pool_ask = world.pool_bid + spread
        self.rpc.send(
            self.system.pool.setValue,
            world.pool_bid,
            world.pool_ask,
            sender=self.system.deployer,
        )
        return True

    # -- the cut and its report --------------------------------------------------------------

    def _close_epoch(self) -> bool:
        if self._live():
            return False
        missing = max(self.cut.time + DAY, self.held_until) - self.rpc.now()
        if missing > 0:
            self.rpc.wait(missing + self.random.choice([0, 0, 3_600, 2 * DAY]))
        self._send("closeEpoch", who=None)
        epoch, time, _, idle, bid, ask = self.rpc.call(
            self.system.vault.cut, types=["uint64", "uint64", "uint64"] + ["uint256"] * 3
        )
        self.mirror.cut()
        self._synced()
        world = self.world
        assert (idle, bid, ask) == (self.mirror.idle, world.pool_bid, world.pool_ask)
        world.sent_at[epoch] = world.sent
        self.settled = False
        self.cut = Cut(
            epoch=epoch,
            time=time,
            owned=self._owned(),
            spread=ask - bid,
            sent_before=world.sent_at.get(epoch - 1, 0),
            returned=world.returned,
            equity=world.equity,
            credited=world.credited,
            debited=world.debited,
            in_flight=bool(world.out or world.home),
        )
        return True

    def _submit_report(self) -> bool:
        if not self._live():
            return False
        earned, gift = self._earned(), self._gift()
        report = self._report(earned, gift)
        gross, stale = self.cut.owned + earned + gift, self._stale()
        if gross <= 0 and not (gross == 0 and near_empty(self.mirror.supply, self.virtual)):
            self._pass_over(report)
            self.world.equity += self.unit - gross  # a stranger makes it whole
            self.counts["not_positive"] += 1
            return False
        gate = copy.deepcopy(self.gate)
        ask = gross + self.cut.spread
        verdict = gate.price(self.mirror, gross, ask, self.cut.time, stale)
        self.water.report(self.mirror, gross, verdict.accepted, report.external)
        self.fee_law.report(gross, report.external)
        nav = self.system.nav
        (outcome,) = self.rpc.call(nav.previewReport, report.as_tuple(), types=OUTCOME)
        assert outcome[:4] == (gross, ask, verdict.accepted, stale), "V-02"
        self.world.equity += earned + gift
        self.rpc.send(
            nav.submitReport, report.as_tuple(), self.system.sign(report), sender=self.users[0]
        )
        self.gate, self.settled, self.last_leg = gate, True, report.legs[0]
        self.prev_hash = bytes(nav.lastReportHash())
        if isinstance(verdict, Held):
            assert outcome[4:] == (False, self.water.mark, verdict.reason.value, NO_FILL), "V-20"
            self._hold(verdict)
        else:
            assert outcome[4:7] == (verdict.deposits_open, self.water.mark, 0)
            pricing = replace(verdict, mark=self.water.mark, fee_bps=self.fee_bps)
            self._settle(gate, pricing, outcome[7])
        return True

    def _hold(self, held: Held) -> None:
        """V-20: nothing is settled, every request stays, the lower NAV is published."""
        self.mirror.accepted = held.accepted
        self.held_until = self.rpc.now() + DAY
        self.counts[held.reason.name] += 1

    def _settle(self, gate: Gate, pricing: Pricing, preview: Any) -> None:
        before = copy.deepcopy(self.mirror)
        fill = self.mirror.settle(pricing)
        gate.settled(self.mirror, fill)
        self.water.settled(self.mirror, fill)
        self.fee_law.settled(before, fill)
        self._book_fee(fill.fee_shares)
        assert preview == astuple(fill)
        self.set_aside["shares"] += fill.deposit_shares
        self.set_aside["assets"] += fill.redeem_assets
        self._count(before, fill, pricing)
        self._check_settlement(before, fill, pricing)

    def _book_fee(self, shares: int) -> None:
        """The first user is the fee recipient, the last two signed."""
        each = shares * SIGNER_FEE_BPS // 10_000
        for who, part in ((0, shares - 2 * each), (-2, each), (-1, each)):
            self.fees[who] += part
        assert not (self.calm and shares), "V-21"

    def _refused(self, report: Report, error: str) -> None:
        """Post a report that must be refused; the cut lapses, transfers arrive meanwhile."""
        submission = (report.as_tuple(), self.system.sign(report))
        nav = self.system.nav
        assert self.rpc.refused(nav.submitReport, *submission, sender=self.users[0]) == error
        self._wires_arrive()
        self.rpc.wait(REPORT_WINDOW + 1)

    def _pass_over(self, report: Report) -> None:
        """Such a report would end the vault: it is not posted, the cut lapses."""
        nav = self.system.nav
        (outcome,) = self.rpc.call(nav.previewReport, report.as_tuple(), types=OUTCOME)
        assert outcome[4:] == (False, 0, INSOLVENT, NO_FILL)
        self._wires_arrive()
        self.rpc.wait(REPORT_WINDOW + 1)

    def _lapse(self) -> bool:
        """V-20: a report after the window settles nothing."""
        if not self._live():
            return False
        report = self._report(self._earned(), self._gift())
        self.rpc.wait(REPORT_WINDOW + 1)
        self._refused(report, NO_OPEN_CUT)
        return True

    def _object(self) -> bool:
        """V-20: the guardian or a reporter sends the cut back, once a week each."""
        if not self._live():
            return False
        if not self._may_object("object"):
            return False
        self.settled, self.held_until = True, self.rpc.now() + DAY
        return True

    def _veto(self) -> bool:
        if not self.gate.slot or not self._may_object("vetoSlot"):
            return False
        self.gate.veto()
        return True

    def _may_object(self, method: str) -> bool:
        system = self.system
        who = self.random.choice([system.guardian, *system.signers])
        call = getattr(system.nav, method)
        if self.rpc.now() + 1 < self.objected.get(who.address, 0):
            assert self.rpc.refused(call, sender=who) == MAY_NOT_YET
            return False
        self.rpc.send(call, sender=who)
        self.objected[who.address] = self.rpc.now() + 7 * DAY
        return True

    def _earned(self) -> int:
        """What the venue account has earned until the cut."""
        if self.calm or not self.mirror.supply:
            return 0
        scale = self.random.choice([0, 10, 10, 50, 300, 600])
        return self.mirror.accepted * self.random.randint(-scale, 2 * scale) // 10_000

    def _gift(self) -> int:
        """What strangers have sent to the venue account until the cut, or taken from it."""
        if self.calm or not self.mirror.supply:
            return 0
        scale = self.random.choice([0, 0, 0, 0, 50, 300])
        return self.mirror.accepted * self.random.randint(-scale // 3, scale) // 10_000

    def _report(self, earned: int, gift: int) -> Report:
        """Profit by cause is what was earned; the rest of the change came from strangers."""
        cut, last = self.cut, self.last_leg
        leg = Leg(cut.equity + earned + gift, cut.credited, cut.debited, last.height + 1)
        change = leg.equity - last.equity - (leg.credited - last.credited)
        change += leg.debited - last.debited
        parts = [self.random.randint(-self.unit, self.unit) for _ in range(4)]
        parts.append(earned - sum(parts))
        return Report(
            epoch=cut.epoch,
            set_id=1,
            prev_hash=self.prev_hash,
            legs=(leg,),
            pnl=(parts[0], parts[1], parts[2], parts[3], parts[4]),
            external=change - sum(parts),
        )

    # -- the laws ----------------------------------------------------------------------------

    def check(self, *, claimable_may_fall: bool, settled: str) -> None:
        """Compare every number with the mirror, then the laws on the numbers read."""
        everyone = [user.address for user in self.users]
        totals, each = self.rpc.call(
            self.probe.read, self.system.vault.address, everyone, types=PROBE
        )
        mirror, state = self.mirror, 1 if self._live() else 0
        deposits, redeems = mirror.deposits, mirror.redeems
        idle, accepted, supply, silo_assets, silo_shares, vault_assets, *queues = totals
        assert (idle, accepted, supply) == (mirror.idle, mirror.accepted, mirror.supply), settled
        *queues, owed_fees, mark, exempt = queues
        assert (owed_fees, mark, exempt) == (sum(self.fees), self.water.mark, self.water.exempt)
        assert queues == [deposits.total, deposits.open, redeems.total, redeems.open, state]
        assert vault_assets == idle + self.donated["vault"]
        for who, account in enumerate(each):
            self._check_account(who, account, claimable_may_fall, settled)
        held = sum(account[1] for account in each)
        assert held + silo_shares + owed_fees == supply, "V-01"
        self._check_silo(each, silo_assets, silo_shares)

    def _check_account(
        self, who: int, account: tuple[int, ...], claimable_may_fall: bool, settled: str
    ) -> None:
        name = self.names[who]
        deposit = self.mirror.deposits.view(name)
        redeem = self.mirror.redeems.view(name)
        assert account == (
            self.assets[who],
            self.shares[who],
            deposit.amount + deposit.open_amount,
            deposit.claim_in,
            deposit.claim_out,
            redeem.amount + redeem.open_amount,
            redeem.claim_in,
            redeem.claim_out,
        ), settled
        for ghost, pending, claim_in in (
            (self.deposits[who], account[2], account[3]),
            (self.redeems[who], account[5], account[6]),
        ):
            everything = pending + claim_in + ghost.claimed_in + ghost.cancelled
            assert everything == ghost.requested, "V-09"
        claimable = (account[3], account[4], account[6], account[7])
        grew = all(new >= old for new, old in zip(claimable, self.claimable[who], strict=True))
        same = claimable == self.claimable[who]
        assert claimable_may_fall or same or (grew and settled == "submit_report"), "V-10"
        self.claimable[who] = claimable
        if self.calm:
            self._check_wealth(who, account)

    def _check_silo(
        self, each: tuple[tuple[int, ...], ...], silo_assets: int, silo_shares: int
    ) -> None:
        pending_assets = sum(account[2] for account in each)
        pending_shares = sum(account[5] for account in each)
        claim_shares = sum(account[4] for account in each)
        claim_assets = sum(account[7] for account in each)
        assert silo_assets - self.donated["silo"] >= pending_assets + claim_assets, "V-03"
        assert silo_shares >= pending_shares + claim_shares, "V-03"
        claimed_shares = sum(ghost.claimed_out for ghost in self.deposits)
        claimed_assets = sum(ghost.claimed_out for ghost in self.redeems)
        assert claimed_shares + claim_shares <= self.set_aside["shares"], "V-05"
        assert claimed_assets + claim_assets <= self.set_aside["assets"], "V-05"
        dust = 2 * len(each) * (1 + self.counts["submit_report"])
        queued = self.mirror.deposits.total + self.mirror.deposits.open
        assert 0 <= queued - pending_assets <= dust, "V-14"
        queued = self.mirror.redeems.total + self.mirror.redeems.open
        assert 0 <= queued - pending_shares <= dust, "V-14"

    def _check_wealth(self, who: int, account: tuple[int, ...]) -> None:
        """V-05: at constant NAV nobody owns more than was brought, but rounding."""
        shares = account[1] + account[4] + account[5]
        worth = shares * self.mirror.accepted // (self.mirror.supply + self.virtual)
        wealth = account[0] + account[2] + account[7] + worth
        assert wealth <= self.funded[who] + 2 * sum(self.counts.values()), "V-05"

    def _check_settlement(self, before: Vault, fill: Fill, pricing: Pricing) -> None:
        assert fill.accepted <= pricing.gross, "V-02"
        assert self.mirror.accepted <= self._owned(), "V-02"
        if pricing.gross >= before.accepted and not fill.fee_shares:
            old = (before.accepted + 1) * (self.mirror.supply + self.virtual)
            new = (self.mirror.accepted + 1) * (before.supply + self.virtual)
            assert new >= old, "V-06"
        for pool, old_pool, filled in (
            (self.mirror.deposits, before.deposits, fill.deposit_assets),
            (self.mirror.redeems, before.redeems, fill.redeem_shares),
        ):
            for name in self.names:
                was = old_pool.view(name).amount
                part = was - pool.view(name).amount
                exact = was * filled // old_pool.total if old_pool.total else 0
                assert abs(part - exact) <= 2, "V-12"

    def _count(self, before: Vault, fill: Fill, pricing: Pricing) -> None:
        self.counts["fills"] += fill.redeem_shares > 0 or fill.deposit_assets > 0
        self.counts["partial"] += 0 < fill.redeem_shares < before.redeems.total
        self.counts["carried"] += before.deposits.total > 0 and not fill.deposit_assets
        self.counts["gated"] += pricing.accepted < pricing.gross
        self.counts["losses"] += pricing.gross < before.accepted
        self.counts["whole_exits"] += fill.whole_exit
        self.counts["fees"] += fill.fee_shares > 0
        self.counts["in_flight"] += self.cut.in_flight

    # -- the world ---------------------------------------------------------------------------

    def _owned(self) -> int:
        """V-19: what the vault owns, wherever it is and whatever moves."""
        return self.mirror.idle + self.world.pool_bid + self.world.venue()

    def _attested(self) -> int:
        """What the reporter knows of the venue between reports."""
        last, world = self.last_leg, self.world
        known = last.equity + (world.sent - last.credited) - (world.returned - last.debited)
        return max(0, known)

    def _stale(self) -> int:
        out = max(0, self.cut.sent_before - self.cut.credited)
        return out + max(0, self.last_leg.debited - self.cut.returned)

    def _sync_clob(self) -> None:
        self.rpc.send(self.system.clob.sync, sender=self.system.deployer)
        self._synced()

    def _synced(self) -> None:
        self.mirror.idle += self.world.clob_held
        self.world.returned += self.world.clob_held
        self.world.clob_held = 0

    def _free_idle(self) -> int:
        mirror = self.mirror
        queued = mirror.redeems.total + mirror.redeems.open
        owed = -(-queued * mirror.accepted // (mirror.supply + self.virtual))
        return mirror.idle - owed

    # -- small things ------------------------------------------------------------------------

    def _live(self) -> bool:
        return not self.settled and self.rpc.now() + 1 <= self.cut.time + REPORT_WINDOW

    def _pick(self) -> int:
        return self.random.randrange(len(self.users))

    def _pick_where(self, wanted: Callable[[Position], bool], pool: Pool) -> int | None:
        views = enumerate(pool.view(name) for name in self.names)
        eligible = [who for who, position in views if wanted(position)]
        return self.random.choice(eligible) if eligible else None

    @staticmethod
    def _cancellable(position: Position, in_cut: bool) -> bool:
        return position.open_amount > 0 or (position.amount > 0 and not in_cut)

    def _controller(self, who: int) -> int:
        return who if self.calm else self.random.choice([who, who, self._pick()])

    def _mint(self, to: str, amount: int) -> None:
        self.rpc.send(self.system.token.mint, to, amount, sender=self.system.deployer)

    def _send(self, method: str, *args: Any, who: int | None) -> None:
        sender = self.system.keeper if who is None else self.users[who]
        self.rpc.send(getattr(self.system.vault, method), *args, sender=sender)
