"""Owns the stateful test of the bonds: seeded steps, and the laws after each."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tests.contracts.bonds.houses import (
    DAY,
    FOREVER,
    HOUR,
    PRICE,
    TOKEN,
    USDC,
    Bonds,
    dutch_terms,
    oracle_terms,
)
from tests.contracts.invariants.machine import selector
from tests.contracts.rpc import Reverted, Rpc

__all__ = ["Machine"]

LOT: Final = ["(uint256,uint256,uint256,uint256,uint256,uint256)"]
POSITION: Final = ["(uint256,uint256,uint256,uint256,uint256,uint256)"]
NUMBER: Final = ["uint256"]
STEPS: Final = {
    "create": 3,
    "buy": 30,
    "buy_with_shares": 6,
    "tune": 6,
    "announce": 3,
    "apply": 5,
    "wait": 14,
    "transfer": 8,
    "redeem": 18,
    "reclaim": 5,
    "poke": 10,
    "epoch": 6,
    "gift": 2,
}
MOST_MARKETS: Final = 6
REFUSALS: Final = {
    name.split("(")[0]: selector(name)
    for name in (
        *("NothingSold(uint256)", "MarketConcluded(uint256,uint64)", "TuneNotDue(uint256)"),
        *("NoChange(uint256)", "ChangeTooEarly(uint64)", "NothingToReclaim(uint256)"),
        *("NothingVested(uint256)", "ChangeNotAllowed(uint256,uint256)"),
        *("ShareWindowClosed(uint256)", "LockTooShort(uint64,uint256)"),
    )
}


@dataclass(slots=True)
class Sold:
    """What the world remembers of a market."""

    auctioneer: Any
    initial: int
    floor: int
    capacity: int
    sold: int = 0
    returned: int = 0


@dataclass(slots=True)
class Held:
    """What the world remembers of a note."""

    market: int
    payout: int
    holder: Any
    redeemed: int = 0


@dataclass(slots=True)
class Machine:
    """One run over a house; `others` is escrowed there for markets of before."""

    bonds: Bonds
    treasury: Any
    rpc: Rpc
    random: Random
    markets: dict[int, Sold] = field(default_factory=dict)
    notes: dict[int, Held] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    paid: int = 0
    gifts: int = 0
    others: int = 0

    def run(self, steps: int) -> Counter[str]:
        """Take steps and check every law after each."""
        self.rpc.request("anvil_setBlockTimestampInterval", 1)
        names, weights = list(STEPS), list(STEPS.values())
        for name in ["create", "create", *self.random.choices(names, weights, k=steps)]:
            try:
                if getattr(self, f"_{name}")():
                    self.counts[name] += 1
            except Reverted as refused:
                self.counts[self._reason(refused)] += 1
            self.check()
        return self.counts

    def check(self) -> None:
        """B-01, B-02, B-04, B-08."""
        bonds = self.bonds
        unsold = sum(self._check_market(number, sold) for number, sold in self.markets.items())
        owed = sum(self._check_note(number, held) for number, held in self.notes.items())
        balance = self._number(bonds.token.balanceOf, bonds.teller.address)
        escrowed = self.others + unsold + owed
        assert self._number(bonds.teller.escrowed, bonds.token.address) == escrowed
        assert balance == escrowed + self.gifts
        assert self._number(bonds.usdc.balanceOf, bonds.team.address) == 0
        assert self._number(bonds.vault.balanceOf, bonds.team.address) == 0

    def _check_market(self, number: int, sold: Sold) -> int:
        (lot,) = self.rpc.call(sold.auctioneer.lot, number, types=LOT)
        capacity, freed, _, _, floor, _ = lot
        assert capacity <= sold.capacity
        assert floor >= sold.floor
        assert capacity + freed + sold.sold + sold.returned == sold.initial
        sold.capacity, sold.floor = capacity, floor
        return int(capacity + freed)

    def _check_note(self, number: int, held: Held) -> int:
        if held.redeemed == held.payout:
            return 0
        (position,) = self.rpc.call(self.bonds.note.position, number, types=POSITION)
        assert position[1:3] == (held.payout, held.redeemed)
        assert held.redeemed <= self._number(self.bonds.note.vested, number) <= held.payout
        return held.payout - held.redeemed

    # -- steps ------------------------------------------------------------------------------

    def _create(self) -> bool:
        bonds, random = self.bonds, self.random
        if len(self.markets) >= MOST_MARKETS:
            return False
        dutch = random.random() < 0.7
        capacity = random.randrange(100 * TOKEN, 100_000 * TOKEN)
        terms = dutch_terms(interval=random.choice([HOUR, 4 * HOUR, DAY])) if dutch else None
        auctioneer = bonds.dutch if dutch else bonds.oracle
        self._publish()
        params = bonds.market_params(
            self.treasury,
            auctioneer=auctioneer.address,
            capacity=capacity,
            duration=random.randrange(2 * DAY, 20 * DAY),
            cliff=random.choice([0, DAY]),
            vesting=random.randrange(DAY, 10 * DAY),
            terms=terms or oracle_terms(max_age=2 * DAY),
        )
        self._send(bonds.teller.createMarket, params, 0, FOREVER, sender=bonds.team)
        number = self._number(bonds.teller.marketCount)
        floor = 2 * PRICE if dutch else 14 * PRICE // 10
        self.markets[number] = Sold(auctioneer, capacity, floor, capacity)
        return True

    def _buy(self) -> bool:
        amount = self.random.choice([USDC // 100, 50 * USDC, 5_000 * USDC, 10**6 * USDC])
        return self._purchase(self.bonds.teller.purchase, amount)

    def _buy_with_shares(self) -> bool:
        self._settle()
        shares = self.random.randrange(1, 10**20)
        return self._purchase(self.bonds.teller.purchaseWithShares, shares)

    def _purchase(self, method: Any, amount: int) -> bool:
        """B-05: never more than offered, to the treasury, and the note is for what was sold."""
        bonds, number = self.bonds, self.random.choice(list(self.markets))
        sold, buyer = self.markets[number], self.random.choice(bonds.buyers)
        shares = method.abis[0].name != "purchase"
        coin = bonds.vault if shares else bonds.usdc
        if not shares:
            self._publish()
        before = self._number(coin.balanceOf, buyer.address)
        held = self._number(coin.balanceOf, self.treasury.address)
        self._send(method, number, amount, 0, buyer.address, FOREVER, sender=buyer)
        cost = before - self._number(coin.balanceOf, buyer.address)
        assert 0 < cost <= amount
        assert self._number(coin.balanceOf, self.treasury.address) == held + cost
        note = self._number(bonds.note.noteCount)
        (position,) = self.rpc.call(bonds.note.position, note, types=POSITION)
        assert position[0] == number
        assert position[2] == 0 < position[1]
        self.notes[note] = Held(number, position[1], buyer)
        sold.sold += position[1]
        return True

    def _tune(self) -> bool:
        dutch = [n for n, sold in self.markets.items() if sold.auctioneer is self.bonds.dutch]
        if not dutch:
            return False
        self._send(self.bonds.dutch.tune, self.random.choice(dutch), sender=self.bonds.stranger)
        return True

    def _announce(self) -> bool:
        number = self.random.choice(list(self.markets))
        sold = self.markets[number]
        floor = sold.floor + self.random.choice([0, PRICE // 10])
        capacity = self.random.randrange(sold.capacity + 1)
        method = self.bonds.teller.announceChange
        self._send(method, number, floor, capacity, sender=self.bonds.team)
        return True

    def _apply(self) -> bool:
        number = self.random.choice(list(self.markets))
        self._send(self.bonds.teller.applyChange, number, sender=self.bonds.stranger)
        return True

    def _wait(self) -> bool:
        self.rpc.wait(self.random.choice([60, 5 * HOUR, DAY, 3 * DAY]))
        return True

    def _transfer(self) -> bool:
        live = self._live_notes()
        if not live:
            return False
        number = self.random.choice(live)
        held, to = self.notes[number], self.random.choice(self.bonds.buyers)
        method = self.bonds.note.transferFrom
        self._send(method, held.holder.address, to.address, number, sender=held.holder)
        held.holder = to
        return True

    def _redeem(self) -> bool:
        live = self._live_notes()
        if not live:
            return False
        bonds, number = self.bonds, self.random.choice(live)
        held = self.notes[number]
        before = self._number(bonds.token.balanceOf, held.holder.address)
        thief = next(buyer for buyer in bonds.buyers if buyer != held.holder)
        redeem = bonds.teller.redeem
        refused = self.rpc.refused(redeem, number, thief.address, sender=thief)
        assert refused == selector("NotAuthorised(uint256,address)")
        self._send(redeem, number, held.holder.address, sender=held.holder)
        held.redeemed += self._number(bonds.token.balanceOf, held.holder.address) - before
        return True

    def _reclaim(self) -> bool:
        bonds, number = self.bonds, self.random.choice(list(self.markets))
        before = self._number(bonds.token.balanceOf, bonds.team.address)
        self._send(bonds.teller.reclaim, number, bonds.team.address, sender=bonds.team)
        back = self._number(bonds.token.balanceOf, bonds.team.address) - before
        sold = self.markets[number]
        sold.returned += back
        return True

    def _poke(self) -> bool:
        self._send(self.treasury.poke, sender=self.bonds.stranger)
        return True

    def _epoch(self) -> bool:
        self._settle()
        return True

    def _gift(self) -> bool:
        """A transfer to the teller belongs to nobody and endangers nothing."""
        amount = self.random.randrange(1, TOKEN)
        method = self.bonds.token.mint
        self._send(method, self.bonds.teller.address, amount, sender=self.bonds.deployer)
        self.gifts += amount
        return True

    # -- the world ----------------------------------------------------------------------------

    def _settle(self) -> None:
        bonds = self.bonds
        missing = self._number(bonds.vault.nextCutTime) - self.rpc.now()
        if missing > 0:
            self.rpc.wait(missing)
        self._publish()
        self._send(bonds.vault.closeEpoch, sender=bonds.deployer)
        report = bonds.report()
        signatures = bonds.system.sign(report)
        nav = bonds.system.nav
        self._send(nav.submitReport, report.as_tuple(), signatures, sender=bonds.deployer)

    def _publish(self) -> None:
        self._send(self.bonds.feed.push, 2 * 10**8, sender=self.bonds.deployer)

    def _live_notes(self) -> list[int]:
        return [n for n, held in self.notes.items() if held.redeemed < held.payout]

    def _number(self, method: Any, *args: Any) -> int:
        (value,) = self.rpc.call(method, *args, types=NUMBER)
        return int(value)

    def _send(self, method: Any, *args: Any, sender: Any) -> None:
        self.rpc.send(method, *args, sender=sender)

    @staticmethod
    def _reason(refused: Reverted) -> str:
        """The name of an expected refusal; any other error is the test's failure."""
        for name, code in REFUSALS.items():
            if refused.selector == code:
                return name
        raise refused
