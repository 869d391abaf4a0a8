"""What a vault shows: money and who holds it, prices, returns, queues, limits and roles."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keeper.cli.amounts import shown
from keeper.cli.output import print_table
from keeper.cli.vault.fees import fee_terms, last_fee_row
from keeper.cli.vault.terms import PRICE_DIGITS, price_e12, worst_exit
from keeper.pages.times import clock_time, in_time, lasting

if TYPE_CHECKING:
    from keeper.chain.overview import AdapterView, Estimate, Overview

__all__ = ["overview_data", "print_overview"]

PPM = 10**6


def overview_data(
    overview: "Overview", chain_id: int, returns: dict[str, Any], venue_account: str
) -> dict[str, Any]:
    """Everything `vault show` tells, as JSON; asset and share units, unix seconds, ppm of NAV."""
    from keeper.chain.overview import estimate

    estimated = estimate(overview, overview.block.timestamp)
    return {
        "vault": overview.vault,
        "chain_id": chain_id,
        "block": overview.block.number,
        "block_time": overview.block.timestamp,
        **_state(overview),
        **_money(overview, estimated),
        "legs": _legs(overview, venue_account),
        **_queues(overview),
        "returns": returns,
        "worst_exit_at": overview.block.timestamp + overview.exit_bound,
        "worst_exit": worst_exit(overview),
        **fee_terms(overview, estimated),
        "limits": _limits(overview),
        "losses": _losses(overview),
        "keeper_stake": _stake(overview),
        "roles": _roles(overview, venue_account),
        "last_report": _last_report(overview),
    }


def _state(overview: "Overview") -> dict[str, Any]:
    views, token = overview.views, overview.token
    return {
        "state": overview.state,
        "wind_down": views.wind_down,
        "wind_down_started_at": overview.ended_at or None,
        "epoch_open": views.open_epoch,
        "next_cut_at": views.next_cut_at,
        "last_cut_at": views.cut[1],
        "asset": token.asset,
        "asset_symbol": token.symbol,
        "asset_decimals": token.decimals,
        "share_symbol": token.share_symbol,
        "share_decimals": token.share_decimals,
    }


def _money(overview: "Overview", estimated: "Estimate | None") -> dict[str, Any]:
    views = overview.views
    return {
        "accepted_nav_assets": views.accepted_nav,
        "estimated_nav_assets": None if estimated is None else estimated.gross,
        "idle_assets": views.idle,
        "attested_assets": overview.reporting.attested,
        "total_supply_shares": views.supply,
        "virtual_shares": views.virtual,
        "price_e12_assets_per_share": price_e12(overview, views.accepted_nav),
        "estimated_price_e12_assets_per_share": None
        if estimated is None
        else price_e12(overview, estimated.accepted, estimated.fee_shares),
    }


def _legs(overview: "Overview", venue_account: str) -> list[dict[str, Any]]:
    """Where the money is and who holds it; the venue's part is one number over all its adapters."""
    values = [overview.views.idle, overview.reporting.attested]
    values += [leg.bid for leg in overview.adapters if not leg.attested and leg.bid is not None]
    whole = sum(values)
    legs = [_leg("idle", overview.views.idle, whole, f"the vault contract {overview.vault}")]
    legs += [
        {**_pool_leg(adapter, whole), "adapter": adapter.address}
        for adapter in overview.adapters
        if not adapter.attested
    ]
    attested = [adapter for adapter in overview.adapters if adapter.attested]
    if attested:
        custody = _venue_custody(attested, venue_account)
        legs.append(_leg("order book", overview.reporting.attested, whole, custody))
    return legs


def _leg(name: str, value: int | None, whole: int, custody: str) -> dict[str, Any]:
    share = None if value is None else value * PPM // whole if whole else 0
    return {"leg": name, "value_assets": value, "nav_share_ppm": share, "custody": custody}


def _pool_leg(adapter: "AdapterView", whole: int) -> dict[str, Any]:
    custody = f"adapter contract {adapter.address}, which owns the pool positions"
    if adapter.bid is None:
        custody += f"; no price now: {adapter.dead_reason}"
    return _leg("pool", adapter.bid, whole, custody)


def _venue_custody(attested: Sequence["AdapterView"], venue_account: str) -> str:
    account = venue_account or "not named here: give --config"
    routes = ", ".join(sorted({adapter.route for adapter in attested if adapter.route}))
    return (
        f"venue account {account}, held by whoever has its owner key (the treasurer); attested by "
        f"reporters, not provable on this chain; sent there through {routes or 'no route'}"
    )


def _queues(overview: "Overview") -> dict[str, Any]:
    """Waiting totals, and what lies in the silo beyond them: settled, waiting to be claimed."""
    views = overview.views
    deposits, redemptions = sum(views.deposit_queue), sum(views.redeem_queue)
    return {
        "deposits_pending_assets": deposits,
        "redemptions_pending_shares": redemptions,
        "claimable_assets": max(0, overview.silo_assets - deposits),
        "claimable_shares": max(0, overview.silo_shares - redemptions),
    }


def _limits(overview: "Overview") -> dict[str, int]:
    """Limits, and how much of each is used: by accepted NAV, in ppm of it (of the cap for it)."""
    views, nav = overview.views, overview.views.accepted_nav
    on_chain = views.idle + sum(leg.bid or 0 for leg in overview.adapters if not leg.attested)
    return {
        "deposit_cap_used_ppm": nav * PPM // overview.limits.deposit_cap
        if overview.limits.deposit_cap
        else PPM,
        "venue_used_ppm": overview.reporting.attested * PPM // nav if nav else 0,
        "on_chain_ppm": on_chain * PPM // nav if nav else PPM,
        "deposit_cap_assets": overview.limits.deposit_cap,
        "venue_cap_bps": overview.limits.venue_cap_bps,
        "min_on_chain_bps": overview.limits.min_on_chain_bps,
        "min_deposit_assets": views.min_deposit,
        "min_redeem_shares": views.min_redeem,
    }


def _losses(overview: "Overview") -> dict[str, int | None]:
    """What the keeper may still lose, down to a ppm of accepted NAV, and when it may act again."""
    losses, now = overview.losses, overview.block.timestamp
    return {
        "day_left_ppm": losses.day_left_e18 // PPM**2,
        "month_left_ppm": losses.month_left_e18 // PPM**2,
        "spent_until": losses.refilled_at if losses.refilled_at > now else None,
        "paused_until": losses.paused_until if losses.paused_until > now else None,
    }


def _stake(overview: "Overview") -> dict[str, Any]:
    """What the keeper locked beside the depositors; asset and share units, ppm of NAV."""
    stake, views = overview.stake, overview.views
    worth = stake.counting * views.accepted_nav // overview.shares
    return {
        "contract": stake.contract,
        "shares": stake.counting,
        "worth_assets": worth,
        "nav_share_ppm": worth * PPM // views.accepted_nav if views.accepted_nav else 0,
        "least_bps": overview.limits.min_stake_bps,
        "bounds_nav_assets": stake.deposit_cap,
        "leaving_shares": stake.leaving,
        "leaves_at": stake.leaves_at if stake.leaving else None,
    }


def _roles(overview: "Overview", venue_account: str) -> dict[str, Any]:
    from keeper.config.checksum import checksum_address

    views, reporting = overview.views, overview.reporting
    return {
        "owner": checksum_address(views.owner),
        "keeper": checksum_address(views.keeper),
        "guardian": checksum_address(views.guardian),
        "reporter_contract": checksum_address(views.reporter),
        "reporters": list(reporting.reporters),
        "quorum": reporting.quorum,
        "treasurer_venue_account": venue_account or None,
    }


def _last_report(overview: "Overview") -> dict[str, Any] | None:
    reporting = overview.reporting
    if not reporting.last_legs:
        return None
    return {
        "digest": reporting.last_digest,
        "cut_at": reporting.settled_at,
        "age_seconds": overview.block.timestamp - reporting.settled_at,
        "legs": [
            {
                "equity_assets": leg.equity,
                "credited_assets": leg.credited,
                "debited_assets": leg.debited,
                "venue_height": leg.venue_height,
            }
            for leg in reporting.last_legs
        ],
    }


def print_overview(data: dict[str, Any]) -> None:
    """Print what `overview_data` returned, with `last_fee`."""
    decimals, symbol, now = data["asset_decimals"], data["asset_symbol"], data["block_time"]

    def money(amount: int | None) -> str:
        return "unknown" if amount is None else shown(amount, decimals, symbol)

    def shares(amount: int) -> str:
        return shown(amount, data["share_decimals"], data["share_symbol"])

    def price(value: int | None) -> str:
        return "unknown" if value is None else shown(value, PRICE_DIGITS, symbol)

    rows = [
        ("vault", f"{data['vault']}  (chain {data['chain_id']}, block {data['block']:,})"),
        ("state", _state_row(data)),
        ("next cut", in_time(data["next_cut_at"], now)),
        ("last cut", clock_time(data["last_cut_at"])),
        ("last report", _report_row(data["last_report"])),
        ("accepted NAV", f"{money(data['accepted_nav_assets'])} (settled, flows included)"),
        ("NAV now, estimated", money(data["estimated_nav_assets"])),
        *_leg_rows(data["legs"], money),
        ("shares", shares(data["total_supply_shares"])),
        ("settled price", price(data["price_e12_assets_per_share"])),
        ("price now, estimated", price(data["estimated_price_e12_assets_per_share"])),
        *_return_rows(data["returns"]),
        ("deposits waiting", f"{money(data['deposits_pending_assets'])} (not in NAV)"),
        ("redemptions waiting", f"{shares(data['redemptions_pending_shares'])} (still in NAV)"),
        (
            "claimable",
            f"{money(data['claimable_assets'])} and {shares(data['claimable_shares'])}",
        ),
        ("worst exit", f"{clock_time(data['worst_exit_at'])}: {data['worst_exit']}"),
        ("fees", data["fees"]),
        ("fee taken last", last_fee_row(data)),
        *_limit_rows(data["limits"], money),
        *_loss_rows(data["losses"]),
        *_stake_rows(data["keeper_stake"], money, shares),
        *_role_rows(data["roles"]),
    ]
    print_table(rows)


def _state_row(data: dict[str, Any]) -> str:
    if data["wind_down_started_at"] is None:
        return f"{data['state']}, epoch {data['epoch_open']} open"
    return f"{data['state']} since {clock_time(data['wind_down_started_at'])}, for ever"


def _report_row(report: dict[str, Any] | None) -> str:
    if report is None:
        return "none yet"
    return f"{lasting(report['age_seconds'])} ago, digest {report['digest']}"


def _leg_rows(legs: Sequence[dict[str, Any]], money: Any) -> list[tuple[str, str]]:
    return [
        (
            f"  {leg['leg']}",
            f"{money(leg['value_assets'])}, {_percent(leg['nav_share_ppm'])}: {leg['custody']}",
        )
        for leg in legs
    ]


def _return_rows(returns: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for name, found in returns["windows"].items():
        text = "history too short"
        if found is not None:
            text = (
                f"{_percent(found['return_ppm'], signed=True)} net, {clock_time(found['from'])} "
                f"to {clock_time(found['to'])}, {found['settlements']} settlements"
            )
        rows.append((f"return {name.replace('_', ' ')}", text))
    fall = returns["drawdown"]
    text = "history too short"
    if fall is not None:
        text = (
            f"{_percent(fall['drawdown_ppm'])} in {fall['settlements']} settlements over "
            f"{lasting(fall['span_seconds'])}"
        )
    return [*rows, ("deepest drawdown", text)]


def _percent(ppm: int | None, *, signed: bool = False) -> str:
    """Parts per million as a percentage with four decimals, exact."""
    if ppm is None:
        return "share unknown"
    sign = "-" if ppm < 0 else "+" if signed else ""
    return f"{sign}{abs(ppm) // 10_000}.{abs(ppm) % 10_000:04d} %"


def _limit_rows(limits: dict[str, int], money: Any) -> list[tuple[str, str]]:
    return [
        (
            "deposit cap",
            f"{money(limits['deposit_cap_assets'])}, {_percent(limits['deposit_cap_used_ppm'])} "
            "used",
        ),
        (
            "on the venue",
            f"{_percent(limits['venue_used_ppm'])} of NAV, at most "
            f"{limits['venue_cap_bps'] / 100:g} %",
        ),
        (
            "on the chain",
            f"{_percent(limits['on_chain_ppm'])} of NAV, at least "
            f"{limits['min_on_chain_bps'] / 100:g} %",
        ),
    ]


def _loss_rows(losses: dict[str, int | None]) -> list[tuple[str, str]]:
    left = (
        f"{_percent(losses['day_left_ppm'])} of NAV today, "
        f"{_percent(losses['month_left_ppm'])} this month"
    )
    if losses["spent_until"] is not None:
        left += f"; no new risk before {clock_time(losses['spent_until'])}"
    rows = [("keeper may still lose", left)]
    if losses["paused_until"] is not None:
        text = f"new deposits and new risk, until {clock_time(losses['paused_until'])}"
        rows.append(("paused by the guardian", text))
    return rows


def _stake_rows(stake: dict[str, Any], money: Any, shares: Any) -> list[tuple[str, str]]:
    text = f"{money(stake['worth_assets'])}, {_percent(stake['nav_share_ppm'])} of NAV"
    if stake["least_bps"]:
        text += (
            f", at least {stake['least_bps'] / 100:g} %: deposits are filled up to "
            f"{money(stake['bounds_nav_assets'])} of NAV"
        )
    rows = [("keeper's own stake", text)]
    if stake["leaving_shares"]:
        left = f"{shares(stake['leaving_shares'])} from {clock_time(stake['leaves_at'])}"
        rows.append(("  leaving", left))
    return rows


def _role_rows(roles: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("keeper (trades)", roles["keeper"]),
        ("guardian (reduces risk)", roles["guardian"]),
        ("owner", roles["owner"]),
        ("treasurer (venue account)", roles["treasurer_venue_account"] or "not named here"),
        ("reporters", f"{roles['quorum']} of {len(roles['reporters'])} sign each report"),
        *(("", address) for address in roles["reporters"]),
    ]
