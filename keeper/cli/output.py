"""What a command shows: data on stdout (a table, or JSON), everything else on stderr."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

from keeper.cli.exits import ExitCode, code_of, exit_code_of
from keeper.domain.errors import AthanorError

__all__ = ["emit", "note", "print_table", "scaled", "show_error", "show_usage_error", "units"]


def emit(as_json: bool, data: Mapping[str, Any], human: Callable[[], None]) -> None:
    """Print `data` as one JSON object, or let `human` print it for a person."""
    if as_json:
        click.echo(json.dumps(data, indent=2, sort_keys=False))
    else:
        human()


def note(text: str) -> None:
    """Say something that is not data."""
    click.echo(text, err=True)


def print_table(rows: Iterable[Sequence[str]], *, head: Sequence[str] = ()) -> None:
    """Print rows in aligned columns, numbers to the right, nothing cut or wrapped."""
    cells = [[str(cell) for cell in row] for row in rows]
    lines = [list(head), *cells] if head else cells
    columns = range(max((len(line) for line in lines), default=0))
    widths = [max(len(line[i]) for line in lines if i < len(line)) for i in columns]
    numeric = [all(_is_number(row[i]) for row in cells if i < len(row)) for i in columns]
    for number, line in enumerate(lines):
        parts = [
            cell.rjust(widths[i]) if numeric[i] and len(line) > 2 else cell.ljust(widths[i])
            for i, cell in enumerate(line)
        ]
        text = "  ".join(parts).rstrip()
        click.echo(click.style(text, bold=True) if head and number == 0 else text)


def _is_number(cell: str) -> bool:
    return bool(cell) and cell.lstrip("-+").replace(",", "").replace(".", "").isdigit()


def units(amount: int, decimals: int) -> str:
    """Write an integer amount of smallest units as an exact decimal, thousands separated."""
    sign, digits = "-" if amount < 0 else "", str(abs(amount)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    return f"{sign}{int(whole):,}{'.' + fraction if decimals else ''}"


def scaled(value: int, decimals: int) -> str:
    """Write an integer amount exactly, without trailing zeros beyond two decimals."""
    text = units(value, decimals) if decimals >= 0 else units(value * 10**-decimals, 0)
    whole, point, fraction = text.partition(".")
    return f"{whole}{point}{fraction.rstrip('0').ljust(min(2, max(0, decimals)), '0')}"


def show_error(error: AthanorError, *, as_json: bool) -> int:
    """Print an expected error (what, where, why, next command) and return the exit code."""
    code, exit_code = code_of(error), int(exit_code_of(error))
    problems = [_plain(problem) for problem in getattr(error, "problems", ())]
    if as_json:
        body = {
            "code": code,
            "message": str(error),
            "next_step": error.next_step,
            "exit_code": exit_code,
            "problems": problems,
        }
        click.echo(json.dumps({"error": body}, indent=2))
    for problem in problems:
        line = f":{problem['line']}" if problem["line"] else ""
        place = f"{getattr(error, 'file', '')}{line}"
        _error_lines(
            problem["code"], f"{problem['path']}: {problem['message']}", place, problem["fix"]
        )
    if not problems:
        _error_lines(code, str(error), "", error.next_step)
    return exit_code


def show_usage_error(error: click.ClickException, *, as_json: bool) -> int:
    """Print a wrong command line and return the exit code."""
    exit_code = int(ExitCode.USAGE)
    if as_json:
        body = {
            "code": "USAGE",
            "message": error.format_message(),
            "next_step": "see --help",
            "exit_code": exit_code,
            "problems": [],
        }
        click.echo(json.dumps({"error": body}, indent=2))
    error.show()
    return exit_code


def _plain(problem: Any) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in ("code", "path", "line", "message", "fix")}


def _error_lines(code: str, message: str, place: str, fix: str) -> None:
    note(click.style(f"error[{code}]", fg="red", bold=True) + f": {message}")
    if place:
        note(f"  where: {place}")
    if fix:
        note(f"  next:  {fix}")
    note(f"  more:  keeper explain {code}")
