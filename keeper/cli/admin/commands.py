"""`keeper admin`: what guardian and owner of a vault do, at once or through its timelock."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from keeper.cli.access import (
    Reach,
    Signing,
    address_of,
    decorated,
    place_of,
    reach_options,
    with_wallet,
)
from keeper.cli.acting import Plan, Write, carry_out, write_options
from keeper.cli.admin.offices import NOBODY, Offices, admin_data, print_admin, read_offices
from keeper.cli.admin.plans import (
    Change,
    LimitsGiven,
    cancel_plan,
    delay_change,
    end_plan,
    execute_plan,
    find_operation,
    limits_change,
    object_plan,
    pause_plan,
    propose_plan,
    remove_reporter_plan,
    reporters_change,
    role_change,
    tighten_plan,
    unpause_plan,
    veto_plan,
)
from keeper.cli.options import json_option
from keeper.cli.output import emit
from keeper.cli.vault.past import Past, past_options

if TYPE_CHECKING:
    from keeper.chain.timelock import Operation
    from keeper.wallet import Wallet

__all__ = ["admin"]


@dataclass(frozen=True, slots=True)
class Act:
    """An on-chain write of an office, or only its preview."""

    write: Write
    preview: bool


def act_options(function: Any) -> Any:
    """Add the options of an on-chain write and --preview; they arrive as `act`."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        act = Act(kwargs.pop("write"), kwargs.pop("preview"))
        return function(*args, act=act, **kwargs)

    preview = click.option(
        "--preview", is_flag=True, help="Show what would change; needs no key, sends nothing."
    )
    return decorated(wrapper, function, [write_options, preview])


def limits_options(function: Any) -> Any:
    """Add one option per limit; they arrive as `limits`."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        names = ("deposit_cap", "venue_cap_bps", "min_on_chain_bps", "fee_bps", "min_stake_bps")
        return function(*args, limits=LimitsGiven(*(kwargs.pop(n) for n in names)), **kwargs)

    bps = click.IntRange(0, 10_000)
    options = [
        click.option("--deposit-cap", metavar="AMOUNT", help="Most NAV with deposits, a decimal."),
        click.option("--venue-cap-bps", type=bps, help="Most of NAV on order books."),
        click.option("--min-on-chain-bps", type=bps, help="Least of NAV on the chain."),
        click.option("--fee-bps", type=bps, help="Fee on gains above the mark."),
        click.option("--min-stake-bps", type=bps, help="Least of NAV that is the keeper's stake."),
    ]
    return decorated(wrapper, function, options)


def _carry_out(act: Act, plan: "Callable[[Wallet, Signing], Awaitable[Plan]]") -> None:
    signing = act.write.signing
    carry_out(act.write, lambda wallet: plan(wallet, signing), preview=act.preview)


@click.group()
def admin() -> None:
    """Act as guardian or owner of a vault: at once, or through its timelock."""


@admin.command()
@past_options
@reach_options
@json_option
def show(past: Past, reach: Reach, as_json: bool) -> None:
    """Show roles, limits, pause, and what waits in the timelock."""

    async def work(wallet: "Wallet") -> dict[str, Any]:
        offices, pending = await _read(wallet, past, reach)
        return admin_data(offices, pending, wallet.chain_id)

    data = with_wallet(place_of(reach), None, work)
    emit(as_json, data, lambda: print_admin(data))


async def _read(
    wallet: "Wallet", past: Past, reach: Reach
) -> "tuple[Offices, tuple[Operation, ...]]":
    offices = await read_offices(wallet)
    if offices.delay is None:
        return offices, ()
    first = past.first_block(reach, wallet.chain_id, wallet.vault)
    return offices, await wallet.pending(offices.owner, first, offices.block)


# The guardian


@admin.command()
@click.argument("duration")
@act_options
def pause(duration: str, act: Act) -> None:
    """Guardian: pause new deposits and new risk for DURATION (12h, 3d), at most 7 days."""
    _carry_out(act, lambda wallet, signing: pause_plan(wallet, signing, duration))


@admin.command()
@act_options
def unpause(act: Act) -> None:
    """Guardian: end the pause now."""
    _carry_out(act, unpause_plan)


@admin.command()
@limits_options
@act_options
def tighten(limits: LimitsGiven, act: Act) -> None:
    """Guardian: tighten limits at once; what is not named stays."""
    _carry_out(act, lambda wallet, signing: tighten_plan(wallet, signing, limits))


@admin.command("object")
@act_options
def object_(act: Act) -> None:
    """Guardian or reporter: send the open cut back; nothing settles for a day."""
    _carry_out(act, object_plan)


@admin.command()
@act_options
def veto(act: Act) -> None:
    """Guardian or reporter: send a waiting gain back; it waits 3 days anew."""
    _carry_out(act, veto_plan)


@admin.command("remove-reporter")
@click.argument("reporter")
@act_options
def remove_reporter(reporter: str, act: Act) -> None:
    """Guardian: remove REPORTER at once; with too few left nothing settles."""
    account = address_of(reporter)
    _carry_out(act, lambda wallet, signing: remove_reporter_plan(wallet, signing, account))


@admin.command()
@act_options
def end(act: Act) -> None:
    """Guardian: end the vault for ever; everybody is paid in kind."""
    _carry_out(act, end_plan)


# The owner


@admin.group()
def propose() -> None:
    """Owner: announce a change; it can be executed after the timelock's delay."""


def _propose(act: Act, change: Callable[[Offices], Change]) -> None:
    async def plan(wallet: "Wallet", signing: Signing) -> Plan:
        offices = await read_offices(wallet)
        return await propose_plan(wallet, signing, offices, change(offices))

    _carry_out(act, plan)


@propose.command("set-keeper")
@click.argument("account")
@act_options
def set_keeper(account: str, act: Act) -> None:
    """Announce another keeper."""
    new = address_of(account)
    _propose(act, lambda offices: role_change(offices, "keeper", new))


@propose.command("set-guardian")
@click.argument("account")
@act_options
def set_guardian(account: str, act: Act) -> None:
    """Announce another guardian."""
    new = address_of(account)
    _propose(act, lambda offices: role_change(offices, "guardian", new))


@propose.command("set-fee-recipient")
@click.argument("account")
@act_options
def set_fee_recipient(account: str, act: Act) -> None:
    """Announce another account that later fees go to."""
    new = address_of(account)
    _propose(act, lambda offices: role_change(offices, "fee-recipient", new))


@propose.command("set-deposit-gate")
@click.argument("contract")
@act_options
def set_deposit_gate(contract: str, act: Act) -> None:
    """Announce a contract that is asked about new deposits; "none" opens them to everybody."""
    new = NOBODY if contract.strip().lower() == "none" else address_of(contract)
    _propose(act, lambda offices: role_change(offices, "deposit-gate", new))


@propose.command("set-limits")
@limits_options
@act_options
def set_limits(limits: LimitsGiven, act: Act) -> None:
    """Announce other limits, in either direction; what is not named stays as it is now."""
    _propose(act, lambda offices: limits_change(offices, limits))


@propose.command("set-reporters")
@click.argument("reporters", nargs=-1, required=True)
@click.option("--quorum", type=click.IntRange(min=2), required=True, help="How many must sign.")
@act_options
def set_reporters(reporters: Sequence[str], quorum: int, act: Act) -> None:
    """Announce the whole new set of REPORTERS."""
    new = [address_of(reporter) for reporter in reporters]
    _propose(act, lambda offices: reporters_change(offices, new, quorum))


@propose.command("set-delay")
@click.argument("duration")
@act_options
def set_delay(duration: str, act: Act) -> None:
    """Announce another delay of the timelock, at least 7 days."""
    _propose(act, lambda offices: delay_change(offices, duration))


def _of_operation(
    act: Act,
    past: Past,
    text: str,
    plan: "Callable[[Wallet, Signing, Operation], Awaitable[Plan]]",
) -> None:
    async def found(wallet: "Wallet", signing: Signing) -> Plan:
        _, pending = await _read(wallet, past, act.write.reach)
        return await plan(wallet, signing, find_operation(pending, text))

    _carry_out(act, found)


@admin.command()
@click.argument("operation")
@past_options
@act_options
def execute(operation: str, past: Past, act: Act) -> None:
    """Anyone: carry out what was announced and is ready; OPERATION may be shortened."""
    _of_operation(act, past, operation, execute_plan)


@admin.command()
@click.argument("operation")
@past_options
@act_options
def cancel(operation: str, past: Past, act: Act) -> None:
    """Owner's multisig or guardian: send back what was announced."""
    _of_operation(act, past, operation, cancel_plan)
