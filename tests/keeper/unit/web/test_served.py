"""`keeper serve` as an operator runs it: what it answers, and whom it refuses to serve."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from tests.keeper.live_keeper import LiveKeeper, until
from tests.keeper.serving import KEEPER, config_in, served

TOKEN = "a-token-of-more-than-24-characters"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("served")
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
        yield folder


@pytest.fixture(scope="module")
def alpha(runtime: Path) -> Iterator[LiveKeeper]:
    keeper = LiveKeeper(runtime / "alpha" / "journal")
    keeper.start()
    yield keeper
    keeper.stop()


@pytest.fixture(scope="module")
def server(runtime: Path, alpha: LiveKeeper) -> Iterator[httpx.Client]:
    """Two keepers on one server; only alpha runs."""
    configs = [config_in(runtime / name) for name in ("alpha", "beta")]
    with served(configs) as said, httpx.Client(base_url=said["url"]) as client:
        yield client


def keepers(server: httpx.Client) -> dict[str, dict[str, Any]]:
    answer = server.get("/snapshot").json()
    return {keeper["name"]: keeper for keeper in answer["keepers"]}


def test_snapshot__two_keepers__are_told_apart(server: httpx.Client, alpha: LiveKeeper) -> None:
    def is_seen() -> bool:
        alpha.tick()
        return keepers(server)["alpha"]["freshness"] == "live"

    until(is_seen)

    found = keepers(server)
    assert found["alpha"]["mode"] == "local world"
    assert found["alpha"]["status"]["state"] == "ACTIVE"
    assert (found["beta"]["freshness"], found["beta"]["status"]) == ("offline", None)


def test_health__server__counts_its_keepers(server: httpx.Client) -> None:
    answer = server.get("/health").json()

    assert answer["ok"] is True
    assert sum(answer["keepers"].values()) == 2


def test_openapi__description__has_a_version_and_every_address(server: httpx.Client) -> None:
    answer = server.get("/openapi.json").json()

    assert answer["info"]["version"] == server.get("/snapshot").json()["api"]
    for path in set(answer["paths"]) - {"/ws"}:
        assert server.get(path).status_code == 200
    fields = answer["components"]["schemas"]["Keeper"]["properties"]
    assert set(fields) == set(keepers(server)["alpha"])


@pytest.mark.parametrize("path", ["/", "/snapshot", "/health", "/ws", "/static/page.css"])
def test_server__anything_but_get__is_not_allowed(server: httpx.Client, path: str) -> None:
    answer = server.post(path, content=b"halt")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_server__a_name_that_is_not_its_own__is_refused(server: httpx.Client) -> None:
    assert server.get("/snapshot", headers={"Host": "evil.example"}).status_code == 421


def test_server__files__are_the_pages_own_alone(server: httpx.Client) -> None:
    assert server.get("/static/live.js").headers["content-type"].startswith("text/javascript")
    assert server.get("/static/..%2f..%2fpyproject.toml").status_code == 404
    assert server.get("/static/report.html.j2").status_code == 404


def test_ws__a_listener__gets_each_second_s_snapshot(
    server: httpx.Client, alpha: LiveKeeper
) -> None:
    async def listen() -> list[int]:
        address = str(server.base_url).replace("http", "ws") + "ws"
        heights: list[int] = []
        async with websockets.connect(address) as socket:
            for _ in range(3):
                alpha.tick()
                body = json.loads(await asyncio.wait_for(socket.recv(), 10))
                heights.append(body["keepers"][0]["status"]["venue_height"])
        return heights

    heights = asyncio.run(listen())

    assert heights == sorted(heights)
    assert heights[-1] > heights[0]


def test_ws__another_page_s_origin__is_refused(server: httpx.Client) -> None:
    async def listen() -> None:
        address = str(server.base_url).replace("http", "ws") + "ws"
        async with websockets.connect(address, origin=websockets.Origin("http://evil.example")):
            pass

    with pytest.raises(websockets.InvalidStatus) as caught:
        asyncio.run(listen())

    assert caught.value.response.status_code == 403


def refused(runtime: Path, *options: str, token: str = "") -> dict[str, Any]:
    """Run a serve that does not start; return its error."""
    config = config_in(runtime / "alpha")
    command = [KEEPER, "serve", "--config", str(config), "--json", *options]
    environment = {**os.environ, "KEEPER_WEB_TOKEN": token}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 3, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["error"]
    return found


def test_serve__off_loopback_without_a_token__does_not_start(runtime: Path) -> None:
    error = refused(runtime, "--host", "0.0.0.0")  # noqa: S104

    assert "KEEPER_WEB_TOKEN" in error["message"]
    assert "openssl rand" in error["next_step"]


def test_serve__a_short_token__does_not_start(runtime: Path) -> None:
    assert "24 are the least" in refused(runtime, token="short")["message"]


def test_serve__a_port_in_use__says_so(server: httpx.Client, runtime: Path) -> None:
    error = refused(runtime, "--port", str(server.base_url.port))

    assert error["code"] == "ADDRESS_TAKEN"


def test_serve__off_loopback_with_a_token__asks_for_it(runtime: Path) -> None:
    config = config_in(runtime / "alpha")
    options = ("--host", "0.0.0.0", "--allow-host", "maker.example")  # noqa: S104
    with served([config], *options, token=TOKEN) as said:
        port = httpx.URL(said["url"]).port
        address = f"http://127.0.0.1:{port}/snapshot"
        names = {"Host": "maker.example"}

        without = httpx.get(address, headers=names)
        with_it = httpx.get(address, headers={**names, "Authorization": f"Bearer {TOKEN}"})

    assert (without.status_code, with_it.status_code) == (401, 200)
