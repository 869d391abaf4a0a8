"""`keeper risk`: how full each limit is, tightening one, stopping and resuming, who did what."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from keeper.cli.exits import ExitCode
from keeper.cli.failures import ArgumentInvalid
from keeper.cli.journals import Source, about, indexed, journal_options, now_of
from keeper.cli.moments import parse_moment
from keeper.cli.operate import flatten, halt, resume
from keeper.cli.options import config_options, json_option, load, reason_option
from keeper.cli.output import emit, note, print_table, units
from keeper.cli.params import (
    WAIT_FOR_PARAMS,
    Change,
    apply,
    finish,
    preview,
    require_confirmation,
)
from keeper.cli.status import folder_of
from keeper.control.asking import NotRunning, Request, ask

if TYPE_CHECKING:
    from keeper.config import LoadedConfig
    from keeper.index.audit import AuditEntry

__all__ = ["risk"]

PPM: Final = 1_000_000
USDC_UNIT: Final = "1e-6 USDC"
USDC_DECIMALS: Final = 6


@click.group()
def risk() -> None:
    """Show how full each limit is, tighten one, stop and resume; who did what.

    `exit`, `halt` and `resume` are for the whole vault and the same as `keeper flatten`, `keeper
    halt` and `keeper resume`.
    """


risk.add_command(flatten, "exit")
risk.add_command(halt)
risk.add_command(resume)


@risk.command()
@config_options
@json_option
def show(file: Path, overrides: tuple[str, ...], as_json: bool) -> int:
    """Show every limit with its number now, fullest first, and the phase.

    Above them each pool whose range a limit keeps smaller than its tokens allow: how much goes in.
    Asks the running keeper; exit code 11 when it is halted, 13 when none is running. A value that
    is not known, or judged message by message, is `-`.
    """
    loaded = load(file, overrides)
    try:
        data = ask(folder_of(loaded), Request(verb="risk"))["risk"]
    except NotRunning as error:
        stopped = _stopped(loaded, error)
        emit(as_json, stopped, lambda: _print_stopped(stopped))
        return int(ExitCode.NOT_RUNNING)
    emit(as_json, data, lambda: _print(data))
    return int(ExitCode.HALTED if data["phase"] == "HALTED" else ExitCode.OK)


@risk.command("set")
@click.argument("name")
@click.argument("value")
@config_options
@click.option("--dry-run", is_flag=True, help="Show the effect on the quotes; change nothing.")
@click.option("--yes", is_flag=True, help="Loosen without asking.")
@reason_option
@WAIT_FOR_PARAMS
@json_option
def set_limit(
    name: str,
    value: str,
    file: Path,
    overrides: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    reason: str,
    wait_seconds: int,
    as_json: bool,
) -> None:
    """Change one limit of a running keeper, before and after shown.

    NAME is a key of [limits], or a path as `keeper params show` lists it, for example
    market.ETH-USD.max_position_quote_quantums. A tighter limit takes effect at once; a looser one
    asks first, or takes --yes, and goes no further than what the keeper started with: more takes
    the file and a restart. The file is not changed: after a restart it counts.
    """
    loaded = load(file, overrides)
    wish = Change(folder_of(loaded), (f"{_path_of(name)}={value}",), reason)
    found = preview(wish, as_json=as_json)
    if dry_run or not found["changes"]:
        finish(as_json, found)
        return
    from keeper.config.live import loosens

    if any(loosens(c["path"], c["before"], c["after"]) for c in found["changes"]):
        require_confirmation(yes=yes)
    apply(wish, found, wait_seconds, as_json=as_json)


@risk.command()
@click.option("--since", metavar="WHEN", help="From here on: 7d (ago), a date or a time in UTC.")
@journal_options
@json_option
def log(since: str | None, source: Source, as_json: bool) -> None:
    """List who changed what the keeper may do, and its own stops.

    Words of operators with the user and process that gave them, changed parameters with both
    values, stops with the limit and the number that went beyond it, and what a restart changed.
    Reads the journal; the keeper may run or not.
    """
    with indexed(source) as index:
        from keeper.index.audit import audit

        since_ns = 0 if since is None else parse_moment(since, now_of(index))
        found = audit(index, since_ns)
        head = about(source, index)
    data = {**head, "count": len(found), "entries": [_entry(entry) for entry in found]}
    emit(as_json, data, lambda: _print_log(data))
    if not found:
        note("nothing was changed, and nothing stopped")


def _path_of(name: str) -> str:
    """A limit's path from what a person wrote. Raises ArgumentInvalid."""
    from keeper.config.live import is_limit

    path = name if "." in name else f"limits.{name}"
    if not is_limit(path):
        raise ArgumentInvalid(
            f"{name} is no limit",
            next_step="keeper params show lists them: those that may be tightened; "
            "anything else: keeper params set",
        )
    return path


def _stopped(loaded: "LoadedConfig", error: NotRunning) -> dict[str, Any]:
    return {
        "phase": "STOPPED",
        "mode": loaded.config.mode,
        "network": loaded.config.venue.chain_id,
        "journal": str(folder_of(loaded)),
        "next_step": error.next_step,
    }


def _print_stopped(data: dict[str, Any]) -> None:
    click.echo(f"STOPPED  {data['mode']} on {data['network']}  {data['journal']}")
    click.echo(f"  next:  {data['next_step']}; what stopped it before: keeper risk log")


def _print(data: dict[str, Any]) -> None:
    from keeper.pages.cut_text import cut_text

    rows = [
        ("phase", data["phase"]),
        ("since", "the beginning" if data["since_ns"] is None else _time(data["since_ns"])),
        ("because of", _cause(data["cause"])),
        ("still so", "; ".join(map(_numbers, data["standing"])) or "nothing"),
        ("paused", ", ".join(data["paused"]) or "no market"),
        *(("out of a range", f"{cut_text(cut)}, {cut['adapter']}") for cut in data["cuts"]),
        ("mode / network", f"{data['mode']} / {data['network']}"),
    ]
    print_table(rows)
    click.echo()
    head = ("used", "limit", "now", "at most", "unit", "scope")
    print_table([_limit_row(row) for row in data["limits"]], head=head)


def _limit_row(row: dict[str, Any]) -> tuple[str, ...]:
    used, unit = row["used_ppm"], row["unit"]
    return (
        "-" if used is None else f"{-(-used * 1_000 // PPM) / 10:.1f} %",
        row["code"],
        "-" if row["value"] is None else _amount(row["value"], unit),
        _amount(row["limit"], unit),
        "USDC" if unit == USDC_UNIT else unit,
        row["scope"],
    )


def _amount(value: int, unit: str) -> str:
    return units(value, USDC_DECIMALS if unit == USDC_UNIT else 0)


def _cause(cause: dict[str, Any] | None) -> str:
    if cause is None:
        return "-"
    if cause["operator"]:
        why = f": {cause['reason']}" if cause["reason"] else ""
        return f"{cause['operator']}{why}"
    return _numbers(cause)


def _numbers(entry: dict[str, Any]) -> str:
    return f"{entry['code']}, {entry['value']:,} against {entry['limit']:,}"


def _time(t_ns: int) -> str:
    return datetime.fromtimestamp(t_ns // 10**9, tz=UTC).isoformat()


def _entry(entry: "AuditEntry") -> dict[str, Any]:
    import msgspec

    from keeper.index.decimals import utc_text

    plain: dict[str, Any] = msgspec.to_builtins(entry)
    return {"time": utc_text(entry.t_ns), **plain}


def _print_log(data: dict[str, Any]) -> None:
    rows = [
        (
            entry["time"],
            entry["kind"],
            _who(entry),
            entry["what"],
            f"{entry['before']} -> {entry['after']}" if entry["after"] != entry["before"] else "",
            entry["reason"] or (_numbers(entry) if entry["code"] else ""),
            f"#{entry['seq']}",
        )
        for entry in data["entries"]
    ]
    print_table(rows, head=("time", "kind", "who", "what", "change", "why", "record"))


def _who(entry: dict[str, Any]) -> str:
    name = entry["operator"] or {"stop": "the keeper", "restart": "the file"}.get(entry["kind"], "")
    return name if entry["uid"] < 0 else f"{name} (uid {entry['uid']}, pid {entry['pid']})"
