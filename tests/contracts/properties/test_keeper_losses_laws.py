"""V-24 under seeded sequences of operations, losses, cuts and times, against the mirror."""

import os
import random
from collections import Counter
from fractions import Fraction
from math import ceil

import pytest

from tests.contracts.losses import DAY, OPERATION, WAD, KeeperLosses
from tests.contracts.rpc import Reverted, Rpc
from tests.contracts.system import System

SEEDS = int(os.environ.get("FUZZ_SEEDS", "3"))
STEPS = 100
ACTIONS = ("loss", "loss", "loss", "exit", "pause", "pause", "settlement")
DUST = Fraction(STEPS * 4, WAD)
"""Each charge and each refill is rounded by less than a part of 1e18, against the keeper."""


class Story:
    """One vault under random losses; every step compares contract and mirror."""

    def __init__(self, system: System, seed: int) -> None:
        self.system, self.random = system, random.Random(seed)
        self.rpc, self.adapter = Rpc(system.chain), system.acting(system.pool)
        self.counts = Counter[str]()
        system.seed(system.users[0], 1_000_000 * system.unit)
        system.vault.allocate(system.pool, 900_000 * system.unit, sender=system.keeper)
        self.mirror = KeeperLosses(self.rpc.now())

    def step(self) -> None:
        name = self.random.choice(ACTIONS)
        outcome = getattr(self, name)()
        self.counts[f"{name} {outcome}"] += 1
        self._compare()

    def loss(self) -> str:
        """An operation as an adapter makes it: first asked for, then charged."""
        assets, accepted = self._lost(45)
        opens = self.system.mandate.refilledAt()
        try:
            self.rpc.send(self.system.mandate.checkIncrease, sender=self.system.keeper)
        except Reverted:
            assert self._now() < opens
            return "not allowed"
        assert self._now() >= opens
        part = Fraction(assets, accepted)
        try:
            self.rpc.send(self.system.mandate.chargeLoss, assets, sender=self.adapter)
        except Reverted:
            assert part > OPERATION, "what checkIncrease lets through cannot overdraw"
            self.mirror.pass_time_until(self._now())
            assert not self.mirror.holds(part + DUST)
            return "refused"
        self.mirror.pass_time_until(self._now())
        assert self.mirror.holds(part)
        self.mirror.operate(assets, accepted)
        self.system.gain(-assets)
        return "charged"

    def exit(self) -> str:
        assets, accepted = self._lost(60)
        self.rpc.send(self.system.mandate.chargeExit, assets, sender=self.adapter)
        self.mirror.pass_time_until(self._now())
        self.mirror.operate(assets, accepted)
        self.system.gain(-assets)
        return "charged"

    def pause(self) -> str:
        self.rpc.wait(self.random.choice((61, 3_600, self.random.randrange(1, 3 * DAY))))
        return "over"

    def settlement(self) -> str:
        """A cut, perhaps an operation after it, and a report that may show another loss."""
        other, accepted = self._lost(150)
        self.system.gain(self.random.choice((-other, other // 10)))
        if self.random.random() < 0.5:
            self.system.request_deposit(self.system.users[1], 10_000 * self.system.unit)
        self.system.cut()
        self.mirror.cut()
        cut, (bid, _) = self.system.vault.cut(), self.system.pool.value()
        if self.random.random() < 0.5:
            self.exit()
        self.system.submit(self.system.report())
        self.mirror.pass_time_until(self._now())
        self.mirror.report(max(0, accepted - cut.idle - bid), accepted)
        return "held" if self.system.vault.nextCutTime() > cut.time + DAY else "settled"

    def _lost(self, most_bps: int) -> tuple[int, int]:
        accepted = self.system.vault.acceptedNav()
        return accepted * self.random.randrange(0, most_bps) // 10_000, accepted

    def _now(self) -> int:
        return self.rpc.now()

    def _compare(self) -> None:
        self.mirror.pass_time_until(self._now())
        for held, bucket in zip(
            self.system.mandate.lossBuckets(), (self.mirror.day, self.mirror.month), strict=True
        ):
            level = max(Fraction(0), bucket.level)
            assert level - DUST <= Fraction(held, WAD) <= level
        opens = max(
            self.mirror.time + ceil((OPERATION - bucket.level) * bucket.seconds / bucket.full)
            for bucket in (self.mirror.day, self.mirror.month)
        )
        if opens > self.mirror.time:
            assert opens <= self.system.mandate.refilledAt() <= opens + 1


@pytest.mark.parametrize("seed", range(SEEDS))
def test_keeper_losses__any_sequence__stay_within_the_buckets_v24(
    system: System, seed: int
) -> None:
    story = Story(system, seed)

    for _ in range(STEPS):
        story.step()

    assert story.mirror.most_lost() <= 0
    common = {"loss charged", "loss not allowed", "exit charged", "settlement settled"}
    assert common <= set(story.counts), story.counts
