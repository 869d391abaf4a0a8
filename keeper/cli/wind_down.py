"""`keeper vault wind-down`: end a vault that failed its depositors, and take one's part of it."""

from typing import TYPE_CHECKING, Any

import click

from keeper.cli.access import (
    Reach,
    Signing,
    address_of,
    place_of,
    reach_options,
    signing_options,
    with_wallet,
)
from keeper.cli.acting import carry_out
from keeper.cli.options import json_option
from keeper.cli.output import emit, print_table
from keeper.cli.wind_down_plans import (
    claim_part_plan,
    collect_plan,
    exit_plan,
    read_status,
    start_plan,
    status_rows,
    unwind_plan,
)

if TYPE_CHECKING:
    from keeper.wallet import Wallet

__all__ = ["wind_down"]


@click.group("wind-down")
def wind_down() -> None:
    """End a vault that failed its depositors; everybody gets a part of every token."""


@wind_down.command()
@click.option("--for", "account", metavar="ADDRESS", help="Show what this account has in it.")
@reach_options
@json_option
def status(account: str | None, reach: Reach, as_json: bool) -> None:
    """Show whether it started, when it may, what came home and what is claimable."""
    who = None if account is None else address_of(account)

    async def work(wallet: "Wallet") -> dict[str, Any]:
        return await read_status(wallet, who)

    data = with_wallet(place_of(reach), None, work)
    emit(as_json, data, lambda: print_table(status_rows(data)))


@wind_down.command()
@click.option("--epoch", type=click.IntRange(min=1), help="Because this cut is unpaid for a week.")
@click.option("--impaired", is_flag=True, help="By the guardian, at any time.")
@reach_options
@signing_options
@json_option
def start(epoch: int | None, impaired: bool, reach: Reach, signing: Signing, as_json: bool) -> None:
    """End the vault for ever: anyone may, once nothing settled for a week."""
    carry_out(
        (reach, signing, as_json),
        lambda wallet: start_plan(wallet, signing, epoch, impaired=impaired),
    )


@wind_down.command()
@click.argument("adapter", required=False)
@reach_options
@signing_options
@json_option
def unwind(adapter: str | None, reach: Reach, signing: Signing, as_json: bool) -> None:
    """Leave all positions, or those of ADAPTER, without a trade: anyone may."""
    chosen = None if adapter is None else address_of(adapter)
    carry_out((reach, signing, as_json), lambda wallet: unwind_plan(wallet, signing, chosen))


@wind_down.command()
@reach_options
@signing_options
@json_option
def collect(reach: Reach, signing: Signing, as_json: bool) -> None:
    """Bring home what lies in adapters and vault: anyone may, again for what comes later."""
    carry_out((reach, signing, as_json), lambda wallet: collect_plan(wallet, signing))


@wind_down.command("exit")
@click.argument("shares")
@reach_options
@signing_options
@json_option
def exit_(shares: str, reach: Reach, signing: Signing, as_json: bool) -> None:
    """Give SHARES back (a decimal, or "all") for a part of everything recovered."""
    carry_out((reach, signing, as_json), lambda wallet: exit_plan(wallet, signing, shares))


@wind_down.command()
@reach_options
@signing_options
@json_option
def claim(reach: Reach, signing: Signing, as_json: bool) -> None:
    """Claim every token that is due; again when more came home."""
    carry_out((reach, signing, as_json), lambda wallet: claim_part_plan(wallet, signing))
