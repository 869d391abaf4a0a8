"""The instruments themselves: a write is found by its shape, or by the guards; dying is exact."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.console import ROOT
from tests.e2e.crash.points import implementations, port_methods
from tests.e2e.crash.sites import sites_of

WRITES = (
    "os.open(path, flags)",
    "os.write(descriptor, content)",
    "os.fdatasync(descriptor)",
    "os.truncate(path, 3)",
    "path.open('ab')",
    "open(path)",
    "file.write(content)",
    "path.unlink()",
    "temporary.replace(path)",
    "self._client.post(url, json=body)",
    "self._client.get(url, params=params)",
    "self._method(name)(request, timeout=5)",
    "self._connection.send(text)",
    "self._connection.close()",
    "asyncio.start_unix_server(serve, path)",
)
OTHERS = (
    "found.get(key)",
    "path.open()",
    "path.open('rb')",
    "text.replace('a', 'b')",
    "msgspec.structs.replace(entry, seq=1)",
    "os.close(descriptor)",
    "self._journal.close()",
    "self._alerts.send(severity, code, text)",
    "httpx.AsyncClient(timeout=5)",
)
GUARDED = """
import sys
from pathlib import Path
from tests.e2e.crash.guards import Guards
from tests.e2e.crash.sites import install
sites = install(lambda name, function: function)
from keeper.journal.layout import write_durably
guards = Guards([site for site in sites.found if sys.argv[1] not in site.name])
guards.watch()
write_durably(Path(sys.argv[2]) / "a", b"content")
print("\\n".join(guards.unlisted))
"""
DYING = """
import sys
from tests.e2e.crash.trigger import Order, Trigger
trigger = Trigger()
trigger.arm(Order(aim=sys.argv[1], nth=2), 1)
put = trigger.call("here: file.write", open(sys.argv[2], "wb", 0).write)
put(b"first,")
put(b"second")
"""


@pytest.mark.parametrize("call", WRITES)
def test_sites_of__write__is_found(call: str) -> None:
    (site,) = sites_of(f"def work():\n    {call}\n", "keeper.some.module", "file.py")

    assert site.name == f"some.module.work: {call[: call.rindex('(')]}"
    assert (site.first_line, site.last_line) == (2, 2)


@pytest.mark.parametrize("call", OTHERS)
def test_sites_of__call_that_writes_nothing__is_left_alone(call: str) -> None:
    assert sites_of(f"def work():\n    {call}\n", "keeper.some.module", "file.py") == []


def test_sites_of__same_call_twice_in_a_function__two_names() -> None:
    source = "def work():\n    os.fsync(one)\n    os.fsync(two)\n"

    names = [site.name for site in sites_of(source, "keeper.some", "file.py")]

    assert names == ["some.work: os.fsync", "some.work: os.fsync (2)"]


def test_implementations__every_protocol_of_ports__is_served() -> None:
    assert set(port_methods()) == set(implementations()) - {"ControlServer"}


def test_implementations__every_method_of_a_port__is_the_class_s_own() -> None:
    methods = port_methods()
    for port, classes in implementations().items():
        for served in classes:
            assert set(methods.get(port, ["run"])) <= set(vars(served)), (port, served)


@pytest.mark.parametrize(("hidden", "seen"), [("nothing is", ""), ("os.fsync", "os.fsync at")])
def test_guards__write_whose_site_is_not_listed__is_named(
    tmp_path: Path, hidden: str, seen: str
) -> None:
    done = _python(GUARDED, hidden, str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert bool(done.stdout.strip()) == bool(seen), done.stdout
    assert seen in done.stdout


@pytest.mark.parametrize(
    ("phase", "left"), [("before", "first,"), ("during", "first,sec"), ("after", "first,second")]
)
def test_trigger__aimed_at_the_second_passing__dies_there(
    tmp_path: Path, phase: str, left: str
) -> None:
    file = tmp_path / "written"

    done = _python(DYING, f"here: file.write | {phase}", str(file))

    assert done.returncode == -9
    assert done.stdout == f"here: file.write | {phase}\n"
    assert file.read_text() == left


def _python(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
