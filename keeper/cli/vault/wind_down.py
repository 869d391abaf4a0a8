"""`keeper vault wind-down`: end a vault that failed its depositors, and take one's part of it."""

from typing import TYPE_CHECKING, Any

import click

from keeper.cli.access import (
    Reach,
    address_of,
    place_of,
    reach_options,
    with_wallet,
)
from keeper.cli.acting import Write, carry_out, write_options
from keeper.cli.options import json_option
from keeper.cli.output import emit, print_table
from keeper.cli.vault.wind_down_plans import (
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
@write_options
def start(epoch: int | None, impaired: bool, write: Write) -> None:
    """End the vault for ever: anyone may, once nothing settled for a week."""
    carry_out(
        write,
        lambda wallet: start_plan(wallet, write.signing, epoch, impaired=impaired),
    )


@wind_down.command()
@click.argument("adapter", required=False)
@write_options
def unwind(adapter: str | None, write: Write) -> None:
    """Leave all positions, or those of ADAPTER, without a trade: anyone may."""
    chosen = None if adapter is None else address_of(adapter)
    carry_out(write, lambda wallet: unwind_plan(wallet, write.signing, chosen))


@wind_down.command()
@write_options
def collect(write: Write) -> None:
    """Bring home what lies in adapters and vault: anyone may, again for what comes later."""
    carry_out(write, lambda wallet: collect_plan(wallet, write.signing))


@wind_down.command("exit")
@click.argument("shares")
@write_options
def exit_(shares: str, write: Write) -> None:
    """Give SHARES back (a decimal, or "all") for a part of everything recovered."""
    carry_out(write, lambda wallet: exit_plan(wallet, write.signing, shares))


@wind_down.command()
@write_options
def claim(write: Write) -> None:
    """Claim every token that is due; again when more came home."""
    carry_out(write, lambda wallet: claim_part_plan(wallet, write.signing))
