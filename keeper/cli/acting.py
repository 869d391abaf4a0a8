"""What becomes of a planned operation: shown, laid out unsigned, written for a Safe, or sent."""

import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keeper.cli.access import (
    Reach,
    Signing,
    address_of,
    decorated,
    reach_options,
    signing_options,
    with_wallet,
)
from keeper.cli.exits import code_of
from keeper.cli.failures import ArgumentInvalid
from keeper.cli.options import json_option
from keeper.cli.output import emit, note, print_table
from keeper.domain.errors import AthanorError

if TYPE_CHECKING:
    from keeper.chain.calls import Call
    from keeper.cli.bond.reach import BondWrite
    from keeper.wallet import Wallet

__all__ = [
    "Plan",
    "Step",
    "Write",
    "act",
    "acting",
    "acting_if_any",
    "carry_out",
    "finish",
    "laid_out",
    "obstacle",
    "possible",
    "write_options",
    "write_options_at",
    "write_safe_file",
]

F = TypeVar("F", bound=Callable[..., Any])
NOBODY = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction of an operation, and what it does in words."""

    what: str
    call: "Call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What somebody asked for: who acts, the transactions in order, the terms, and how they read.

    `probe` is tried where a node cannot try the steps in order. `obstacles` are reasons why it
    cannot be done now, which only a preview survives. `about` names the contracts it is about in
    place of the vault. With `confirmed` it is never sent without a yes.
    """

    title: str
    account: str
    steps: Sequence[Step]
    terms: dict[str, Any] = field(default_factory=dict)
    panel: Sequence[tuple[str, str]] = ()
    probe: "Call | None" = None
    obstacles: Sequence[dict[str, str]] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    confirmed: bool = False


def acting(wallet: "Wallet", signing: Signing) -> str:
    """Return who acts: the key's account, or --from when nothing is signed.

    Raises ArgumentInvalid.
    """
    if wallet.address:
        if signing.sender is not None and address_of(signing.sender) != wallet.address:
            raise ArgumentInvalid(
                f"--from is {signing.sender}, the key is of {wallet.address}",
                next_step="drop --from, or use the other key",
            )
        return wallet.address
    if signing.sender is None:
        raise ArgumentInvalid("who acts? no key signs here", next_step="add --from ADDRESS")
    return address_of(signing.sender)


def acting_if_any(wallet: "Wallet", signing: Signing, *, preview: bool) -> str:
    """Return who acts as `acting` does; empty for nobody, whom a preview needs not."""
    if preview and not wallet.address and signing.sender is None:
        return ""
    return acting(wallet, signing)


async def possible(
    steps: Callable[[], Awaitable[list[Step]]], preview: bool
) -> tuple[list[dict[str, Any]], list[Step]]:
    """Work the steps out; in a preview what stands in the way is shown instead of raised."""
    try:
        return [], await steps()
    except AthanorError as error:
        if not preview:
            raise
        return [obstacle(error)], []


def obstacle(error: AthanorError) -> dict[str, str]:
    """Turn a refusal into what a preview shows."""
    return {"code": code_of(error), "message": str(error), "next_step": error.next_step}


async def act(
    wallet: "Wallet", signing: Signing, plan: Plan, *, preview: bool = False, as_json: bool
) -> dict[str, Any]:
    """Carry a plan out as far as asked; everything is rehearsed before anything is signed.

    Raises TransactionRefused, TransactionPending, FundsMissing, ChainUnavailable, click.Abort.
    """
    base = {
        "account": plan.account,
        **(plan.about or {"vault": wallet.vault}),
        "chain_id": wallet.chain_id,
        "terms": plan.terms,
        "panel": [list(row) for row in plan.panel],
    }
    if preview:
        steps = [step.what for step in plan.steps]
        return {**base, "sent": False, "steps": steps, "obstacles": list(plan.obstacles)}
    if plan.confirmed and signing.sends:
        _require_answerable(yes=signing.yes, as_json=as_json)
    calls = [step.call for step in plan.steps]
    await wallet.rehearse(plan.account or NOBODY, calls, plan.probe)
    if signing.safe is not None:
        batch = write_safe_file(signing.safe, plan, wallet.chain_id)
        written = {"safe_file": str(signing.safe), "checksum": batch["meta"]["checksum"]}
        return {**base, "sent": False, **written, "transactions": laid_out(plan.steps)}
    if signing.unsigned:
        return {**base, "sent": False, "transactions": laid_out(plan.steps)}
    _ask(plan, asks=not signing.yes and not as_json)
    return {**base, "sent": True, "receipts": await _send(wallet, plan.steps)}


def laid_out(steps: Iterable[Step]) -> list[dict[str, str]]:
    """Write transactions as to, data and value."""
    from keeper.chain.operations import operation_of

    operations = [(step.what, operation_of(step.call)) for step in steps]
    return [
        {"what": what, "to": operation.to, "data": operation.data, "value": "0"}
        for what, operation in operations
    ]


def write_safe_file(file: Path, plan: Plan, chain_id: int) -> dict[str, Any]:
    """Write a plan as a Safe Transaction Builder file and return it. Raises ArgumentInvalid."""
    from keeper.chain.safe_batch import BatchMeta, safe_batch

    if not plan.account:
        raise ArgumentInvalid("which Safe signs?", next_step="add --from SAFE_ADDRESS")
    meta = BatchMeta(
        chain_id=chain_id,
        safe=plan.account,
        name=plan.title,
        description="; ".join(step.what for step in plan.steps),
        created_at_ms=time.time_ns() // 10**6,
    )
    batch = safe_batch(meta, [step.call for step in plan.steps])
    try:
        file.write_text(json.dumps(batch, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ArgumentInvalid(
            f"{file} cannot be written: {error.strerror}", next_step="name another file"
        ) from error
    return batch


def _require_answerable(*, yes: bool, as_json: bool) -> None:
    if not yes and (as_json or not sys.stdin.isatty()):
        raise ArgumentInvalid(
            "nothing is sent unasked, and here nobody can be asked",
            next_step="read --preview, then add --yes",
        )


def _ask(plan: Plan, *, asks: bool) -> None:
    """Show the terms, and on a terminal ask. Raises click.Abort."""
    for line in _aligned([("account", plan.account), *plan.panel]):
        note(line)
    if asks and sys.stdin.isatty():
        count = len(plan.steps)
        transactions = "1 transaction" if count == 1 else f"{count} transactions"
        if not click.confirm(f"{plan.title}: send {transactions}?", err=True):
            note("nothing was sent")
            raise click.Abort


def _aligned(rows: Iterable[tuple[str, str]]) -> list[str]:
    listed = list(rows)
    width = max(len(label) for label, _ in listed)
    return [f"{label.ljust(width)}  {value}".rstrip() for label, value in listed]


async def _send(wallet: "Wallet", steps: Sequence[Step]) -> list[dict[str, Any]]:
    from keeper.chain.operations import operation_of

    receipts = []
    for number, step in enumerate(steps, 1):
        note(f"{number}/{len(steps)} {step.what} ...")
        receipt = await wallet.send(operation_of(step.call))
        receipts.append(
            {
                "what": step.what,
                "tx_hash": receipt.tx_hash,
                "block": receipt.block_number,
                "gas_used": receipt.gas_used,
                "gas_price_wei": receipt.gas_price_wei,
            }
        )
    return receipts


def finish(as_json: bool, data: dict[str, Any]) -> None:
    """Print what `act` returned; the panel is only for people."""
    panel = data.pop("panel")
    emit(as_json, data, lambda: _print(data, panel))


def _print(data: dict[str, Any], panel: list[list[str]]) -> None:
    if not data["sent"]:
        print_table([("account", data["account"] or "anyone"), *panel])
    for step in data.get("steps", ()):
        click.echo(f"would {step}")
    for found in data.get("obstacles", ()):
        click.echo(f"not now: {found['message']}\n  next:  {found['next_step']}")
    if "safe_file" in data:
        click.echo(f"\nwrote {data['safe_file']}: drop it on the Safe's Transaction Builder")
        click.echo(f"checksum {data['checksum']}")
    for transaction in data.get("transactions", ()):
        click.echo(f"\n# {transaction['what']}")
        for name in ("to", "data", "value"):
            click.echo(f"{name}: {transaction[name]}")
    for receipt in data.get("receipts", ()):
        click.echo(f"{receipt['what']}: {receipt['tx_hash']} in block {receipt['block']:,}")
    if data["sent"] and data["account"]:
        owner = data["terms"].get("controller", data["account"])
        click.echo(f"next: {data['terms'].get('next', f'keeper vault requests {owner}')}")


@dataclass(frozen=True, slots=True)
class Write:
    """How an on-chain write reaches its vault, who signs it, and whether it answers in JSON."""

    reach: Reach
    signing: Signing
    as_json: bool


def write_options(function: F) -> F:
    """Add the options of every on-chain write to a vault; they arrive as `write`."""
    return write_options_at(reach_options, Write)(function)


def write_options_at(reach: Callable[[Any], Any], kind: Callable[..., Any]) -> Callable[[F], F]:
    """Make a decorator that adds the options of an on-chain write, with those that say where.

    They arrive as `write`, a `kind` of reach, signing and as_json.
    """

    def decorator(function: F) -> F:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            given = kind(**{name: kwargs.pop(name) for name in ("reach", "signing", "as_json")})
            return function(*args, write=given, **kwargs)

        return decorated(wrapper, function, [reach, signing_options, json_option])

    return decorator


def carry_out(
    given: "Write | BondWrite",
    plan: "Callable[[Wallet], Awaitable[Plan]]",
    *,
    preview: bool = False,
) -> None:
    """Plan, act as asked, print. A preview takes no key unless one is there and --from is not."""
    signing, as_json = given.signing, given.as_json
    keyless = preview and (signing.sender is not None or not signing.has_key())

    async def work(wallet: "Wallet") -> dict[str, Any]:
        found = await plan(wallet)
        return await act(wallet, signing, found, preview=preview, as_json=as_json)

    finish(as_json, with_wallet(given.reach.place(), None if keyless else signing, work))
