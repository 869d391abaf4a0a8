"""`keeper report`: what the reporters say about the open cut, and settling it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keeper.cli.failures import NoOpenCut, QuorumMissed, ReportRefused
from keeper.cli.options import config_options, json_option, load
from keeper.cli.output import emit, print_table, units

if TYPE_CHECKING:
    from keeper.domain.reports import Report
    from keeper.reporter.submit import Answer, Collected, Relayer

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
        collected = await _collect(relayer, proposal)
        if collected.report is None:
            raise QuorumMissed(
                f"no reporter signed: {_refusals(collected)}",
                next_step="each answer names the number it disagrees with",
            )
        outcome = await relayer.preview(collected.report)
        return {**_summary(collected), "outcome": _plain(outcome)}

    data = _relay(file, overrides, work, may_send=False)
    emit(as_json, data, lambda: _print(data))


@report.command()
@PROPOSAL
@config_options
@json_option
def post(proposal: Path | None, file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Collect a quorum of signatures, preview, and submit: the cut settles in that transaction."""

    async def work(relayer: "Relayer") -> dict[str, Any]:
        collected = await _collect(relayer, proposal)
        if not collected.complete:
            raise QuorumMissed(
                f"{len(collected.signatures)} of {collected.quorum} signatures: "
                f"{_refusals(collected)}",
                next_step="each answer names the number it disagrees with",
            )
        submitted = await relayer.submit(collected)
        if isinstance(submitted, str):
            raise ReportRefused(
                f"the contract refuses the report: {submitted}",
                next_step="nothing was sent; see: keeper report preview",
            )
        return {
            **_summary(collected),
            "outcome": _plain(submitted.outcome),
            "tx_hash": submitted.tx_hash,
        }

    data = _relay(file, overrides, work, may_send=True)
    emit(as_json, data, lambda: _print(data))


report.add_command(post, name="submit")  # the contract's own word for the same thing


def _relay(
    file: Path,
    overrides: tuple[str, ...],
    work: Callable[["Relayer"], Awaitable[T]],
    *,
    may_send: bool,
) -> T:
    loaded = load(file, overrides)
    from keeper.bootstrap.reporting import open_relayer

    async def run() -> T:
        async with open_relayer(loaded, os.environ, may_send=may_send) as relayer:
            return await work(relayer)

    return asyncio.run(run())


async def _collect(relayer: "Relayer", proposal: Path | None) -> "Collected":
    collected = await relayer.collect(_proposal(proposal))
    if collected is None:
        raise NoOpenCut(
            "the vault has no cut that awaits a report",
            next_step="cut it once it is due: keeper vault cut",
        )
    return collected


def _proposal(file: Path | None) -> "Report | None":
    if file is None:
        return None
    import msgspec

    from keeper.cli.failures import ArgumentInvalid
    from keeper.domain.reports import Report

    try:
        body = msgspec.json.decode(file.read_bytes())
        return msgspec.convert(body.get("report", body), Report)
    except (OSError, msgspec.MsgspecError, AttributeError) as error:
        raise ArgumentInvalid(
            f"{file} holds no report: {error}",
            next_step="take the `report` of: keeper report preview --json",
        ) from error


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
                "refusal": _why(answer),
            }
            for answer in collected.answers
        ],
    }


def _why(answer: "Answer") -> str | None:
    from keeper.domain.reports import SignedReport

    said = answer.said
    if isinstance(said, SignedReport):
        return None
    if isinstance(said, str):
        return said
    return f"{said.code} {said.subject}: ours {said.ours}, theirs {said.theirs}"


def _refusals(collected: "Collected") -> str:
    return "; ".join(
        f"{answer.url} {why}" for answer in collected.answers if (why := _why(answer)) is not None
    )


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
            ("deposits filled", _money(outcome["deposit_assets"])),
            ("redemptions paid", _money(outcome["redeem_assets"])),
            ("NAV afterwards", _money(outcome["accepted_after"])),
        ]
    rows += [(answer["url"], answer["refusal"] or answer["signer"]) for answer in data["answers"]]
    if "tx_hash" in data:
        rows.append(("settled in", data["tx_hash"]))
    print_table(rows)


def _money(assets: int) -> str:
    return f"{units(assets, ASSET_DECIMALS)} USDC"
