"""Checks of other processes: the reporters, and the keeper of this configuration if it runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from keeper.config import params_hash, to_step_settings
from keeper.control.asking import NotRunning, Request, ask
from keeper.doctor.rows import Finding, Probe, fail, in_thread, ok, skip, warn
from keeper.doctor.site import Site

__all__ = ["peer_probes"]


@dataclass(frozen=True, slots=True)
class _Peers:
    site: Site

    async def reporters(self) -> Sequence[Finding]:
        relay = self.site.config.relay
        if relay is None:
            return [skip("no [relay] names reporters")]
        seconds = self.site.config.venue.query_deadline_ms / 1_000
        async with httpx.AsyncClient(timeout=seconds) as client:
            return [await _reporter(client, url) for url in relay.reporter_urls]

    async def keeper(self) -> Sequence[Finding]:
        section = self.site.config.journal
        if section is None or not self.site.is_keeper:
            return [skip("this configuration runs no keeper")]
        folder = self.site.loaded.journal_folder(section)
        try:
            answer = await in_thread(lambda: ask(folder, Request(verb="status")))
        except NotRunning:
            return [skip("no keeper runs on this journal")]
        return _running(answer["status"], params_hash(to_step_settings(self.site.config)))


def peer_probes(site: Site) -> list[Probe]:
    """Return the checks of other processes."""
    peers = _Peers(site)
    return [Probe("reporter.reach", peers.reporters), Probe("keeper.running", peers.keeper)]


async def _reporter(client: httpx.AsyncClient, url: str) -> Finding:
    fix = "start it (keeper reporter serve), or correct relay.reporter_urls"
    try:
        response = await client.get(f"{url}/healthz")
        response.raise_for_status()
        signer = response.json()["signer"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        return fail(f"no answer: {type(error).__name__} {error}".strip(), fix, url)
    return ok(f"signs as {signer}", url)


def _running(status: dict[str, Any], wanted: str) -> list[Finding]:
    found = f"run {status['run']} in mode {status['mode']} is {status['state']}"
    if status["params_hash"] != wanted:
        fix = "keeper params show names what differs; put it into the file, or restart"
        return [warn(f"{found}, with other parameters than the file's", fix)]
    if status["state"] != "ACTIVE":
        return [warn(found, "see: keeper status; trading starts again with: keeper resume")]
    if status["sources_down"]:
        down = ", ".join(status["sources_down"])
        return [warn(f"{found}, without {down}", "see the endpoint.* rows")]
    return [ok(found)]
