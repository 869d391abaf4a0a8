"""`keeper status`: what the keeper of a journal does right now."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keeper.cli.exits import ExitCode
from keeper.cli.options import config_options, json_option, load
from keeper.cli.output import emit, print_table, scaled, units
from keeper.control.asking import NotRunning, Request, ask

if TYPE_CHECKING:
    from keeper.config import LoadedConfig
    from keeper.web.watching import Watched

__all__ = ["ask_status", "folder_of", "status", "watched_of"]

QUOTE_DECIMALS = 6


def folder_of(loaded: "LoadedConfig") -> Path:
    """Return the journal folder of a configuration. Raises NotRunning without a [journal]."""
    if loaded.config.journal is None:
        raise NotRunning(
            f"{loaded.file} has no [journal]: it runs no keeper",
            next_step="name the keeper's configuration: --config FILE",
        )
    return loaded.journal_folder(loaded.config.journal)


def watched_of(loaded: "LoadedConfig") -> "Watched":
    """Return a keeper as it is watched. Raises NotRunning without a [journal]."""
    from keeper.pages.mode import mode_of
    from keeper.web.watching import Watched

    config, file = loaded.config, loaded.file
    return Watched(
        name=file.stem if file.stem != "keeper" else file.resolve().parent.name,
        mode=mode_of(config.venue.chain_id, shadow=config.mode == "shadow"),
        vault=config.vault.address,
        journal=folder_of(loaded),
    )


def ask_status(folder: Path) -> dict[str, Any]:
    """Return a running keeper's status. Raises NotRunning."""
    found: dict[str, Any] = ask(folder, Request(verb="status"))["status"]
    return found


@click.command()
@click.option("--watch", "watches", is_flag=True, help="Go on showing it; q leaves, ? helps.")
@click.option(
    "--interval",
    "interval_seconds",
    type=click.FloatRange(min=0.2),
    default=1.0,
    show_default=True,
    help="Seconds between two looks, with --watch.",
)
@config_options
@json_option
def status(
    watches: bool, interval_seconds: float, file: Path, overrides: tuple[str, ...], as_json: bool
) -> int:
    """Show what the keeper of this journal does.

    Exit code 11 when it is halted, 13 when none is running. With --watch the whole terminal is
    used, through restarts of the keeper; without a terminal it prints a line per interval.
    """
    loaded = load(file, overrides)
    folder = folder_of(loaded)
    if watches:
        from keeper.cli.watch import watch

        watch(watched_of(loaded), interval_seconds, as_json=as_json)
        return int(ExitCode.OK)
    try:
        data = ask_status(folder)
    except NotRunning as error:
        hint = error.next_step
        mode, network = loaded.config.mode, loaded.config.venue.chain_id
        stopped = {
            "state": "STOPPED",
            "mode": mode,
            "network": network,
            "journal": str(folder),
            "next_step": hint,
        }
        text = f"STOPPED  {mode} on {network}  {folder}\n  next:  {hint}"
        emit(as_json, stopped, lambda: click.echo(text))
        return int(ExitCode.NOT_RUNNING)
    data["params_match_file"] = data["params_hash"] == _file_hash(loaded)
    emit(as_json, data, lambda: _print(data))
    return int(ExitCode.HALTED if data["state"] == "HALTED" else ExitCode.OK)


def _file_hash(loaded: "LoadedConfig") -> str | None:
    """Hash of the parameters a keeper would start with now; None when the file has none."""
    from keeper.config import params_hash, to_step_settings
    from keeper.domain.errors import ConfigError

    try:
        return params_hash(to_step_settings(loaded.config))
    except ConfigError:
        return None


def _print(data: dict[str, Any]) -> None:
    usdc, profit = data["usdc_quote_quantums"], data["profit_today_quote_quantums"]
    rows = [
        ("state", data["state"]),
        ("mode / network", f"{data['mode']} / {data['network']}, EVM {data['evm_chain_id']}"),
        ("run / record", f"{data['run']} / {data['seq']:,}"),
        ("last event", datetime.fromtimestamp(data["t_ns"] // 10**9, tz=UTC).isoformat()),
        ("venue height", f"{data['venue_height']:,}  ({_age(data['venue_height_age_ms'])})"),
        ("EVM block", f"{data['evm_block']:,}"),
        ("subaccount", data["subaccount"]),
        ("quote balance", "unknown" if usdc is None else _usdc(usdc)),
        ("profit today", "unknown" if profit is None else _usdc(profit)),
        ("sources down", ", ".join(data["sources_down"]) or "none"),
        (
            "parameters",
            "as in the file"
            if data["params_match_file"]
            else "differ from the file, which counts after a restart: keeper params show",
        ),
        ("refusals in force", ", ".join(data["refusals"]) or "none"),
    ]
    if view := data["vault_view"]:
        rows += [
            ("vault", f"{view['state']}, epoch {view['epoch']}  ({_age(view['age_ms'])})"),
            ("accepted NAV", _usdc(view["accepted_nav_assets"])),
            ("idle / owed", f"{_usdc(view['idle_assets'])} / {_usdc(view['owed_assets'])}"),
            *_house(view["housekeeping"], data["t_ns"] // 10**9),
        ]
    print_table(rows)
    if data["markets"]:
        click.echo()
        print_table(
            [_market_row(market) for market in data["markets"]],
            head=("market", "state", "position", "bids", "asks", "best bid", "best ask", "oracle"),
        )
    for market in data["markets"]:
        if market["leader"] is not None:
            click.echo(f"\n{market['market']}: {_reference(market)}")
    for pool in data["pools"]:
        ranges = ", ".join(f"[{r['tick_lower']}, {r['tick_upper']}]" for r in pool["ranges"])
        click.echo(
            f"\npool {pool['pool']}: tick {pool['tick']}, ranges {ranges or 'none'} "
            f"({_age(pool['age_ms'])})"
        )
        if pool["cut"] is not None:
            click.echo(f"  {_cut(pool['cut'])}")


def _cut(cut: dict[str, Any]) -> str:
    from keeper.pages.cut_text import cut_text

    return f"{cut_text(cut)} (keeper explain {cut['code']})"


def _house(house: dict[str, Any] | None, now_s: int) -> list[tuple[str, str]]:
    """What is due for depositors next, and what is on its way."""
    from keeper.pages.duty_text import next_duty

    rows = [("next duty", next_duty(house, now_s))]
    if house is None:
        return rows
    if house["homing_assets"]:
        rows.append(("coming home", _usdc(house["homing_assets"])))
    if house["claims_to_send"]:
        rows.append(("claims to send", str(house["claims_to_send"])))
    return rows


def _usdc(amount: int) -> str:
    return f"{units(amount, QUOTE_DECIMALS)} USDC"


def _market_row(market: dict[str, Any]) -> tuple[str, ...]:
    state = "paused" if market["paused"] else market["status"]
    return (
        market["market"],
        state if market["quoted"] else "not quoted",
        scaled(market["position_base_quantums"], market["base_decimals"]),
        str(market["bids"]),
        str(market["asks"]),
        scaled(market["best_bid_subticks"], market["subticks_decimals"]),
        scaled(market["best_ask_subticks"], market["subticks_decimals"]),
        _age(market["oracle_age_ms"]),
    )


def _reference(market: dict[str, Any]) -> str:
    """What quotes stand around, and what the leader says."""
    leader = market["leader"]
    told = f"leader {leader['symbol']} {scaled(leader['price_e8'], 8)} ({_age(leader['age_ms'])})"
    if leader["reference_price"] is None:
        return f"no reference price; {told}"
    price = scaled(leader["reference_price"], -market["oracle_exponent"])
    wider = f", quotes wider by {leader['widen_ppm']} ppm" if leader["widen_ppm"] else ""
    return f"reference {price}, sources within {leader['confidence_ppm']} ppm{wider}; {told}"


def _age(ms: int) -> str:
    if ms < 0:
        return "never seen"
    return f"{ms} ms ago" if ms < 10_000 else f"{ms // 1_000} s ago"
