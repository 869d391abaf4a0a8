"""`keeper venue`: the hot key's permissions, and what the venue does against what is assumed."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from keeper.cli.exits import ExitCode
from keeper.cli.failures import ArgumentInvalid
from keeper.cli.options import collector_paused, config_options, json_option, load
from keeper.cli.output import emit, print_table

if TYPE_CHECKING:
    from keeper.bootstrap.venue_keys import Authorised
    from keeper.venues.dydx.proving import Proof

__all__ = ["venue"]

CANNOT: Final = (
    "withdraw, transfer or send collateral",
    "trade another subaccount or another market",
    "add or remove authenticators",
)
UNLIMITED: Final = "size, price, order lifetime and leverage: the keeper's own limits bound those"
WAIT: Final = click.option(
    "--wait",
    "wait_seconds",
    type=click.IntRange(min=1),
    default=60,
    show_default=True,
    help="Longest time for the transaction to land, in seconds.",
)


@click.group()
def venue() -> None:
    """Permit the hot key, and probe the venue."""


@venue.command()
@config_options
@click.option(
    "--public-key",
    "public_key",
    metavar="HEX",
    help="The hot key's public key (33 bytes), where the hot key itself is on another machine.",
)
@WAIT
@json_option
def authorise(
    file: Path,
    overrides: tuple[str, ...],
    public_key: str | None,
    wait_seconds: int,
    as_json: bool,
) -> int:
    """Register the hot key with the owner's: it trades the configured markets and nothing else.

    Reads [keys.treasurer_venue] for the owner's key and [keys.venue] for the hot one, says what
    the hot key can and cannot do, and tries both on the chain. Safe to repeat. Exit code 15 when
    an attempt did not come out as it should.
    """
    loaded = load(file, overrides)
    with collector_paused():
        from keeper.bootstrap.venue_keys import authorise_hot_key

    key = None if public_key is None else _public_key(public_key)
    found = asyncio.run(authorise_hot_key(loaded, os.environ, key, wait_seconds))
    data = _authorised(found)
    emit(as_json, data, lambda: _print_authorised(data))
    return int(ExitCode.OK if data["proven"] is not False else ExitCode.UNHEALTHY)


@venue.command()
@config_options
@json_option
def prove(file: Path, overrides: tuple[str, ...], as_json: bool) -> int:
    """Try on the chain what the configured hot key may do, and what it may not.

    Each attempt is harmless if it is let through: orders that nobody fills, one unit moved between
    the account's own places. Exit code 15 when one did not come out as it should.
    """
    loaded = load(file, overrides)
    with collector_paused():
        from keeper.bootstrap.venue_keys import prove_hot_key

    rows = [_proof(proof) for proof in asyncio.run(prove_hot_key(loaded, os.environ))]
    data = {"proven": all(row["holds"] for row in rows), "proofs": rows}
    emit(as_json, data, lambda: _print_proofs(rows))
    return int(ExitCode.OK if data["proven"] else ExitCode.UNHEALTHY)


@venue.command()
@config_options
@click.option("--real-money", is_flag=True, help="Probe a chain of real money all the same.")
@json_option
def probe(file: Path, overrides: tuple[str, ...], real_money: bool, as_json: bool) -> int:
    """Try what the keeper assumes of the venue: window, codes, replacement, cancels, expiry.

    Sends post-only buys of one step at one tick with the hot key, and cancels them; takes half a
    minute. Exit code 15 when the venue does something else than assumed.
    """
    loaded = load(file, overrides)
    with collector_paused():
        from keeper.bootstrap.venue_keys import probe_venue

    found = asyncio.run(probe_venue(loaded, os.environ, real_money=real_money))
    rows = [
        {
            "assumption": row.assumption,
            "expected": row.expected,
            "observed": row.observed,
            "holds": row.holds,
        }
        for row in found
    ]
    data = {
        "ok": all(row["holds"] for row in rows),
        "network": loaded.config.venue.chain_id,
        "findings": rows,
    }
    emit(as_json, data, lambda: _print_findings(rows))
    return int(ExitCode.OK if data["ok"] else ExitCode.UNHEALTHY)


@venue.command()
@click.argument("authenticator", type=click.IntRange(min=0))
@config_options
@WAIT
@json_option
def revoke(
    authenticator: int, file: Path, overrides: tuple[str, ...], wait_seconds: int, as_json: bool
) -> None:
    """Remove an authenticator with the owner's key: its key trades no more."""
    loaded = load(file, overrides)
    with collector_paused():
        from keeper.bootstrap.venue_keys import revoke_hot_key

    digest = asyncio.run(revoke_hot_key(loaded, os.environ, authenticator, wait_seconds))
    data = {"authenticator_id": authenticator, "tx_hash": digest}
    emit(as_json, data, lambda: click.echo(f"authenticator {authenticator} is gone ({digest})"))


def _public_key(text: str) -> bytes:
    digits = text.removeprefix("0x")
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        key = b""
    if len(key) != 33 or key[0] not in (2, 3):
        raise ArgumentInvalid(
            f"{text!r} is not a compressed public key",
            next_step="copy it from: keeper keys list --json",
        )
    return key


def _authorised(found: "Authorised") -> dict[str, Any]:
    proofs = None if found.proofs is None else [_proof(proof) for proof in found.proofs]
    return {
        "authenticator_id": found.registered.authenticator_id,
        "tx_hash": found.registered.tx_hash,
        "public_key": found.grant.public_key.hex(),
        "can": [
            "place, cancel and batch-cancel orders",
            f"with subaccount {found.grant.subaccount}",
            f"in {', '.join(found.tickers)}",
        ],
        "cannot": list(CANNOT),
        "unlimited": UNLIMITED,
        "proven": None if proofs is None else all(proof["holds"] for proof in proofs),
        "proofs": proofs,
    }


def _proof(proof: "Proof") -> dict[str, Any]:
    return {
        "tried": proof.tried,
        "expected": proof.expected,
        "observed": proof.observed,
        "holds": proof.holds,
    }


def _print_authorised(data: dict[str, Any]) -> None:
    number = data["authenticator_id"]
    how = f"registered by {data['tx_hash']}" if data["tx_hash"] else "there already"
    click.echo(f"authenticator {number} of key {data['public_key']}: {how}")
    click.echo(f"can:       {', '.join(data['can'])}")
    click.echo(f"cannot:    {'; '.join(data['cannot'])}")
    click.echo(f"unlimited: {data['unlimited']}")
    if data["proofs"] is None:
        click.echo("not tried: run keeper venue prove where the hot key is")
    else:
        _print_proofs(data["proofs"])
    click.echo(f"\nin the keeper's configuration: [venue] authenticator_ids = [{number}]")


def _print_findings(rows: list[dict[str, Any]]) -> None:
    head = ("", "assumption", "expected", "observed")
    names = ("assumption", "expected", "observed")
    print_table(
        [("ok" if row["holds"] else "FAIL", *(row[name] for name in names)) for row in rows],
        head=head,
    )


def _print_proofs(rows: list[dict[str, Any]]) -> None:
    head = ("", "tried", "expected", "observed")
    print_table(
        [
            ("ok" if row["holds"] else "FAIL", row["tried"], row["expected"], row["observed"])
            for row in rows
        ],
        head=head,
    )
