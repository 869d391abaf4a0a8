"""The crash points of a running keeper: its writes, its port calls, what it emits and appends.

Each is listed from the sources alone, so that a new write, port method, event or command is a
point as soon as it is written.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from typing import Any, Final, get_args

from tests.e2e.crash.sites import Site
from tests.e2e.crash.trigger import AFTER, Trigger, phases_of

__all__ = ["NARROW", "all_points", "implementations", "instrument", "port_methods", "strangers"]

_EMITTED_WITHIN: Final = frozenset(("ParamsChanged", "ReportCollected", "TimerFired"))
"""Made behind the edges, and emitted all the same: by a person's word, reporters', the clock's."""

NARROW: Final = "eth_sendRawTransaction"
"""The one request of the node's that moves something."""


def port_methods() -> dict[str, list[str]]:
    """Return the methods of every protocol in `keeper.ports`, inherited ones included."""
    from keeper import ports

    protocols = [
        found
        for found in vars(ports).values()
        if inspect.isclass(found) and found.__module__ == ports.__name__
    ]
    return {
        protocol.__name__: sorted(
            name
            for name, found in inspect.getmembers(protocol, inspect.isfunction)
            if not name.startswith("_")
        )
        for protocol in protocols
    }


def implementations() -> dict[str, list[type]]:
    """Return the classes a trading keeper is built from, by the port they serve."""
    from keeper.bootstrap import trading
    from keeper.bootstrap.questions import AskedReporters
    from keeper.chain.vault_chain import EvmVaultChain
    from keeper.clock import FileClock
    from keeper.control.server import ControlServer
    from keeper.feeds.binance.leader import BinanceLeader
    from keeper.venues.dydx.venue import DydxVenue

    return {
        "Alerts": [trading.LogAlerts],
        "Clock": [FileClock],
        "ControlServer": [ControlServer],
        "EventSource": [BinanceLeader],
        "OrderVenue": [DydxVenue],
        "Reporters": [AskedReporters],
        "VaultChain": [EvmVaultChain],
    }


def strangers(engine: Any) -> list[str]:
    """Name what an engine was given that no port's points are around."""
    known = tuple(served for classes in implementations().values() for served in classes)
    given = (engine._clock, engine._venue, engine._chain, *engine._sources)
    return [f"port {type(each).__qualname__}" for each in given if not isinstance(each, known)]


def instrument(trigger: Trigger) -> None:
    """Put points around every port call, every emit, every append and every broadcast."""
    from keeper.chain.rpc import JsonRpc
    from keeper.engine import Engine
    from keeper.journal import JournalWriter

    methods = {**port_methods(), "ControlServer": ["run"]}
    for port, classes in implementations().items():
        for served in classes:
            for method in methods[port]:
                setattr(served, method, trigger.call(f"{port}.{method}", vars(served)[method]))
    _wrap_ingest(trigger, Engine)
    _wrap_append(trigger, JournalWriter)
    _wrap_call(trigger, JsonRpc)


def _wrap_ingest(trigger: Trigger, engine: Any) -> None:
    ingest = engine.ingest

    def emitted(self: Any, event: Any) -> None:
        trigger.call(f"Emit {type(event).__name__}", ingest)(self, event)

    engine.ingest = emitted


def _wrap_append(trigger: Trigger, writer: Any) -> None:
    append = writer.append

    def appended(self: Any, t_ns: int, event: Any, commands: Any, **named: Any) -> Any:
        seq = append(self, t_ns, event, commands, **named)
        for command in commands:
            trigger.at(f"logged {type(command).__name__} | {AFTER}")
        trigger.at(f"logged {type(event).__name__} | {AFTER}")
        return seq

    writer.append = appended


def _wrap_call(trigger: Trigger, rpc: Any) -> None:
    call = rpc.call

    async def called(self: Any, method: str, *params: Any) -> Any:
        if method != NARROW:
            return await call(self, method, *params)
        return await trigger.call(NARROW, call)(self, method, *params)

    rpc.call = called


def all_points(sites: list[Site]) -> list[str]:
    """Name every crash point of the keeper modules loaded in this process."""
    around = [site.name for site in sites]
    methods = port_methods()
    for port in implementations():
        around += [f"{port}.{method}" for method in methods.get(port, ["run"])]
    around.append(NARROW)
    made = _made()
    around += [f"Emit {name}" for name in sorted(_names_of("events") & made["edge"])]
    points = [f"{name} | {phase}" for name in around for phase in phases_of(name)]
    logged = _names_of("events") & (made["edge"] | made["engine"])
    logged |= _names_of("commands") & made["core"]
    return points + [f"logged {name} | {AFTER}" for name in sorted(logged)]


def _names_of(kind: str) -> set[str]:
    from keeper.domain import commands, events

    union = events.Event if kind == "events" else commands.Command
    return {member.__name__ for member in get_args(union)}


def _made() -> dict[str, set[str]]:
    """What is constructed where: at the edges, in the engine, in the deciding core."""
    made: dict[str, set[str]] = {"edge": set(), "engine": set(), "core": set()}
    for name, source in _sources():
        package = name.split(".")[1] if "." in name else ""
        if package in ("venues", "chain", "control", "feeds"):
            made["edge"] |= _constructed(source)
        elif package in ("engine", "bootstrap"):
            made["engine"] |= _constructed(source)
        elif package in ("core", "execution", "risk", "inventory", "strategies"):
            made["core"] |= _constructed(source)
    made["edge"] |= _EMITTED_WITHIN & made["engine"]
    return made


def _sources() -> Iterator[tuple[str, str]]:
    for name, module in sorted(sys.modules.items()):
        if name.startswith("keeper.") and getattr(module, "__file__", None):
            yield name, inspect.getsource(module)


def _constructed(source: str) -> set[str]:
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return {
        function.id if isinstance(function, ast.Name) else function.attr
        for function in calls
        if isinstance(function, ast.Name | ast.Attribute)
    }
