"""`keeper vault`: what a depositor, or anyone, does with a vault; terms come before signing."""

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
from keeper.cli.output import emit
from keeper.cli.vault.claims import cancel_plan, claim_plan, cut_plan, operator_plan
from keeper.cli.vault.fees import last_fee
from keeper.cli.vault.past import (
    Past,
    explain_returns,
    past_options,
    print_history,
    read_past,
    returns_of,
    settlements_of,
)
from keeper.cli.vault.plans import deposit_plan, redeem_plan
from keeper.cli.vault.requests import print_requests, read_requests
from keeper.cli.vault.show import overview_data, print_overview
from keeper.cli.vault.stake import stake
from keeper.cli.vault.wind_down import wind_down

if TYPE_CHECKING:
    from keeper.wallet import Wallet

__all__ = ["vault"]

PREVIEW = click.option(
    "--preview", is_flag=True, help="Show what it would get and when; needs no key, sends nothing."
)


@click.group()
def vault() -> None:
    """Deposit, redeem, claim, and see the vault."""


@vault.command()
@click.option("--explain", is_flag=True, help="Show the formula of each return and its inputs.")
@past_options
@reach_options
@json_option
def show(explain: bool, past: Past, reach: Reach, as_json: bool) -> None:
    """Show NAV and who holds it, price, returns, queues, limits and roles."""
    place = place_of(reach)

    async def work(wallet: "Wallet") -> dict[str, Any]:
        overview = await wallet.overview()
        history = await read_past(wallet, past, reach, overview.views.reporter)
        returns = returns_of(overview, history)
        data = overview_data(overview, wallet.chain_id, returns, place.venue_account)
        return {**data, "last_fee": last_fee(overview, history)}

    data = with_wallet(place, None, work)

    def human() -> None:
        print_overview(data)
        if explain:
            explain_returns(data["returns"])

    emit(as_json, data, human)


@vault.command()
@past_options
@reach_options
@json_option
def history(past: Past, reach: Reach, as_json: bool) -> None:
    """List every settlement: price, NAV, flows and profit by cause, from events."""

    async def work(wallet: "Wallet") -> Any:
        overview = await wallet.overview()
        found = await read_past(wallet, past, reach, overview.views.reporter)
        return overview, settlements_of(overview, found), returns_of(overview, found)

    overview, rows, returns = with_wallet(place_of(reach), None, work)
    data = {
        "vault": overview.vault,
        "asset_symbol": overview.token.symbol,
        "asset_decimals": overview.token.decimals,
        "share_decimals": overview.token.share_decimals,
        "virtual_shares": overview.views.virtual,
        "settlements": rows,
        "returns": returns,
    }
    emit(as_json, data, lambda: print_history(overview, rows))


@vault.command()
@click.argument("address")
@past_options
@reach_options
@json_option
def requests(address: str, past: Past, reach: Reach, as_json: bool) -> None:
    """Show what an account has waiting, at settlement, claimable and claimed, both directions."""
    controller = address_of(address)

    async def work(wallet: "Wallet") -> dict[str, Any]:
        (reporter,) = await wallet.vault_views(("reporter",))
        found = await read_past(wallet, past, reach, reporter)
        return await read_requests(wallet, controller, found.movements)

    data = with_wallet(place_of(reach), None, work)
    emit(as_json, data, lambda: print_requests(data))


@vault.command()
@click.argument("amount")
@click.option("--approve", is_flag=True, help="Send the token approval first if it is missing.")
@PREVIEW
@write_options
def deposit(amount: str, approve: bool, preview: bool, write: Write) -> None:
    """Request a deposit of AMOUNT of the asset.

    It is priced at the next cut and its report, then claimed: keeper vault claim.
    """
    may_approve = approve or not write.signing.sends
    carry_out(
        write,
        lambda wallet: deposit_plan(
            wallet, write.signing, amount, may_approve=may_approve, preview=preview
        ),
        preview=preview,
    )


@vault.command()
@click.argument("shares")
@PREVIEW
@write_options
def redeem(shares: str, preview: bool, write: Write) -> None:
    """Request the redemption of SHARES (a decimal, or "all").

    It is priced at the next cut and its report, paid as far as there is idle money, then claimed.
    """
    carry_out(
        write,
        lambda wallet: redeem_plan(wallet, write.signing, shares, preview=preview),
        preview=preview,
    )


@vault.command()
@click.option(
    "--for",
    "controller",
    metavar="ADDRESS",
    help="Claim for an account that named you its operator; it is paid, not you.",
)
@write_options
def claim(controller: str | None, write: Write) -> None:
    """Claim everything settled: shares of deposits and assets of redemptions."""
    owner = None if controller is None else address_of(controller)
    carry_out(write, lambda wallet: claim_plan(wallet, write.signing, owner))


@vault.command()
@click.argument("side", type=click.Choice(["deposit", "redeem"]))
@write_options
def cancel(side: str, write: Write) -> None:
    """Cancel what still waits of a request and claim it: assets or shares come back at once."""
    carry_out(write, lambda wallet: cancel_plan(wallet, write.signing, side))


@vault.command()
@write_options
def cut(write: Write) -> None:
    """Cut the epoch: anyone may, once it is due; a report then settles it."""
    carry_out(write, lambda wallet: cut_plan(wallet, write.signing))


@vault.command()
@click.argument("address")
@click.option("--remove", is_flag=True, help="Dismiss it instead.")
@write_options
def operator(address: str, remove: bool, write: Write) -> None:
    """Name an operator: it may request, cancel and claim for you, and choose who is paid."""
    who = address_of(address)
    carry_out(
        write,
        lambda wallet: operator_plan(wallet, write.signing, who, approved=not remove),
    )


vault.add_command(stake)
vault.add_command(wind_down)
