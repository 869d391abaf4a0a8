"""Owns the vault's share arithmetic off-chain: queues, fills and settlements.

Written from docs/spec.md, not from the Solidity, so that each is the other's oracle. Assets are in
units of the vault's asset, shares in units of 10^-decimals of a share; every number is an int and
every quotient is rounded against the one who is paid.
"""

from dataclasses import dataclass, field, replace
from typing import Final, NewType

__all__ = [
    "Controller",
    "Fill",
    "Pool",
    "Position",
    "Pricing",
    "Vault",
    "ceil_div",
    "fee_shares",
    "near_empty",
    "price_of",
    "settlement",
    "virtual_shares",
]

Controller = NewType("Controller", str)

ONE: Final = 10**54
LEAST_P: Final = 10**36
NEAR_EMPTY_FACTOR: Final = 1_000
MAX_SUPPLY: Final = 2**128 - 1
MAX_FILL: Final = 2**120 - 1
PRICE_ONE: Final = 10**36
BPS: Final = 10_000


def ceil_div(numerator: int, denominator: int) -> int:
    """Divide and round up; both at least zero, the denominator positive."""
    return -(-numerator // denominator)


def virtual_shares(asset_decimals: int) -> int:
    """Return V, the share units that price arithmetic adds to the supply."""
    return int(10 ** max(6, 18 - asset_decimals))


def near_empty(supply: int, virtual: int) -> bool:
    """Say whether so few shares exist that nobody owns what the gate holds back."""
    return supply <= NEAR_EMPTY_FACTOR * virtual


def price_of(accepted: int, shares: int) -> int:
    """Return the price of a share unit in 1e-36 asset units; `shares` with the virtual ones."""
    return (accepted + 1) * PRICE_ONE // shares


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of a pool's history: generation, unfilled part of ONE, payment to ONE."""

    gen: int
    p: int
    s: int


@dataclass(slots=True)
class Position:
    """Requests and claims of one controller in one pool."""

    amount: int = 0
    mark: Mark = Mark(0, ONE, 0)
    open_amount: int = 0
    open_epoch: int = 0
    claim_in: int = 0
    claim_out: int = 0


@dataclass(slots=True)
class Pool:
    """One queue: requests join at a cut, and every settlement fills the same part of each."""

    total: int = 0
    open: int = 0
    open_epoch: int = 1
    gen: int = 0
    p: int = ONE
    s: int = 0
    ends: dict[int, tuple[int, int]] = field(default_factory=dict)
    joins: dict[int, Mark] = field(default_factory=dict)
    positions: dict[Controller, Position] = field(default_factory=dict)

    def request(self, controller: Controller, amount: int) -> None:
        """Add `amount` to what joins at the next cut."""
        position = self.sync(controller)
        position.open_amount += amount
        position.open_epoch = self.open_epoch
        self.open += amount

    def cancel(self, controller: Controller, *, in_cut: bool) -> int:
        """Take back the open part, and outside a cut all of it; return the amount."""
        position = self.sync(controller)
        taken = position.open_amount
        self.open -= taken
        position.open_amount = 0
        if in_cut or position.amount == 0:
            return taken
        taken += position.amount
        self.total -= position.amount
        position.amount = 0
        if self.total == 0:
            self._end_generation(0, self.s)
        return taken

    def cut(self) -> None:
        """Move the open requests into the cut."""
        self.joins[self.open_epoch] = Mark(self.gen, self.p, self.s)
        self.total += self.open
        self.open = 0
        self.open_epoch += 1

    def fill(self, amount: int, pay: int) -> None:
        """Fill `amount` of the total and share `pay` out over all of it."""
        if amount == 0:
            return
        s = self.s + pay * self.p // self.total
        p = self.p * (self.total - amount) // self.total
        self.total -= amount
        if self.total == 0 or p < LEAST_P:
            self._end_generation(p, s)
        else:
            self.p, self.s = p, s

    def claim_by_in(self, controller: Controller, amount_in: int) -> int:
        """Claim `amount_in` of the filled part; return what is paid for it, rounded down."""
        position = self.sync(controller)
        paid = position.claim_out
        if amount_in != position.claim_in:
            paid = position.claim_out * amount_in // position.claim_in
        position.claim_in -= amount_in
        position.claim_out -= paid
        return paid

    def claim_by_out(self, controller: Controller, amount_out: int) -> int:
        """Claim exactly `amount_out`; return the filled part it consumes, rounded up."""
        position = self.sync(controller)
        used = position.claim_in
        if amount_out != position.claim_out:
            used = ceil_div(position.claim_in * amount_out, position.claim_out)
        position.claim_in -= used
        position.claim_out -= amount_out
        return used

    def sync(self, controller: Controller) -> Position:
        """Apply every fill since the position was last touched, and return it."""
        self.positions[controller] = self.view(controller)
        return self.positions[controller]

    def view(self, controller: Controller) -> Position:
        """Return the position as it stands now; nothing is changed."""
        position = replace(self.positions.get(controller, Position()))
        left = self._book(position, position.amount, position.mark)
        if position.open_amount and position.open_epoch < self.open_epoch:
            left += self._book(position, position.open_amount, self.joins[position.open_epoch])
            position.open_amount = 0
        position.amount = left
        position.mark = Mark(self.gen, self.p, self.s)
        return position

    def _book(self, position: Position, amount: int, mark: Mark) -> int:
        left, out = self._walk(amount, mark)
        position.claim_in += amount - left
        position.claim_out += out
        return left

    def _walk(self, amount: int, mark: Mark) -> tuple[int, int]:
        left, out = amount, 0
        gen, p, s = mark.gen, mark.p, mark.s
        while left and gen < self.gen:
            end_p, end_s = self.ends[gen]
            out += left * (end_s - s) // p
            left = left * end_p // p
            gen, p, s = gen + 1, ONE, 0
        if left:
            out += left * (self.s - s) // p
            left = left * self.p // p
        return left, out

    def _end_generation(self, p: int, s: int) -> None:
        self.ends[self.gen] = (p, s)
        self.gen += 1
        self.p, self.s = ONE, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What a report says about one cut [asset units].

    `fee_bps` of what a share is worth above `mark` (1e36 assets per share unit) is the fee.
    """

    accepted: int
    gross: int
    gross_ask: int
    deposits_open: bool
    mark: int = 0
    fee_bps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """What a settlement does [assets in asset units, shares in share units]."""

    accepted: int
    fee_shares: int
    deposit_assets: int
    deposit_shares: int
    redeem_shares: int
    redeem_assets: int
    accepted_after: int
    supply_after: int
    whole_exit: bool


@dataclass(slots=True, kw_only=True)
class Vault:
    """The numbers of a vault that a settlement reads and changes."""

    virtual: int
    deposit_cap: int
    min_stake_bps: int = 0
    keeper: Controller | None = None
    staked: int = 0
    supply: int = 0
    idle: int = 0
    accepted: int = 0
    deposits: Pool = field(default_factory=Pool)
    redeems: Pool = field(default_factory=Pool)

    def cut(self) -> None:
        """Move the open requests of both queues into the cut."""
        self.deposits.cut()
        self.redeems.cut()

    def deposit_cap_at(self, accepted: int) -> int:
        """Return the accepted NAV above which nothing is filled: the cap, or the stake's bound."""
        if self.min_stake_bps == 0 or self._is_keepers_start():
            return self.deposit_cap
        worth = self.staked * accepted // (self.supply + self.virtual)
        return min(self.deposit_cap, worth * 10_000 // self.min_stake_bps)

    def _is_keepers_start(self) -> bool:
        """Nearly without shares nobody can stake: the keeper's requests alone fill."""
        if self.keeper is None or not near_empty(self.supply, self.virtual):
            return False
        own = self.deposits.view(self.keeper)
        return own.amount + own.open_amount == self.deposits.total + self.deposits.open

    def settle(self, pricing: Pricing) -> Fill:
        """Settle both queues at `pricing` and return what was done."""
        fill = settlement(self, pricing)
        self.deposits.fill(fill.deposit_assets, fill.deposit_shares)
        self.redeems.fill(fill.redeem_shares, fill.redeem_assets)
        self.idle += fill.deposit_assets - fill.redeem_assets
        self.accepted = fill.accepted_after
        self.supply = fill.supply_after
        return fill


def settlement(vault: Vault, pricing: Pricing) -> Fill:
    """Return what settling `vault` at `pricing` does; nothing is changed."""
    staying = vault.supply - vault.redeems.total
    if vault.redeems.total and near_empty(staying, vault.virtual):
        fill = _fill_at(vault, pricing, pricing.gross, whole_exit=True)
        if fill.redeem_assets == _owed(vault, pricing.gross, fill.fee_shares):
            return fill
    return _fill_at(vault, pricing, pricing.accepted, whole_exit=False)


def _owed(vault: Vault, accepted: int, fee: int) -> int:
    return vault.redeems.total * accepted // (vault.supply + fee + vault.virtual)


def fee_shares(vault: Vault, pricing: Pricing, accepted: int) -> int:
    """Shares that are worth the fee once they are minted, rounded against who takes it."""
    shares = vault.supply + vault.virtual
    gain = accepted + 1 - ceil_div(pricing.mark * shares, PRICE_ONE)
    fee = max(0, gain) * pricing.fee_bps // BPS
    if fee == 0:
        return 0
    return min(fee * shares // (accepted - fee), MAX_SUPPLY - vault.supply)


def _fill_at(vault: Vault, pricing: Pricing, accepted: int, *, whole_exit: bool) -> Fill:
    fee = fee_shares(vault, pricing, accepted)
    supply = vault.supply + fee
    owed = _owed(vault, accepted, fee)
    deposits = 0
    cap = vault.deposit_cap_at(pricing.accepted)
    if pricing.deposits_open:
        deposits = min(vault.deposits.total, MAX_FILL, max(0, cap - accepted))
    ask = pricing.gross_ask
    minted, burnt, pay = _both_sides(vault, supply, owed, deposits, ask)
    if supply - burnt + minted > MAX_SUPPLY:
        room = (MAX_SUPPLY - supply) * (ask - owed + 1)
        deposits = min(deposits, room // (supply + vault.virtual))
        minted, burnt, pay = _both_sides(vault, supply, owed, deposits, ask)
    return Fill(
        accepted=accepted,
        fee_shares=fee,
        deposit_assets=deposits,
        deposit_shares=minted,
        redeem_shares=burnt,
        redeem_assets=pay,
        accepted_after=accepted + deposits - pay,
        supply_after=supply - burnt + minted,
        whole_exit=whole_exit,
    )


def _both_sides(
    vault: Vault, supply: int, owed: int, deposits: int, gross_ask: int
) -> tuple[int, int, int]:
    queued = vault.redeems.total
    pay = min(owed, vault.idle + deposits)
    if pay == owed:
        burnt = queued
    elif pay == 0:
        burnt = 0
    else:
        burnt = min(queued, ceil_div(queued * pay, owed))
    staying = supply + vault.virtual - burnt
    return deposits * staying // (gross_ask - pay + 1), burnt, pay
