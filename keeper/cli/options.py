"""Options several commands share, each spelt the same everywhere."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from keeper.config import LoadedConfig

__all__ = [
    "collector_paused",
    "config_options",
    "json_option",
    "load",
    "progress_option",
    "reason_option",
]

F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """Add --json: data on stdout as one JSON object, logs and errors on stderr."""
    return click.option("--json", "as_json", is_flag=True, help="Print data as JSON on stdout.")(
        function
    )


def reason_option(function: F) -> F:
    """Add --reason: why a person does it; it enters the log and `keeper risk log`."""

    def checked(_ctx: click.Context, _param: click.Parameter, text: str) -> str:
        from keeper.control.asking import REASON_LIMIT, is_reason

        if not is_reason(text):
            raise click.BadParameter(f"at most {REASON_LIMIT} printable characters, one line")
        return text

    return click.option(
        "--reason", default="", metavar="TEXT", callback=checked, help="Why; kept in the log."
    )(function)


def progress_option(function: F) -> F:
    """Add --progress: for what may take long."""
    return click.option(
        "--progress", is_flag=True, help="Show progress even where no terminal is."
    )(function)


def config_options(function: F) -> F:
    """Add --config and --set."""
    option = click.option(
        "--config",
        "-c",
        "file",
        type=click.Path(path_type=Path),
        default=Path("keeper.toml"),
        show_default=True,
        envvar="KEEPER_CONFIG",
        show_envvar=True,
        help="Configuration file.",
    )
    override = click.option(
        "--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Override one value."
    )
    return option(override(function))


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause garbage collection: importing makes many lasting objects and no garbage (-100 ms)."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def load(file: Path, overrides: tuple[str, ...]) -> "LoadedConfig":
    """Load and check the configuration. Raises ConfigError."""
    with collector_paused():
        from keeper.config import load_config

        return load_config(file, overrides=overrides)
