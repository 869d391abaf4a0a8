"""Owns the bonds under test: contracts, a project with its vault, people, and what they do."""

from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode

from tests.contracts.adapters.creation import Plan
from tests.contracts.system import MAX_UINT, Report, System

__all__ = [
    "ONE",
    "PRICE",
    "TOKEN",
    "USDC",
    "ZERO",
    "Bonds",
    "dutch_terms",
    "midnight_after",
    "oracle_terms",
]

DAY: Final = 86_400
HOUR: Final = 3_600
ONE: Final = 10**18
USDC: Final = 10**6
TOKEN: Final = 10**18
PRICE: Final = 10**36
"""One whole asset for one whole token."""
FOREVER: Final = 2**40
ZERO: Final = "0x" + "00" * 20
FEED_PRICE: Final = 2 * 10**8


def dutch_terms(
    price: int = 5 * PRICE,
    floor: int = 2 * PRICE,
    interval: int = 4 * HOUR,
    buffer_bps: int = 5_000,
) -> bytes:
    """Terms of a Dutch auction."""
    return encode(["uint256", "uint256", "uint32", "uint32"], [price, floor, interval, buffer_bps])


def oracle_terms(
    twap: int = 0, max_age: int = HOUR, discount_bps: int = 1_000, max_discount_bps: int = 3_000
) -> bytes:
    """Terms of an oracle auction: by the feed, unless a window is given."""
    age = 0 if twap else max_age
    kinds = ["uint32", "uint32", "uint32", "uint32"]
    return encode(kinds, [twap, age, discount_bps, max_discount_bps])


def midnight_after(time: int) -> int:
    """The midnight UTC at or after a time."""
    return -(-time // DAY) * DAY


@dataclass(slots=True)
class Bonds:
    """The bonds' contracts beside one vault of the factory that quotes `token`."""

    project: Any
    chain: Any
    system: System
    factory: Any
    plan: Plan
    token: Any
    pool: Any
    feed: Any
    teller: Any
    note: Any
    dutch: Any
    oracle: Any
    lens: Any
    team: Any
    buyers: list[Any]
    stranger: Any

    @property
    def usdc(self) -> Any:
        return self.system.token

    @property
    def vault(self) -> Any:
        return self.system.vault

    @property
    def deployer(self) -> Any:
        return self.system.deployer

    @property
    def now(self) -> int:
        """Time of the newest block [s]."""
        return int(self.chain.provider.get_block("latest").timestamp)

    def at(self, time: int) -> None:
        """The next block has this time [s]."""
        self.chain.provider.set_timestamp(time)

    def wait(self, seconds: int) -> None:
        """Mine a block so much later [s]."""
        self.chain.mine(deltatime=seconds)

    def project_params(self, **changes: Any) -> tuple[Any, ...]:
        given = {
            "token": self.token.address,
            "vault": self.vault.address,
            "markets": self.plan.markets,
            "pool": 0,
            "polUnlock": self.now + 400 * DAY,
        }
        return tuple((given | changes).values())

    def market_params(self, treasury: Any, **changes: Any) -> tuple[Any, ...]:
        given = {
            "project": getattr(treasury, "address", treasury),
            "auctioneer": self.dutch.address,
            "capacity": 100_000 * TOKEN,
            "duration": 7 * DAY,
            "cliff": 7 * DAY,
            "vesting": 30 * DAY,
            "acceptsShares": True,
            "terms": dutch_terms(),
        }
        return tuple((given | changes).values())

    def create_project(self, **changes: Any) -> Any:
        """Set a project up; return its treasury."""
        self.teller.createProject(self.project_params(**changes), sender=self.team)
        address = self.teller.projects(self.teller.projectCount() - 1, 1)[0]
        return self.project.ProjectTreasury.at(address)

    def create_market(self, treasury: Any, **changes: Any) -> int:
        """Create a market of it; return its number."""
        params = self.market_params(treasury, **changes)
        self.teller.createMarket(params, 0, FOREVER, sender=self.team)
        return int(self.teller.marketCount())

    def buy(self, market: int, amount: int, buyer: Any = None, **changes: Any) -> Any:
        """Buy with the asset; return the receipt."""
        buyer = buyer or self.buyers[0]
        given = {"least": 0, "receiver": buyer, "deadline": FOREVER} | changes
        return self.teller.purchase(market, amount, *given.values(), sender=buyer)

    def buy_with_shares(self, market: int, shares: int, buyer: Any) -> Any:
        return self.teller.purchaseWithShares(market, shares, 0, buyer, FOREVER, sender=buyer)

    def cut(self) -> None:
        """Take the next cut, with fresh prices."""
        self.system.wait_for_cut()
        self.feed.push(FEED_PRICE, sender=self.deployer)
        self.vault.closeEpoch(sender=self.deployer)

    def report(self) -> Report:
        """The report of a vault without attested legs."""
        nav = self.system.nav
        return Report(self.vault.cut().epoch, nav.setId(), bytes(nav.lastReportHash()), ())

    def settle(self) -> None:
        """Cut, report, settle."""
        self.cut()
        self.system.submit(self.report())

    def seed(self, user: Any, assets: int) -> None:
        """Deposit, settle, claim: the user holds shares."""
        self.system.request_deposit(user, assets)
        self.settle()
        self.vault.deposit(assets, user, user, sender=user)

    def end_vault(self) -> None:
        """The guardian starts the wind-down."""
        self.system.end.startImpaired(sender=self.system.guardian)

    def equip(self, account: Any, assets: int = 10**9 * USDC) -> None:
        """Give an account assets, and let the teller pull assets and shares."""
        self.usdc.mint(account, assets, sender=self.deployer)
        self.usdc.approve(self.teller, MAX_UINT, sender=account)
        self.vault.approve(self.teller, MAX_UINT, sender=account)
