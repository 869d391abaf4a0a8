"""Commands about the command line: the tree as data, error codes explained, completion."""

from collections.abc import Iterator
from typing import Any

import click

from keeper.cli.codes import CODES
from keeper.cli.exits import exit_table
from keeper.cli.failures import ArgumentInvalid
from keeper.cli.options import json_option
from keeper.cli.output import emit, print_table

__all__ = ["command_tree", "commands", "completion", "explain"]


def command_tree() -> list[dict[str, Any]]:
    """Return every command with its parameters, in help order."""
    from keeper.cli.main import cli

    root = click.Context(cli, info_name="keeper")
    return list(_walk(cli, root, "keeper"))


def _walk(command: click.Command, ctx: click.Context, path: str) -> Iterator[dict[str, Any]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            if child := command.get_command(ctx, name):
                yield from _walk(child, click.Context(child, ctx, name), f"{path} {name}")
        return
    yield {
        "command": path,
        "help": command.help or "",
        "short_help": command.get_short_help_str(limit=100),
        "parameters": [_parameter(parameter) for parameter in command.params],
    }


def _parameter(parameter: click.Parameter) -> dict[str, Any]:
    is_option = isinstance(parameter, click.Option)
    choices = parameter.type.choices if isinstance(parameter.type, click.Choice) else []
    return {
        "name": parameter.name,
        "kind": "option" if is_option else "argument",
        "flags": list(parameter.opts) if is_option else [],
        "type": "flag" if getattr(parameter, "is_flag", False) else parameter.type.name,
        "choices": [str(choice) for choice in choices],
        "required": parameter.required,
        "multiple": bool(getattr(parameter, "multiple", False)),
        "help": getattr(parameter, "help", None) or "",
    }


@click.command()
@json_option
def commands(as_json: bool) -> None:
    """List every command with its options."""
    tree = command_tree()
    codes = [{"code": number, "name": name, "meaning": text} for number, name, text in exit_table()]
    emit(
        as_json,
        {"commands": tree, "exit_codes": codes},
        lambda: print_table([(entry["command"], entry["short_help"]) for entry in tree]),
    )


@click.command()
@click.argument("code", required=False)
@json_option
def explain(code: str | None, as_json: bool) -> None:
    """Explain an error or refusal code.

    Without one, list them all.
    """
    if code is None:
        table = [(name, text.split(". ")[0]) for name, text in sorted(CODES.items())]
        emit(as_json, {"codes": dict(sorted(CODES.items()))}, lambda: print_table(table))
        return
    name = code.strip().upper().replace("-", "_")
    if name not in CODES:
        raise ArgumentInvalid(f"no code {code}", next_step="list them: keeper explain")
    emit(as_json, {"code": name, "text": CODES[name]}, lambda: click.echo(f"{name}\n{CODES[name]}"))


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@json_option
def completion(shell: str, as_json: bool) -> None:
    """Print a shell completion script.

    For example: keeper completion zsh > ~/.zfunc/_keeper
    """
    from click.shell_completion import get_completion_class

    from keeper.cli.main import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise ArgumentInvalid(f"no completion for {shell}", next_step="use bash, zsh or fish")
    script = kind(cli, {}, "keeper", "_KEEPER_COMPLETE").source()
    emit(as_json, {"shell": shell, "script": script}, lambda: click.echo(script))
