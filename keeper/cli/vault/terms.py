"""What a request would get and when, before anybody signs it: the numbers and how they read."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keeper.cli.amounts import shown
from keeper.cli.vault.fees import fee_terms
from keeper.pages.times import clock_time, in_time, lasting

if TYPE_CHECKING:
    from keeper.chain.overview import Estimate, Overview

__all__ = [
    "PRICE_DIGITS",
    "Holdings",
    "deposit_panel",
    "deposit_terms",
    "price_e12",
    "redeem_panel",
    "redeem_terms",
    "worst_exit",
]

PRICE_DIGITS: Final = 12
PRICE_RULE: Final = "by the first report of a cut after the request; no price is promised"


@dataclass(frozen=True, slots=True)
class Holdings:
    """What an account has and lets the vault take; asset, share units and wei."""

    assets: int
    allowance: int
    shares: int
    wei: int


def worst_exit(overview: "Overview") -> str:
    """Say when depositors alone can have the on-chain part out, whoever else is gone."""
    if overview.ended_at:
        return "the vault winds down: keeper vault wind-down status"
    return (
        f"{lasting(overview.exit_bound)} after a redemption request, in kind, without keeper and "
        "reporters (keeper vault wind-down); a pool pushed off its mean adds up to 3 d; the part "
        "on the venue when its owner key signs"
    )


def price_e12(overview: "Overview", nav: int, fee_shares: int = 0) -> int:
    """Price at a NAV in 1e-12 of the asset per whole share, down: (nav+1) over supply+virtual.

    `fee_shares` would be minted before.
    """
    token = overview.token
    per_share = (nav + 1) * 10 ** (token.share_decimals + PRICE_DIGITS)
    price: int = per_share // ((overview.shares + fee_shares) * 10**token.decimals)
    return price


def deposit_terms(
    overview: "Overview", estimated: "Estimate | None", assets: int, held: Holdings | None
) -> dict[str, Any]:
    """Numbers of a deposit; None for what cannot be known now."""
    views = overview.views
    live = None
    if estimated is not None:
        live = assets * (overview.shares + estimated.fee_shares) // (estimated.gross_ask + 1)
    nav = views.accepted_nav if estimated is None else estimated.accepted
    return {
        "amount_assets": assets,
        "shares_at_settled_price": assets * overview.shares // (views.accepted_nav + 1),
        "shares_at_estimated_price": live,
        **_prices(overview, estimated, None if estimated is None else estimated.gross_ask),
        "deposits_open_estimate": None if estimated is None else estimated.deposits_open,
        "hold_estimate": None if estimated is None else estimated.hold,
        "least_assets": views.min_deposit,
        "cap_assets": overview.stake.deposit_cap,
        "room_under_cap_assets": max(
            0, overview.stake.deposit_cap - nav - sum(views.deposit_queue)
        ),
        "balance_assets": None if held is None else held.assets,
        "allowance_assets": None if held is None else held.allowance,
        **_timing(overview, cuts_to_exit=2),
        **fee_terms(overview, estimated),
    }


def redeem_terms(
    overview: "Overview", estimated: "Estimate | None", shares: int, held: Holdings | None
) -> dict[str, Any]:
    """Numbers of a redemption; None for what cannot be known now."""
    views = overview.views
    ahead = sum(views.redeem_queue)
    nav, priced = views.accepted_nav, overview.shares
    if estimated is not None:
        nav, priced = estimated.accepted, overview.shares + estimated.fee_shares
    return {
        "amount_shares": shares,
        "assets_at_settled_price": shares * (views.accepted_nav + 1) // overview.shares,
        "assets_at_estimated_price": None
        if estimated is None
        else shares * (estimated.accepted + 1) // priced,
        **_prices(overview, estimated, None if estimated is None else estimated.accepted),
        "hold_estimate": None if estimated is None else estimated.hold,
        "least_shares": views.min_redeem,
        "balance_shares": None if held is None else held.shares,
        "idle_assets": views.idle,
        "queued_shares": ahead,
        "queued_assets_estimate": ahead * (nav + 1) // priced,
        **_timing(overview, cuts_to_exit=1),
        **fee_terms(overview, estimated),
    }


def _prices(
    overview: "Overview", estimated: "Estimate | None", estimated_nav: int | None
) -> dict[str, Any]:
    settled_at, now = overview.reporting.settled_at, overview.block.timestamp
    fee_shares = 0 if estimated is None else estimated.fee_shares
    return {
        "settled_price_e12": price_e12(overview, overview.views.accepted_nav),
        "settled_price_from_cut_at": settled_at,
        "settled_price_age_seconds": now - settled_at if settled_at else None,
        "estimated_price_e12": None
        if estimated_nav is None
        else price_e12(overview, estimated_nav, fee_shares),
        "estimated_at_block": overview.block.number,
        "price_rule": PRICE_RULE,
    }


def _timing(overview: "Overview", *, cuts_to_exit: int) -> dict[str, Any]:
    """When a request made now is priced and can be claimed, in unix seconds.

    `cuts_to_exit`: a deposit has to be redeemed in a second cut before it is assets again.
    """
    from keeper.domain.protocol import EPOCH_SECONDS, REPORT_WINDOW_SECONDS

    now = overview.block.timestamp
    cut_at = max(overview.views.next_cut_at, now)
    asked_at = now if cuts_to_exit == 1 else cut_at + REPORT_WINDOW_SECONDS
    exit_cut_at = cut_at + (cuts_to_exit - 1) * EPOCH_SECONDS
    return {
        "vault_state": overview.state,
        "joins_epoch": overview.views.open_epoch,
        "block_time": now,
        "next_cut_at": cut_at,
        "claimable_at_earliest": cut_at,
        "claimable_at_latest_if_reported": cut_at + REPORT_WINDOW_SECONDS,
        "exit_at_earliest": exit_cut_at,
        "exit_at_latest_if_reported_and_paid": exit_cut_at + REPORT_WINDOW_SECONDS,
        "worst_exit_at": asked_at + overview.exit_bound,
        "worst_exit": worst_exit(overview),
    }


def deposit_panel(overview: "Overview", terms: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows of a deposit's terms."""
    money, shares = _units(overview)
    held = terms["balance_assets"]
    rows = [("deposit", money(terms["amount_assets"]))]
    if held is not None:
        rows.append(
            (
                "in the wallet",
                f"{money(held)}, the vault may take {money(terms['allowance_assets'])}",
            )
        )
    rows += [
        ("shares at the settled price", _settled(overview, terms, "shares_at", shares)),
        ("shares at the estimated price", _estimated(overview, terms, "shares_at", shares)),
        *_timing_rows(terms),
        ("exit", _exit(terms)),
        ("worst exit", f"{clock_time(terms['worst_exit_at'])}: {terms['worst_exit']}"),
        ("fees", terms["fees"]),
        (
            "limits",
            f"at least {money(terms['least_assets'])}, "
            f"room under the cap {money(terms['room_under_cap_assets'])}{_over(terms)}",
        ),
        ("vault", _state(overview, terms)),
    ]
    return rows


def redeem_panel(overview: "Overview", terms: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows of a redemption's terms."""
    money, shares = _units(overview)
    held = terms["balance_shares"]
    of_all = "" if held is None else f" of {shares(held)}"
    return [
        ("redeem", f"{shares(terms['amount_shares'])}{of_all}"),
        ("assets at the settled price", _settled(overview, terms, "assets_at", money)),
        ("assets at the estimated price", _estimated(overview, terms, "assets_at", money)),
        *_timing_rows(terms),
        (
            "paid from",
            f"idle money: {money(terms['idle_assets'])} now, of which requests already waiting "
            f"ask for {money(terms['queued_assets_estimate'])}; what is not paid stays a request",
        ),
        ("exit", _exit(terms)),
        ("worst exit", f"{clock_time(terms['worst_exit_at'])}: {terms['worst_exit']}"),
        ("fees", terms["fees"]),
        ("limits", f"at least {shares(terms['least_shares'])}, or all you have"),
        ("vault", _state(overview, terms)),
    ]


def _units(overview: "Overview") -> Any:
    token = overview.token

    def money(amount: int) -> str:
        return shown(amount, token.decimals, token.symbol)

    def shares(amount: int) -> str:
        return shown(amount, token.share_decimals, token.share_symbol)

    return money, shares


def _settled(overview: "Overview", terms: dict[str, Any], what: str, unit: Any) -> str:
    price = shown(terms["settled_price_e12"], PRICE_DIGITS, overview.token.symbol)
    age = terms["settled_price_age_seconds"]
    when = "nothing settled yet" if age is None else f"{lasting(age)} old"
    return f"{unit(terms[f'{what}_settled_price'])} at {price}, {when}"


def _estimated(overview: "Overview", terms: dict[str, Any], what: str, unit: Any) -> str:
    amount = terms[f"{what}_estimated_price"]
    if amount is None:
        dead = next(adapter for adapter in overview.adapters if adapter.bid is None)
        return f"unknown: {dead.address} has no price now ({dead.dead_reason})"
    price = shown(terms["estimated_price_e12"], PRICE_DIGITS, overview.token.symbol)
    age = terms["settled_price_age_seconds"]
    venue = "never reported" if age is None else f"as reported {lasting(age)} ago"
    return (
        f"{unit(amount)} at {price}: pools at block {terms['estimated_at_block']:,}, venue {venue}"
    )


def _timing_rows(terms: dict[str, Any]) -> list[tuple[str, str]]:
    now = terms["block_time"]
    return [
        ("priced", f"at a cut, possible {in_time(terms['next_cut_at'], now)}, {PRICE_RULE}"),
        (
            "claimable",
            f"at the earliest {in_time(terms['claimable_at_earliest'], now)}, by "
            f"{clock_time(terms['claimable_at_latest_if_reported'])} if reporters sign",
        ),
    ]


def _exit(terms: dict[str, Any]) -> str:
    return (
        f"at the earliest {in_time(terms['exit_at_earliest'], terms['block_time'])}, by "
        f"{clock_time(terms['exit_at_latest_if_reported_and_paid'])} if reporters sign and "
        "idle money pays"
    )


def _over(terms: dict[str, Any]) -> str:
    over = terms["amount_assets"] > terms["room_under_cap_assets"]
    return ": what is above it waits, cancellable" if over else ""


def _state(overview: "Overview", terms: dict[str, Any]) -> str:
    text = f"{terms['vault_state']}; the request joins epoch {terms['joins_epoch']}"
    if terms["hold_estimate"] is not None:
        text += f"; at the estimate a cut would be held a day ({terms['hold_estimate']})"
    elif terms.get("deposits_open_estimate") is False:
        text += "; at the estimate deposits would wait (a gain is not accepted yet)"
    return f"{text}; NAV {_units(overview)[0](overview.views.accepted_nav)}"
