"""A keeper's stake as a person sees it: what counts, what waits, what it bounds, what was burnt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keeper.cli.amounts import shown
from keeper.domain.protocol import (
    PENALTY_BPS,
    PENALTY_SECONDS,
    SETTLEMENT_DELAY_SECONDS,
)
from keeper.pages.times import clock_time, in_time, lasting

if TYPE_CHECKING:
    from keeper.chain.overview import Overview
    from keeper.chain.stake import Penalty
    from keeper.cli.access import Reach
    from keeper.cli.vault.past import Past
    from keeper.wallet import Wallet

__all__ = [
    "Locked",
    "Unpaid",
    "deposit_bound",
    "deposit_room",
    "penalty_of",
    "read_penalties",
    "read_stake",
    "read_unpaid",
    "stake_data",
    "stake_rows",
]

CONTRACT: Final = "KeeperStake"
VAULT: Final = "MarketMakingVault"
BPS: Final = 10_000
PPM: Final = 1_000_000
CUTS_BACK: Final = 10
"""A cut a day at most: anyone may end the vault before an older one is looked for."""


@dataclass(frozen=True, slots=True)
class Unpaid:
    """A cut whose redemptions are unpaid, and the first time at which a penalty is due for it."""

    epoch: int
    cut_at: int
    due_at: int


@dataclass(frozen=True, slots=True)
class Locked:
    """What an account has in a vault's stake [share units], and when what waits may leave [s].

    `unpaid` are the cuts that cost the keeper a part, oldest first; the last day paid for ended at
    `penalised_until`, 0 before the first.
    """

    account: str
    counting: int
    waiting: int
    leaves_at: int
    penalised_until: int
    unpaid: tuple[Unpaid, ...]


async def read_stake(wallet: "Wallet", overview: "Overview", account: str) -> Locked:
    """Read an account's stake at the overview's block.

    Raises ChainUnavailable, CallReverted, WireError.
    """
    from keeper.chain.calls import view
    from keeper.chain.codec import checksum

    contract = overview.stake.contract
    counting, (waiting, leaves_at), until, since = await wallet.read(
        [
            view(CONTRACT, contract, "stakeOf", account),
            view(CONTRACT, contract, "waiting", account),
            view(CONTRACT, contract, "penalisedUntil"),
            view("Mandate", overview.views.mandate, "keeperSince"),
        ],
        overview.block,
    )
    unpaid = await read_unpaid(wallet, overview, max(until, since))
    return Locked(checksum(account), counting, waiting, leaves_at, until, unpaid)


async def read_unpaid(
    wallet: "Wallet", overview: "Overview", counted_from: int
) -> tuple[Unpaid, ...]:
    """Read which of the newest cuts are unpaid, oldest first; days count from `counted_from` on."""
    from keeper.chain.calls import view

    newest = overview.views.cut[0]
    epochs = range(max(1, newest - CUTS_BACK + 1), newest + 1)
    answers = await wallet.read(
        [
            view(VAULT, wallet.vault, name, epoch)
            for epoch in epochs
            for name in ("isUnpaid", "cutTimeOf")
        ],
        overview.block,
    )
    found = zip(epochs, answers[::2], answers[1::2], strict=True)
    return tuple(
        Unpaid(epoch, at, max(at + SETTLEMENT_DELAY_SECONDS, counted_from) + PENALTY_SECONDS)
        for epoch, unpaid, at in found
        if unpaid
    )


async def read_penalties(
    wallet: "Wallet", overview: "Overview", past: "Past", reach: "Reach"
) -> tuple["Penalty", ...]:
    """Read what was burnt since the vault was made. Raises ChainUnavailable, WireError."""
    first = past.first_block(reach, wallet.chain_id, wallet.vault)
    return await wallet.penalties(overview.stake.contract, first, overview.block)


def penalty_of(shares: int) -> int:
    """What one full day costs of so many share units, rounded up as the contract does."""
    return -(-shares * PENALTY_BPS // BPS)


def deposit_bound(overview: "Overview", counting: int) -> int:
    """Accepted NAV that deposits are filled up to while so many shares count [asset units]."""
    limits, views = overview.limits, overview.views
    if limits.min_stake_bps == 0:
        return limits.deposit_cap
    worth = counting * views.accepted_nav // overview.shares
    return min(limits.deposit_cap, worth * BPS // limits.min_stake_bps)


def deposit_room(overview: "Overview", bound: int) -> int:
    """What new requests may add before they exceed a bound of NAV [asset units]."""
    views = overview.views
    return max(0, bound - views.accepted_nav - sum(views.deposit_queue))


def stake_data(
    overview: "Overview", locked: Locked, penalties: Sequence["Penalty"]
) -> dict[str, Any]:
    """Everything about one account's stake; assets and shares in units, times in unix seconds."""
    views, token = overview.views, overview.token
    own = [entry for entry in penalties if entry.keeper == locked.account]
    worth = locked.counting * views.accepted_nav // overview.shares
    return {
        "vault": overview.vault,
        "contract": overview.stake.contract,
        "account": locked.account,
        "is_keeper": locked.account.lower() == views.keeper.lower(),
        "block_time": overview.block.timestamp,
        "asset_symbol": token.symbol,
        "asset_decimals": token.decimals,
        "share_symbol": token.share_symbol,
        "share_decimals": token.share_decimals,
        "counting_shares": locked.counting,
        "counting_worth_assets": worth,
        "nav_share_ppm": worth * PPM // views.accepted_nav if views.accepted_nav else 0,
        "least_bps": overview.limits.min_stake_bps,
        "waiting_shares": locked.waiting,
        "leaves_at": locked.leaves_at if locked.waiting else None,
        "bounds_nav_assets": overview.stake.deposit_cap,
        "deposit_room_assets": deposit_room(overview, overview.stake.deposit_cap),
        "penalised_until": locked.penalised_until or None,
        "burnt_shares": sum(entry.shares for entry in own),
        "penalties": [
            {
                "epoch": entry.epoch,
                "shares": entry.shares,
                "until": entry.until,
                "block": entry.block,
                "tx_hash": entry.tx_hash,
            }
            for entry in own
        ],
        "unpaid_cuts": [
            {"epoch": it.epoch, "cut_at": it.cut_at, "penalty_due_at": it.due_at}
            for it in locked.unpaid
        ],
        "next_penalty_shares": penalty_of(locked.counting) + penalty_of(locked.waiting),
    }


def stake_rows(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows of what `stake_data` returned."""

    def money(units: int) -> str:
        return shown(units, data["asset_decimals"], data["asset_symbol"])

    def shares(units: int) -> str:
        return shown(units, data["share_decimals"], data["share_symbol"])

    whose = "the vault's keeper" if data["is_keeper"] else "not the vault's keeper: bounds nothing"
    worth = f"{money(data['counting_worth_assets'])}, {data['nav_share_ppm'] / 10_000:g} % of NAV"
    rows = [
        ("account", f"{data['account']} ({whose})"),
        ("counts", f"{shares(data['counting_shares'])} worth {worth}"),
    ]
    if data["waiting_shares"]:
        leaves = in_time(data["leaves_at"], data["block_time"])
        rows.append(("waits", f"{shares(data['waiting_shares'])}, may leave {leaves}"))
    return [*rows, *_bound_rows(data, money), *_penalty_rows(data, shares)]


def _bound_rows(data: dict[str, Any], money: Any) -> list[tuple[str, str]]:
    if data["least_bps"]:
        asked = f"the keeper's stake is to be {data['least_bps'] / 100:g} % of NAV"
    else:
        asked = "no stake is asked for: the deposit cap alone"
    return [
        ("deposits filled up to", f"{money(data['bounds_nav_assets'])} of NAV ({asked})"),
        ("room for new requests", money(data["deposit_room_assets"])),
    ]


def _penalty_rows(data: dict[str, Any], shares: Any) -> list[tuple[str, str]]:
    burnt, count = shares(data["burnt_shares"]), len(data["penalties"])
    rows = [("burnt so far", f"{burnt} in {count}" if count else "nothing")]
    rows += [
        (f"  cut {entry['epoch']}", f"{shares(entry['shares'])}, {clock_time(entry['until'])}")
        for entry in data["penalties"]
    ]
    now, price = data["block_time"], shares(data["next_penalty_shares"])
    for cut in data["unpaid_cuts"]:
        age = lasting(now - cut["cut_at"])
        due = in_time(cut["penalty_due_at"], now)
        rows.append((f"cut {cut['epoch']} unpaid", f"for {age}; {price} may be burnt {due}"))
    return rows
