"""`keeper report`: what the reporters say about the open cut, and settling it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keeper.cli.access import Offline, address_of, offline_options
from keeper.cli.acting import Plan, Step, laid_out, write_safe_file
from keeper.cli.failures import QuorumMissed, ReportRefused
from keeper.cli.options import config_options, json_option, load
from keeper.cli.output import emit, print_table, units
from keeper.cli.report_answers import Patience, collect, read_proposal, refusals, why_not

if TYPE_CHECKING:
    from keeper.config import LoadedConfig
    from keeper.reporter.submit import Collected, Relayer

__all__ = ["report"]

T = TypeVar("T")
ASSET_DECIMALS = 6
PROPOSAL = click.option(
    "--report",
    "proposal",
    type=click.Path(path_type=Path),
    help="JSON file of a report to ask signatures for; without it each reporter says its own.",
)


@click.group()
def report() -> None:
    """Collect reporters' signatures and settle a cut."""


@report.command()
@PROPOSAL
@config_options
@json_option
def preview(proposal: Path | None, file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Ask every reporter about the open cut and show what settling it would do. Sends nothing."""

    async def work(relayer: "Relayer") -> dict[str, Any]:
        collected = await collect(relayer, read_proposal(proposal), Patience(0))
        if collected.report is None:
            raise QuorumMissed(
                f"no reporter signed: {refusals(collected)}",
                next_step="each answer names the number it disagrees with",
            )
        outcome = await relayer.preview(collected.report)
        return {**_summary(collected), "outcome": _plain(outcome)}

    data = _relay(load(file, overrides), work, may_send=False)
    emit(as_json, data, lambda: _print(data))


@report.command()
@PROPOSAL
@click.option(
    "--wait",
    "wait_seconds",
    type=click.IntRange(min=0),
    default=120,
    show_default=True,
    help="Longest time to ask again while reporters or their venue's indexer lag, in seconds.",
)
@offline_options
@config_options
@json_option
def post(
    proposal: Path | None,
    wait_seconds: int,
    offline: Offline,
    file: Path,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Collect a quorum of signatures, preview, and submit: the cut settles there, or is held."""
    loaded = load(file, overrides)

    async def work(relayer: "Relayer") -> dict[str, Any]:
        collected = await collect(relayer, read_proposal(proposal), Patience(wait_seconds))
        if not collected.complete:
            raise QuorumMissed(
                f"{len(collected.signatures)} of {collected.quorum} signatures: "
                f"{refusals(collected)}",
                next_step="each answer names the number it disagrees with",
            )
        if offline.wanted:
            return await _lay_out(relayer, loaded, collected, offline)
        return await _submit(relayer, collected)

    data = _relay(loaded, work, may_send=not offline.wanted)
    emit(as_json, data, lambda: _print(data))


report.add_command(post, name="submit")  # the contract's own word for the same thing


async def _submit(relayer: "Relayer", collected: "Collected") -> dict[str, Any]:
    submitted = await relayer.submit(collected)
    if isinstance(submitted, str):
        raise _refused(submitted)
    return {
        **_summary(collected),
        "outcome": _plain(submitted.outcome),
        "tx_hash": submitted.tx_hash,
    }


async def _lay_out(
    relayer: "Relayer", loaded: "LoadedConfig", collected: "Collected", offline: Offline
) -> dict[str, Any]:
    """Lay the submission out for somebody else to send; previewed like one that is sent."""
    from keeper.chain.report_calls import submission

    account = "" if offline.sender is None else address_of(offline.sender)
    if collected.report is None:
        raise QuorumMissed("nobody signed", next_step="see: keeper report preview")
    outcome = await relayer.preview(collected.report)
    if isinstance(outcome, str):
        raise _refused(outcome)
    reporter = loaded.config.vault.reporter
    step = Step("submit report", submission(reporter, collected.report, collected.signatures))
    title = f"Settle epoch {collected.report.epoch}"
    data = {**_summary(collected), "outcome": _plain(outcome), "transactions": laid_out([step])}
    if offline.safe is not None:
        plan = Plan(title=title, account=account, steps=[step])
        batch = write_safe_file(offline.safe, plan, loaded.config.evm.chain_id)
        data |= {"safe_file": str(offline.safe), "checksum": batch["meta"]["checksum"]}
    return data


def _refused(why: str) -> ReportRefused:
    return ReportRefused(
        f"the contract refuses the report: {why}",
        next_step="nothing was sent; see: keeper report preview",
    )


def _relay(
    loaded: "LoadedConfig", work: Callable[["Relayer"], Awaitable[T]], *, may_send: bool
) -> T:
    from keeper.bootstrap.relaying import open_relayer

    async def run() -> T:
        async with open_relayer(loaded, os.environ, may_send=may_send) as relayer:
            return await work(relayer)

    return asyncio.run(run())


def _plain(value: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(value)


def _summary(collected: "Collected") -> dict[str, Any]:
    from keeper.domain.reports import SignedReport

    return {
        "report": _plain(collected.report),
        "signatures": len(collected.signatures),
        "quorum": collected.quorum,
        "answers": [
            {
                "url": answer.url,
                "signed": isinstance(answer.said, SignedReport),
                "signer": answer.said.signer if isinstance(answer.said, SignedReport) else None,
                "refusal": why_not(answer),
            }
            for answer in collected.answers
        ],
    }


def _print(data: dict[str, Any]) -> None:
    from keeper.domain.reports import CAUSES

    body, outcome = data["report"], data["outcome"]
    rows = [
        ("epoch", str(body["epoch"])),
        ("signatures", f"{data['signatures']}, quorum {data['quorum']}"),
        *(
            (f"PnL {cause}", _money(value))
            for cause, value in zip(CAUSES, body["pnl"], strict=True)
        ),
        ("strangers' flow", _money(body["external_flow"])),
        *(
            (f"leg {n} equity", f"{_money(leg['equity'])} at height {leg['venue_height']:,}")
            for n, leg in enumerate(body["legs"])
        ),
        ("data root", body["data_root"]),
    ]
    if isinstance(outcome, str):
        rows.append(("the contract says", outcome))
    else:
        rows += [
            ("gross NAV", _money(outcome["gross"])),
            ("accepted NAV", _money(outcome["accepted"])),
            *_held(outcome["hold"]),
            *_fee(outcome),
            ("deposits filled", _money(outcome["deposit_assets"])),
            ("redemptions paid", _money(outcome["redeem_assets"])),
            ("NAV afterwards", _money(outcome["accepted_after"])),
        ]
    rows += [(answer["url"], answer["refusal"] or answer["signer"]) for answer in data["answers"]]
    if "tx_hash" in data:
        rows.append(("submitted in", data["tx_hash"]))
    print_table(rows)
    if "safe_file" in data:
        click.echo(f"\nwrote {data['safe_file']}: drop it on the Safe's Transaction Builder")
    for transaction in data.get("transactions", ()):
        click.echo(f"\n# {transaction['what']}")
        for name in ("to", "data", "value"):
            click.echo(f"{name}: {transaction[name]}")


def _held(hold: str) -> list[tuple[str, str]]:
    """Say why a report settles nothing; what it publishes stands above."""
    reasons = {
        "LOSS": "the loss is larger than the loss bucket",
        "STALE_TRANSIT": "more than 2 % has been in flight for over a day",
    }
    if hold == "INSOLVENT":
        return [("not settled", "nothing is left: this report starts the vault's wind-down")]
    if hold not in reasons:
        return []
    told = f"{reasons[hold]}; requests can be cancelled, the next cut is a day away"
    return [("held, not settled", told)]


def _fee(outcome: dict[str, Any]) -> list[tuple[str, str]]:
    """What the fee is of NAV before flows, and the mark it is measured from."""
    priced = outcome["supply_after"] - outcome["deposit_shares"] + outcome["redeem_shares"]
    if outcome["fee_shares"] == 0:
        return [("performance fee", "none")]
    worth = outcome["fee_shares"] * outcome["accepted"] // priced
    mark = f"a high-water mark of {outcome['mark_e36']} (1e-36 asset units per share unit)"
    return [("performance fee", f"{_money(worth)} in shares, on what is above {mark}")]


def _money(assets: int) -> str:
    return f"{units(assets, ASSET_DECIMALS)} USDC"
