"""A process with the instrumented keeper loaded, which forks one keeper after another.

Requests come as JSON lines on standard input: {config, environment, log, done, aim, nth, twin}.
Each is answered by {pid}, and when that keeper has ended by {status, point}. The first line out
is {points, modules}. Forking a loaded process instead of starting one saves a second a keeper.
"""

import asyncio
import gc
import importlib
import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from tests.e2e.crash.guards import Guards
from tests.e2e.crash.points import all_points, instrument, strangers
from tests.e2e.crash.sites import install
from tests.e2e.crash.trigger import Order, Trigger
from tests.e2e.crash.twins import SOUND, TWINS

_FAILED = 70


def main() -> None:
    """Load, say what there is, then serve until standard input ends."""
    trigger = Trigger()
    sites = install(trigger.call)
    importlib.import_module("keeper.bootstrap.trading")
    from keeper.release import running_release

    instrument(trigger)
    guards = Guards(sites.found)
    guards.watch()
    running_release()
    gc.collect()
    gc.freeze()
    _say({"points": all_points(sites.found), "modules": _modules()})
    for line in sys.stdin:
        _serve(json.loads(line), trigger, guards)


def _serve(request: dict[str, Any], trigger: Trigger, guards: Guards) -> None:
    assert threading.active_count() == 1, "a process with threads must not be forked"
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _live(request, trigger, guards, writing)
    os.close(writing)
    _say({"pid": child})
    with os.fdopen(reading) as report:
        said = report.read().splitlines()
    _, status = os.waitpid(child, 0)
    _say({"status": os.waitstatus_to_exitcode(status), "said": said})


def _live(request: dict[str, Any], trigger: Trigger, guards: Guards, report: int) -> None:
    """Be a keeper; never returns."""
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    code = _FAILED
    try:
        if request["twin"] != SOUND:
            TWINS[request["twin"]].breaks()
        done = frozenset(request["done"])
        trigger.arm(Order(done, request["aim"], request["nth"]), report)
        _run_keeper(request)
        code = 0
    except BaseException:  # noqa: BLE001 - the forked child's edge: whatever it was, it is told
        traceback.print_exc()
    unlisted = [f"! {entry}\n" for entry in (*guards.unlisted, *_late_modules(), *_STRANGERS)]
    passed = [f"= {count} {point}\n" for point, count in trigger.passed.items()]
    with os.fdopen(report, "w") as telling:
        telling.writelines((*unlisted, *passed))
    sys.stderr.flush()
    os._exit(code)


def _run_keeper(request: dict[str, Any]) -> None:
    from keeper.bootstrap.trading import run_keeper
    from keeper.config import load_config
    from keeper.engine import Engine

    run = Engine.run

    async def noted(engine: Engine) -> None:
        _STRANGERS.extend(strangers(engine))
        await run(engine)

    Engine.run = noted  # type: ignore[method-assign,assignment]
    loaded = load_config(Path(request["config"]), environ={}, overrides=request["overrides"])
    asyncio.run(run_keeper(loaded, {**os.environ, **request["environment"]}))


_LOADED: set[str] = set()
_STRANGERS: list[str] = []


def _modules() -> list[str]:
    _LOADED.update(name for name in sys.modules if name.split(".")[0] == "keeper")
    return sorted(_LOADED)


def _late_modules() -> list[str]:
    """Keeper modules that were loaded after the points had been listed."""
    late = {name for name in sys.modules if name.split(".")[0] == "keeper"} - _LOADED
    return [f"module {name}" for name in sorted(late)]


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
