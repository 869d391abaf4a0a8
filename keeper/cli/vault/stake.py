"""`keeper vault stake`: shares that a keeper locks beside its depositors, and their penalty."""

from typing import TYPE_CHECKING, Any

import click

from keeper.cli.access import Reach, address_of, place_of, reach_options, with_wallet
from keeper.cli.acting import Write, carry_out, write_options
from keeper.cli.options import json_option
from keeper.cli.output import emit, print_table
from keeper.cli.vault.past import Past, past_options
from keeper.cli.vault.stake_plans import lock_plan, penalise_plan, request_plan, withdraw_plan
from keeper.cli.vault.stake_view import read_penalties, read_stake, stake_data, stake_rows

if TYPE_CHECKING:
    from keeper.wallet import Wallet

__all__ = ["stake"]

PREVIEW = click.option(
    "--preview", is_flag=True, help="Show what it would do; needs no key, sends nothing."
)


@click.group()
def stake() -> None:
    """Lock shares as the keeper's stake, take them back, and see what they bound."""


@stake.command()
@click.option(
    "--for", "account", metavar="ADDRESS", help="Whose shares.  [default: the vault's keeper]"
)
@past_options
@reach_options
@json_option
def show(account: str | None, past: Past, reach: Reach, as_json: bool) -> None:
    """Show what counts and what waits, the deposits it allows, penalties so far and the next."""
    who = None if account is None else address_of(account)

    async def work(wallet: "Wallet") -> dict[str, Any]:
        overview = await wallet.overview()
        found = await read_stake(wallet, overview, who or overview.views.keeper)
        burnt = await read_penalties(wallet, overview, past, reach)
        return stake_data(overview, found, burnt)

    data = with_wallet(place_of(reach), None, work)
    emit(as_json, data, lambda: print_table(stake_rows(data)))


@stake.command()
@click.argument("shares")
@click.option(
    "--for", "account", metavar="ADDRESS", help="Lock them for this account: they are its then."
)
@click.option("--approve", is_flag=True, help="Send the approval of these shares first.")
@PREVIEW
@write_options
def lock(shares: str, account: str | None, approve: bool, preview: bool, write: Write) -> None:
    """Lock SHARES (a decimal, or "all"): those of the vault's keeper bound deposits."""
    beneficiary = None if account is None else address_of(account)
    may_approve = approve or not write.signing.sends
    carry_out(
        write,
        lambda wallet: lock_plan(
            wallet, write.signing, (shares, beneficiary), may_approve=may_approve, preview=preview
        ),
        preview=preview,
    )


@stake.command("request-withdrawal")
@click.argument("shares")
@PREVIEW
@write_options
def request_withdrawal(shares: str, preview: bool, write: Write) -> None:
    """Let SHARES (a decimal, or "all") count no more; they may leave 7 days later."""
    carry_out(
        write,
        lambda wallet: request_plan(wallet, write.signing, shares, preview=preview),
        preview=preview,
    )


@stake.command()
@PREVIEW
@write_options
def withdraw(preview: bool, write: Write) -> None:
    """Take back what waited its 7 days; everything once the vault winds down."""
    carry_out(
        write,
        lambda wallet: withdraw_plan(wallet, write.signing, preview=preview),
        preview=preview,
    )


@stake.command()
@click.option(
    "--epoch",
    type=click.IntRange(min=1),
    help="Because this cut is unpaid.  [default: the oldest that is]",
)
@PREVIEW
@write_options
def penalise(epoch: int | None, preview: bool, write: Write) -> None:
    """Anyone: burn 2 % of the keeper's stake for a full day that a cut is unpaid past 3 days."""
    carry_out(
        write,
        lambda wallet: penalise_plan(wallet, write.signing, epoch, preview=preview),
        preview=preview,
    )
