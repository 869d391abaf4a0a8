"""What an account has asked of a vault, both ways: pending, at settlement, claimable, claimed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keeper.cli.amounts import shown
from keeper.cli.output import print_table
from keeper.pages.times import clock_time, lasting

if TYPE_CHECKING:
    from keeper.chain.calls import Block, CallReverted
    from keeper.chain.overview import Overview
    from keeper.domain.history import Movement
    from keeper.wallet import Wallet

__all__ = ["print_requests", "read_requests"]

CONTRACT: Final = "MarketMakingVault"
CLAIMED: Final = {"deposit": "shares claimed", "redeem": "assets claimed"}
REQUESTED: Final = {"deposit": "deposit requested", "redeem": "redemption requested"}
RETURNED: Final = {"deposit": "deposit returned", "redeem": "shares returned"}
WAITING: Final = (
    *("pendingDepositRequest", "pendingRedeemRequest"),
    *("claimableCancelDepositRequest", "claimableCancelRedeemRequest"),
)
UNITS: Final = {"deposit": ("assets", "shares"), "redeem": ("shares", "assets")}
"""What is asked with, and what it becomes."""


@dataclass(frozen=True, slots=True)
class Side:
    """One direction at one block: unfilled, of that cancellable now, and what is to be claimed."""

    unfilled: int
    cancellable: int
    claimable_in: int
    claimable_out: int
    cancelled: int


Sides = tuple[dict[str, Side], tuple[int, int]]
"""Both directions, and the account's assets and shares."""


async def read_requests(
    wallet: "Wallet", controller: str, movements: Sequence["Movement"]
) -> dict[str, Any]:
    """Read the four states of both directions at one block; `movements` are the vault's.

    Raises ChainUnavailable, CallReverted, WireError.
    """

    async def at_block(block: "Block") -> "tuple[Overview, Sides]":
        overview = await wallet.overview_at(block)
        return overview, await _sides(wallet, overview, controller)

    overview, (sides, held) = await wallet.consistent(at_block)
    token, own = overview.token, [item for item in movements if item.account == controller]
    return {
        "controller": controller,
        "block": overview.block.number,
        "block_time": overview.block.timestamp,
        "vault_state": overview.state,
        "next_cut_at": overview.views.next_cut_at,
        **{name: _states(overview, name, sides[name], own) for name in UNITS},
        "shares": held[1],
        "assets_in_wallet": held[0],
        "asset_symbol": token.symbol,
        "asset_decimals": token.decimals,
        "share_symbol": token.share_symbol,
        "share_decimals": token.share_decimals,
        "history": [_plain(item) for item in own],
    }


async def _sides(wallet: "Wallet", overview: "Overview", controller: str) -> Sides:
    from keeper.chain.calls import view

    at = overview.block
    waiting = [view(CONTRACT, wallet.vault, name, 0, controller) for name in WAITING]
    limits = [
        view(CONTRACT, wallet.vault, name, controller)
        for name in ("maxDeposit", "maxMint", "maxRedeem", "maxWithdraw", "balanceOf")
    ]
    held = view(CONTRACT, overview.token.asset, "balanceOf", controller)
    asked, given_back, refund, returning, *found = await wallet.read([*waiting, *limits, held], at)
    assets_in, shares_out, shares_in, assets_out, shares, assets = found
    cancellable = await _cancellable(wallet, controller, at)
    return {
        "deposit": Side(asked, cancellable[0], assets_in, shares_out, refund),
        "redeem": Side(given_back, cancellable[1], shares_in, assets_out, returning),
    }, (assets, shares)


async def _cancellable(wallet: "Wallet", controller: str, at: "Block") -> tuple[int, int]:
    """What each cancel call would return now: the contract says it, nothing is sent."""
    from keeper.chain.calls import view

    calls = [
        view(CONTRACT, wallet.vault, name, 0, controller)
        for name in ("cancelDepositRequest", "cancelRedeemRequest")
    ]
    deposit, redeem = await wallet.try_as(controller, calls, at)
    return _amount(deposit), _amount(redeem)


def _amount(answer: "tuple[Any, ...] | CallReverted") -> int:
    """The amount a cancel would return; zero where there is nothing. Raises CallReverted."""
    if isinstance(answer, tuple):
        return int(answer[0])
    if answer.error == "NothingToCancel":
        return 0
    raise answer


def _states(
    overview: "Overview", name: str, side: Side, own: Sequence["Movement"]
) -> dict[str, Any]:
    """The four states of one direction; before them what was asked, after them what came back."""
    from keeper.domain.protocol import REPORT_WINDOW_SECONDS

    given, got = UNITS[name]
    now = overview.block.timestamp
    # Only what is in an open cut cannot be cancelled.
    settling = side.unfilled - side.cancellable
    cut_at, lapses_at = overview.views.cut[1], overview.views.cut[1] + REPORT_WINDOW_SECONDS
    return {
        f"requested_{given}": _sum(own, REQUESTED[name], given),
        "pending": {
            given: side.unfilled - settling,
            "cancellable": True,
            "next_cut_at": overview.views.next_cut_at,
            "seconds_left": max(0, overview.views.next_cut_at - now),
        },
        "at_settlement": {
            given: settling,
            "cancellable": False,
            "cut_at": cut_at if settling else None,
            "lapses_at": lapses_at if settling else None,
            "seconds_left": max(0, lapses_at - now) if settling else None,
        },
        "claimable": {given: side.claimable_in, got: side.claimable_out, "seconds_left": None},
        "claimed": {
            given: _sum(own, CLAIMED[name], given),
            got: _sum(own, CLAIMED[name], got),
        },
        f"cancelled_claimable_{given}": side.cancelled,
        f"cancelled_{given}": _sum(own, RETURNED[name], given),
    }


def _sum(own: Sequence["Movement"], kind: str, unit: str) -> int:
    return sum(getattr(item, unit) or 0 for item in own if item.kind == kind)


def _plain(item: "Movement") -> dict[str, Any]:
    return {
        "time": item.time_s,
        "block": item.block,
        "tx_hash": item.tx_hash,
        "kind": item.kind,
        "assets": item.assets,
        "shares": item.shares,
    }


def print_requests(data: dict[str, Any]) -> None:
    """Print what `read_requests` returned."""

    def amount(unit: str, value: int) -> str:
        name = "asset" if unit == "assets" else "share"
        return shown(value, data[f"{name}_decimals"], data[f"{name}_symbol"])

    rows = [("account", data["controller"])]
    for side, label in (("deposit", "deposit"), ("redeem", "redemption")):
        given, got = UNITS[side]
        found = data[side]
        rows += [
            (f"{label} pending", f"{amount(given, found['pending'][given])}{_cut(found)}"),
            (
                f"{label} at settlement",
                f"{amount(given, found['at_settlement'][given])}{_window(found)}",
            ),
        ]
        rows += [
            (
                f"{label} {state}",
                f"{amount(got, found[state][got])} for {amount(given, found[state][given])}",
            )
            for state in ("claimable", "claimed")
        ]
        if cancelled := found[f"cancelled_claimable_{given}"]:
            rows.append((f"{label} cancelled, claimable", amount(given, cancelled)))
    rows += [
        ("shares held", amount("shares", data["shares"])),
        ("in the wallet", amount("assets", data["assets_in_wallet"])),
        ("vault", data["vault_state"]),
    ]
    print_table(rows)
    if data["history"]:
        print_table(
            [
                (
                    clock_time(item["time"]),
                    item["kind"],
                    "" if item["assets"] is None else amount("assets", item["assets"]),
                    "" if item["shares"] is None else amount("shares", item["shares"]),
                    item["tx_hash"],
                )
                for item in data["history"]
            ],
            head=("time", "what", "assets", "shares", "transaction"),
        )


def _cut(found: dict[str, Any]) -> str:
    pending = found["pending"]
    if not next(iter(pending.values())):
        return ""
    left = pending["seconds_left"]
    return ", cut possible " + (f"in {lasting(left)}" if left else "now") + ", cancellable"


def _window(found: dict[str, Any]) -> str:
    left = found["at_settlement"]["seconds_left"]
    return "" if left is None else f", report due within {lasting(left)}, not cancellable"
