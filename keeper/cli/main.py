"""The root command: groups are imported when they are used, expected errors become exit codes."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn

import click

from keeper import __version__
from keeper.cli.exits import ExitCode, exit_table
from keeper.cli.output import note, show_error, show_usage_error
from keeper.domain.errors import AthanorError

__all__ = ["COMMANDS", "LazyGroup", "cli", "main", "run"]


class Entry(NamedTuple):
    """Where a command lives and its one-line help (equal to the command's own, tested)."""

    module: str
    attribute: str
    help: str


COMMANDS: Final[dict[str, Entry]] = {
    "config": Entry("keeper.cli.config", "config", "Write, check and show the configuration."),
    "keys": Entry(
        "keeper.cli.keys",
        "keys",
        "Make, bring in, list and rotate encrypted keys; none is ever shown.",
    ),
    "run": Entry("keeper.cli.run", "run", "Trade: quote, hedge and move capital until stopped."),
    "doctor": Entry(
        "keeper.cli.doctor", "doctor", "Check everything a keeper depends on and say what to do."
    ),
    "status": Entry("keeper.cli.status", "status", "Show what the keeper of this journal does."),
    "orders": Entry("keeper.cli.holdings", "orders", "Show the orders that may still fill."),
    "positions": Entry(
        "keeper.cli.holdings", "positions", "Show positions, pools and what they come to."
    ),
    "fills": Entry("keeper.cli.ledger", "fills", "Show fills and pool operations in one ledger."),
    "pnl": Entry("keeper.cli.ledger", "pnl", "Show profit by cause, checked to the unit."),
    "export": Entry(
        "keeper.cli.ledger", "export", "Write a whole table: no limit, stable columns, UTC."
    ),
    "logs": Entry("keeper.cli.logs", "logs", "Show what the keeper did and why, from its journal."),
    "serve": Entry("keeper.cli.serve", "serve", "Show running keepers in a browser, read-only."),
    "params": Entry(
        "keeper.cli.params", "params", "See and change what a running keeper decides by."
    ),
    "risk": Entry(
        "keeper.cli.risk",
        "risk",
        "Show how full each limit is, tighten one, stop and resume; who did what.",
    ),
    "strategy": Entry(
        "keeper.cli.strategy", "strategy", "List the quoting rules and try what each would quote."
    ),
    "pause": Entry("keeper.cli.operate", "pause", "Withdraw quotes of a market; positions stay."),
    "resume": Entry("keeper.cli.operate", "resume", "Quote a paused market again."),
    "cancel-all": Entry(
        "keeper.cli.operate",
        "cancel_all",
        "Cancel every resting order; quoting goes on with new ones.",
    ),
    "flatten": Entry(
        "keeper.cli.operate", "flatten", "Cancel quotes, leave ranges, close positions; stay flat."
    ),
    "halt": Entry("keeper.cli.operate", "halt", "Stop at once: no order; positions stay."),
    "replay": Entry(
        "keeper.cli.replay", "replay", "Decide a journal again and compare every byte."
    ),
    "journal": Entry(
        "keeper.cli.journal",
        "journal",
        "Verify a journal, end it cleanly, or move it to this release.",
    ),
    "report": Entry(
        "keeper.cli.report", "report", "Collect reporters' signatures and settle a cut."
    ),
    "page": Entry(
        "keeper.cli.page", "page", "Write one self-contained page of what vault and keeper did."
    ),
    "reporter": Entry("keeper.cli.reporter", "reporter", "Recompute equity and sign reports."),
    "treasurer": Entry("keeper.cli.treasurer", "treasurer", "Move collateral on filed requests."),
    "venue": Entry("keeper.cli.venue", "venue", "Permit the hot key, and probe the venue."),
    "vault": Entry(
        "keeper.cli.vault.commands", "vault", "Deposit, redeem, claim, and see the vault."
    ),
    "bond": Entry(
        "keeper.cli.bond.commands",
        "bond",
        "Sell a token for liquidity of the project's own, and buy such bonds.",
    ),
    "admin": Entry(
        "keeper.cli.admin.commands",
        "admin",
        "Act as guardian or owner of a vault: at once, or through its timelock.",
    ),
    "addresses": Entry("keeper.cli.addresses", "addresses", "List and verify deployed contracts."),
    "record": Entry(
        "keeper.cli.record", "record", "Record public books and trades of an exchange into files."
    ),
    "devnet": Entry("keeper.cli.devnet", "devnet", "Run the whole local world on this machine."),
    "commands": Entry("keeper.cli.meta", "commands", "List every command with its options."),
    "explain": Entry("keeper.cli.meta", "explain", "Explain an error or refusal code."),
    "completion": Entry("keeper.cli.meta", "completion", "Print a shell completion script."),
}


class LazyGroup(click.Group):
    """A group whose help needs no import of its commands; unused arguments are click's own."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return [name for name, entry in COMMANDS.items() if _is_installed(entry.module)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = COMMANDS.get(cmd_name)
        if entry is None or not _is_installed(entry.module):
            return None
        command = getattr(importlib.import_module(entry.module), entry.attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.module}.{entry.attribute} is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in known:
            import difflib

            near = difflib.get_close_matches(args[0], known, n=1)
            hint = f" Did you mean {near[0]}?" if near else " See: keeper --help"
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in self.list_commands(ctx)])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(number), text) for number, _, text in exit_table()])


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="keeper")
def cli() -> None:
    """Athanor's keeper: a market maker that anyone can replay.

    Every command takes --json and needs no terminal. Errors name the next step.
    """


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit code; expected errors are printed, never traced."""
    as_json = "--json" in args
    try:
        result: Any = cli.main(args=list(args), prog_name="keeper", standalone_mode=False)
    except AthanorError as error:
        return show_error(error, as_json=as_json)
    except click.ClickException as error:
        return show_usage_error(error, as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        note("interrupted")
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader went away (`| head`); nothing is left to say, and flushing would say it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.OK)
    return int(result or 0)


def main() -> NoReturn:
    """Entry point of the `keeper` script."""
    sys.exit(run(sys.argv[1:]))
