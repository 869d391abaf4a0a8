"""V-01, V-21 and V-29 under seeded sequences of deposits, stakes, late days and settlements."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from keeper.accounting.high_water import HighWater
from keeper.accounting.shares import Controller, Fill, Vault
from tests.contracts.rpc import Reverted, Rpc
from tests.contracts.system import DAY, MAX_UINT, System

STEPS = 90
LEAST_BPS = 500
FEE_BPS = 1_000
ACTIONS = (
    *("deposit", "redeem", "lock", "leave", "withdraw", "strand", "penalise", "bring_home"),
    *("penalise", "settle", "settle"),
)


class Story:
    """One vault whose keeper locks and withdraws shares while others come and go."""

    def __init__(self, system: System, stake: Any, seed: int) -> None:
        self.system, self.stake, self.rpc = system, stake, Rpc(system.chain)
        self.random, self.counts = random.Random(seed), Counter[str]()
        self.people = [system.keeper, *system.users[:2]]
        cap = 10**9 * system.unit
        system.mandate.setLimits((cap, 5_000, 3_000, FEE_BPS, LEAST_BPS), sender=system.owner)
        system.seed(system.keeper, 50_000 * system.unit)
        for who in self.people:
            system.vault.approve(stake, MAX_UINT, sender=who)
            system.fund(who, 10**7 * system.unit)
        stake.stake(30_000 * system.share, sender=system.keeper)
        shares = system.vault.totalSupply() + system.vault.virtualShares()
        self.water = HighWater(system.nav.mark(), shares=shares)

    def step(self) -> None:
        name = self.random.choice(ACTIONS)
        try:
            getattr(self, name)()
        except Reverted:
            name = f"{name} refused"
        self.counts[name] += 1
        self.check_v01()

    def deposit(self) -> None:
        who = self.random.choice(self.people)
        assets = self.random.randrange(1, 400_000) * self.system.unit
        self._send(self.system.vault.requestDeposit, assets, who, who, by=who)

    def redeem(self) -> None:
        who = self._one_with(self.system.vault.balanceOf)
        shares = self.system.vault.balanceOf(who) * self.random.randrange(1, 60) // 100
        self._send(self.system.vault.requestRedeem, shares, who, who, by=who)

    def lock(self) -> None:
        who = self._one_with(self.system.vault.balanceOf)
        shares = self.system.vault.balanceOf(who) * self.random.randrange(1, 101) // 100
        self._send(self.stake.stake, shares, by=who)

    def leave(self) -> None:
        who = self._one_with(self.stake.stakeOf)
        shares = self.stake.stakeOf(who) * self.random.randrange(1, 40) // 100
        self._send(self.stake.requestWithdrawal, shares, by=who)

    def withdraw(self) -> None:
        self.rpc.wait(self.random.choice((61, 7 * DAY)))
        self._send(self.stake.withdraw, by=self._one_with(lambda who: self.stake.waiting(who)[0]))

    def strand(self) -> None:
        """A redemption of more than is idle, settled in part, then days without a settlement."""
        vault = self.system.vault
        self._send(vault.allocate, self.system.pool, vault.idle() * 9 // 10, by=self.system.keeper)
        who = self._one_with(vault.balanceOf)
        self._send(vault.requestRedeem, vault.balanceOf(who), who, who, by=who)
        self.settle()
        self.rpc.wait(4 * DAY + self.random.randrange(DAY))

    def penalise(self) -> None:
        epoch = max(1, self.system.vault.cut().epoch - self.random.randrange(2))
        self._send(self.stake.penalise, epoch, by=self.system.users[2])

    def bring_home(self) -> None:
        bid, _ = self.system.pool.value()
        self._send(self.system.vault.deallocate, self.system.pool, bid, by=self.system.keeper)

    def settle(self) -> None:
        self.system.cut()
        before = self._mirror()
        bound = before.deposit_cap_at(before.accepted)
        receipt = self.system.submit(self.system.report())
        (settled,) = receipt.decode_logs(self.system.vault.Settle)
        self.water.report(before, before.accepted, before.accepted, 0)
        self.water.settled(self._mirror(), _fill(settled))
        assert settled.feeShares == 0, "V-21: NAV is constant"
        assert self.system.nav.mark() == self.water.mark
        if settled.depositAssets:
            assert settled.acceptedAfter <= bound
            self.counts["filled"] += 1
        for who in self.people:
            waiting = self.system.vault.maxDeposit(who)
            if waiting:
                self._send(self.system.vault.deposit, waiting, who, who, by=who)

    def check_v01(self) -> None:
        vault, places = self.system.vault, [*self.people, self.system.silo, self.stake]
        held = self.stake.stakeOf, self.stake.waiting
        assert sum(vault.balanceOf(place) for place in places) == vault.totalSupply()
        assert vault.balanceOf(self.stake) == sum(
            held[0](who) + held[1](who).shares for who in self.people
        )

    def _one_with(self, holds: Callable[[Any], int]) -> Any:
        """Somebody who has some; anybody when nobody has."""
        having = [who for who in self.people if holds(who)]
        return self.random.choice(having or self.people)

    def _mirror(self) -> Vault:
        vault, keeper = self.system.vault, Controller(self.system.keeper.address)
        mirror = Vault(
            virtual=vault.virtualShares(),
            deposit_cap=self.system.mandate.limits().depositCap,
            min_stake_bps=LEAST_BPS,
            keeper=keeper,
            staked=self.stake.stakeOf(self.system.keeper),
            supply=vault.totalSupply(),
            accepted=vault.acceptedNav(),
        )
        mirror.deposits.request(keeper, vault.pendingDepositRequest(0, self.system.keeper))
        queue = vault.depositQueue()
        mirror.deposits.open = queue.total + queue.open
        return mirror

    def _send(self, method: Any, *arguments: Any, by: Any) -> None:
        self.rpc.send(method, *arguments, sender=by)


def _fill(settled: Any) -> Fill:
    return Fill(
        accepted=settled.accepted,
        fee_shares=settled.feeShares,
        deposit_assets=settled.depositAssets,
        deposit_shares=settled.depositShares,
        redeem_shares=settled.redeemShares,
        redeem_assets=settled.redeemAssets,
        accepted_after=settled.acceptedAfter,
        supply_after=settled.supplyAfter,
        whole_exit=settled.wholeExit,
    )


def test_keeper_stake__any_sequence__keeps_v01_v21_and_v29(project: Any, system: System) -> None:
    story = Story(system, project.KeeperStake.at(system.mandate.keeperStake()), seed=1)

    for _ in range(STEPS):
        story.step()

    common = {"filled", "lock", "leave", "withdraw", "strand", "penalise", "redeem"}
    assert common <= set(story.counts), story.counts
