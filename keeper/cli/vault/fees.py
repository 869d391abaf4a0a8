"""The performance fee in words and numbers: its rate, its high-water mark, what was taken last."""

from typing import TYPE_CHECKING, Any, Final

from keeper.cli.amounts import shown

if TYPE_CHECKING:
    from keeper.chain.overview import Estimate, Overview
    from keeper.domain.history import VaultHistory

__all__ = ["fee_terms", "fees_text", "last_fee", "last_fee_row"]

PRICE_DIGITS: Final = 12


def fee_terms(overview: "Overview", estimated: "Estimate | None") -> dict[str, Any]:
    """Rate, mark in 1e-12 of the asset per whole share (up), shares due at the estimate."""
    return {
        "fees": fees_text(overview),
        "performance_fee_bps": overview.limits.fee_bps,
        "high_water_mark_e12": _mark_e12(overview),
        "fee_shares_estimate": None if estimated is None else estimated.fee_shares,
    }


def fees_text(overview: "Overview") -> str:
    """Say what is charged, above what, and by whom nothing."""
    bps = overview.limits.fee_bps
    if bps == 0:
        return "no performance fee now, the owner may set one; gas is the sender's"
    mark = shown(_mark_e12(overview), PRICE_DIGITS, overview.token.symbol)
    return (
        f"{bps / 100:g} % of what a share gains above its high-water mark of {mark}, taken in "
        "shares when a report settles; nothing below it; gas is the sender's"
    )


def last_fee(overview: "Overview", history: "VaultHistory") -> dict[str, Any] | None:
    """The fee of the last settlement; None before the first, zeros when it took none."""
    settled = [epoch for epoch in history.epochs if epoch.settled is not None]
    if not settled or (last := settled[-1].settled) is None:
        return None
    worth = last.fee_shares * last.priced_nav // (last.supply_before + overview.views.virtual)
    return {
        "epoch": settled[-1].number,
        "settled_at": last.time_s,
        "shares": last.fee_shares,
        "worth_assets": worth,
    }


def last_fee_row(data: dict[str, Any]) -> str:
    """`last_fee` of `vault show` in words."""
    found = data["last_fee"]
    if found is None:
        return "nothing settled yet"
    shares = shown(found["shares"], data["share_decimals"], data["share_symbol"])
    worth = shown(found["worth_assets"], data["asset_decimals"], data["asset_symbol"])
    return f"{shares}, worth {worth}, in epoch {found['epoch']}"


def _mark_e12(overview: "Overview") -> int:
    token = overview.token
    per_share = overview.reporting.mark_e36 * 10 ** (token.share_decimals + PRICE_DIGITS)
    mark: int = -(-per_share // 10 ** (36 + token.decimals))
    return mark
