"""`keeper fills|pnl|export`: what traded, what it earned and why, and all of it to take away."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from keeper.cli.failures import ArgumentInvalid
from keeper.cli.journals import (
    Source,
    about,
    indexed,
    journal_options,
    require_market,
    window,
    window_options,
)
from keeper.cli.options import json_option
from keeper.cli.output import emit, note, print_table

if TYPE_CHECKING:
    from keeper.accounting.attribution import Causes
    from keeper.index.profit import Identity, Profit, ProfitRow, Window

__all__ = ["export", "fills", "pnl"]

TABLES: Final = ("fills", "orders", "funding", "transfers", "pnl", "transactions")
GROUPS: Final = ("day", "week", "month", "market", "cause", "venue")
CAUSES: Final = ("spread", "inventory", "funding", "feesAndRebates", "incentives")
USDC_DECIMALS: Final = 6
ETHER_DECIMALS: Final = 18


@click.command()
@click.option(
    "--venue",
    type=click.Choice(["all", "clob", "pool"]),
    default="all",
    show_default=True,
    help="Fills of the order book, operations in pools, or both.",
)
@click.option("--market", default="", metavar="TICKER", help="Only this market and its pools.")
@window_options
@click.option("--limit", type=click.IntRange(min=0), default=0, help="Newest only; 0 shows all.")
@journal_options
@json_option
def fills(
    venue: str,
    market: str,
    since: str | None,
    until: str | None,
    limit: int,
    source: Source,
    as_json: bool,
) -> None:
    """Show fills and pool operations in one ledger.

    Order-book fills, and the keeper's own swaps, mints, burns and collected fees with amounts and
    gas, from the journal alone: the keeper may run or not. A buy adds base and takes quote; a fee
    above zero was paid.
    """
    with indexed(source) as index:
        from keeper.index.history import trades

        require_market(index, market)
        chosen = window(index, since, until)
        rows = list(trades(index, chosen, venue, market))
        head = {**about(source, index), **_span(chosen)}
    shown = rows[len(rows) - limit :] if limit else rows
    data = {**head, "count": len(rows), "fills": shown}
    emit(as_json, data, lambda: _print_fills(shown, len(rows), head["mode"]))


@click.command()
@click.option(
    "--by",
    type=click.Choice(GROUPS),
    default="day",
    show_default=True,
    help="What each row is; days, ISO weeks and months are in UTC.",
)
@window_options
@journal_options
@json_option
def pnl(by: str, since: str | None, until: str | None, source: Source, as_json: bool) -> None:
    """Show profit by cause, checked to the unit.

    spread: what fills gained or gave against the oracle (for a pool: what the keeper's own
    operations cost against the mark). inventory: what positions and ranges gained as the price
    moved. funding. feesAndRebates: fees paid (-), rebates and pool fees earned (+). Their sum is
    the change of equity less what came in and left; when it is not, nothing is shown but an error.
    Gas is the keeper's own cost and stands beside.
    """
    with indexed(source) as index:
        from keeper.index.periods import CALENDAR, Period, calendar_periods
        from keeper.index.profit import profit_of

        chosen = window(index, since, until)
        whole = [Period("all", chosen.start_ns, chosen.end_ns)]
        spans = calendar_periods(by, chosen.start_ns, chosen.end_ns) if by in CALENDAR else whole
        profit = profit_of(index, chosen, spans)
        head = {**about(source, index), **_span(chosen)}
    rows = _grouped(profit, by)
    data = {
        **head,
        "by": by,
        "unit": f"1e-{USDC_DECIMALS} USDC",
        "rows": rows,
        "totals": _causes(profit.totals),
        "gas_wei": sum(gas.wei for gas in profit.gas),
        "gas_transactions": sum(gas.transactions for gas in profit.gas),
        "identity": [_identity(entry) for entry in profit.identities],
        "pending": [
            {"height": entry.height, "market": entry.market, "amount": entry.amount}
            for entry in profit.pending
        ],
    }
    emit(as_json, data, lambda: _print_pnl(data))


@click.command()
@click.argument("table", type=click.Choice(TABLES))
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="Comma-separated with a header line, or one JSON object a line.",
)
@click.option("--out", type=click.Path(path_type=Path), help="File to write instead of stdout.")
@click.option("--no-header", is_flag=True, help="Leave out the line of column names: rows alone.")
@window_options
@journal_options
@json_option
def export(
    table: str,
    form: str,
    out: Path | None,
    no_header: bool,
    since: str | None,
    until: str | None,
    source: Source,
    as_json: bool,
) -> None:
    """Write a whole table: no limit, stable columns, UTC.

    Decimals for people and tax forms, exact units beside them; docs/exports.md names every column.
    The sums are those of `keeper pnl`.
    """
    with indexed(source) as index:
        from keeper.index.exports import COLUMNS, rows_of

        chosen = window(index, since, until)
        rows, columns = list(rows_of(index, table, chosen)), COLUMNS[table]
        head = {**about(source, index), **_span(chosen)}
    if as_json and out is None:
        emit(True, {**head, "table": table, "columns": columns, "rows": rows}, lambda: None)
        return
    with _opened(out) as stream:
        if form == "csv":
            _write_csv(rows, columns, stream, has_header=not no_header)
        else:
            _write_jsonl(rows, columns, stream)
    if out is not None:
        written = {"table": table, "rows": len(rows), "file": str(out), "format": form}
        emit(as_json, written, lambda: note(f"{len(rows):,} rows of {table} in {out}"))


def _opened(out: Path | None) -> AbstractContextManager[TextIO]:
    """The file to write, or stdout. Raises ArgumentInvalid."""
    if out is None:
        return nullcontext(sys.stdout)
    try:
        return out.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise ArgumentInvalid(
            f"--out {out} cannot be written: {error.strerror}",
            next_step="name a file in a folder that exists and that you may write to",
        ) from error


def _span(chosen: "Window") -> dict[str, Any]:
    from keeper.index.decimals import utc_text

    return {
        "from": utc_text(chosen.start_ns),
        "before": utc_text(chosen.end_ns),
        "time_zone": "UTC",
        "after_height": chosen.from_height,
        "to_height": chosen.to_height,
    }


def _write_csv(
    rows: Iterable[Mapping[str, Any]], columns: tuple[str, ...], stream: TextIO, *, has_header: bool
) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    if has_header:
        writer.writerow(columns)
    writer.writerows([["" if row[n] is None else row[n] for n in columns] for row in rows])


def _write_jsonl(
    rows: Iterable[Mapping[str, Any]], columns: tuple[str, ...], stream: TextIO
) -> None:
    for row in rows:
        stream.write(json.dumps({name: row[name] for name in columns}) + "\n")


def _causes(causes: "Causes") -> dict[str, int]:
    return {
        "spread": causes.spread,
        "inventory": causes.inventory,
        "funding": causes.funding,
        "feesAndRebates": causes.fees_and_rebates,
        "incentives": causes.incentives,
        "total": causes.total,
    }


def _identity(entry: "Identity") -> dict[str, Any]:
    return {
        "venue": entry.venue,
        "opening": entry.opening,
        "closing": entry.closing,
        "transfers": entry.transfers,
        "causes": entry.causes,
        "difference": entry.difference,
    }


def _grouped(profit: "Profit", by: str) -> list[dict[str, Any]]:
    """Sum the profit's rows by what a row shall be; gas only where a row is a span of time."""
    from keeper.accounting.profit import sum_causes

    if by == "cause":
        return [
            {"key": cause, "total": amount}
            for cause, amount in _causes(profit.totals).items()
            if cause != "total"
        ]
    groups: dict[str, list[Causes]] = {}
    if by in ("day", "week", "month"):
        groups = {gas.period.label: [] for gas in profit.gas}
    for row in profit.rows:
        groups.setdefault(_key(row, by), []).append(row.causes)
    gas = {entry.period.label: entry.wei for entry in profit.gas}
    return [
        {
            "key": key,
            **_causes(sum_causes(parts)),
            **({"gas_wei": gas[key]} if key in gas and by not in ("market", "venue") else {}),
        }
        for key, parts in groups.items()
    ]


def _key(row: "ProfitRow", by: str) -> str:
    if by == "market":
        return row.market or "(rounding)"
    return row.venue if by == "venue" else row.period.label


def _print_fills(rows: list[dict[str, Any]], count: int, mode: str) -> None:
    head = ("time", "venue", "kind", "market", "side", "base", "price", "quote", "fee", "gas (ETH)")
    from keeper.index.decimals import decimal_text

    print_table(
        [
            (
                *(row["time"], row["venue"], row["kind"], row["market"], row["side"]),
                *(row["base"], row["price"], row["quote"], row["fee"]),
                decimal_text(row["gas_wei"], ETHER_DECIMALS) if row["gas_wei"] else "",
            )
            for row in rows
        ],
        head=head,
    )
    note(f"{mode}: {len(rows):,} of {count:,} rows; all columns: keeper export fills")


def _print_pnl(data: Mapping[str, Any]) -> None:
    from keeper.index.decimals import decimal_text

    def money(amount: int) -> str:
        return decimal_text(amount, USDC_DECIMALS)

    if data["by"] == "cause":
        rows = [(row["key"], money(row["total"])) for row in data["rows"]]
        print_table([*rows, ("total", money(data["totals"]["total"]))], head=("cause", "USDC"))
    else:
        _print_causes(data, money)
    gas = decimal_text(data["gas_wei"], ETHER_DECIMALS)
    click.echo(
        f"\ngas, paid by the keeper and outside the above: {gas} ETH in "
        f"{data['gas_transactions']} transactions"
    )
    for entry in data["identity"]:
        change = entry["closing"] - entry["opening"]
        click.echo(
            f"{entry['venue']}: equity {money(entry['opening'])} to {money(entry['closing'])} USDC "
            f"({money(change)}), transfers {money(entry['transfers'])}, causes "
            f"{money(entry['causes'])}: difference {entry['difference']}"
        )
    note(f"{data['mode']}: {data['from']} to {data['before']}, UTC")
    for entry in data["pending"]:
        note(
            f"not counted: from height {entry['height']} on, {entry['amount']:+,} "
            f"{entry['market'] or 'quote quantums'} have no record yet"
        )


def _print_causes(data: Mapping[str, Any], money: Callable[[int], str]) -> None:
    """The table of causes; gas beside them where a row is a span of time."""
    from keeper.index.decimals import decimal_text

    has_gas = any("gas_wei" in row for row in data["rows"])
    total = {"key": "total", **data["totals"], "gas_wei": data["gas_wei"]}
    print_table(
        [
            (
                row["key"],
                *(money(row[name]) for name in (*CAUSES, "total")),
                *([decimal_text(row["gas_wei"], ETHER_DECIMALS)] if has_gas else []),
            )
            for row in (*data["rows"], total)
        ],
        head=(data["by"], *CAUSES, "total", *(["gas (ETH)"] if has_gas else [])),
    )
