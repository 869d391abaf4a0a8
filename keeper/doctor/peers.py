"""Checks of other processes: the reporters, and the keeper of this configuration if it runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from keeper.chain.calls import read_at, view
from keeper.chain.codec import checksum
from keeper.config import params_hash, to_step_settings
from keeper.control.asking import NotRunning, Request, ask
from keeper.doctor.endpoints import EVM
from keeper.doctor.rows import Finding, Probe, fail, in_thread, ok, skip, warn
from keeper.doctor.site import Site

__all__ = ["Answer", "peer_probes", "reporter_findings"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Who a reporter says it signs as, checksummed; empty where it did not answer, and why."""

    url: str
    signer: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Peers:
    site: Site

    async def reporters(self) -> Sequence[Finding]:
        relay = self.site.config.relay
        if relay is None:
            return [skip("no [relay] names reporters")]
        reporter = self.site.config.vault.reporter
        names = [view("NavReporter", reporter, name) for name in ("reporters", "quorum")]
        (known,), (quorum,) = await read_at(self.site.rpc, "latest", names)
        seconds = self.site.config.venue.query_deadline_ms / 1_000
        async with httpx.AsyncClient(timeout=seconds) as client:
            answers = [await _signer(client, url) for url in relay.reporter_urls]
        return reporter_findings(answers, frozenset(map(checksum, known)), quorum)

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
    return [
        Probe("reporter.reach", peers.reporters, (EVM,)),
        Probe("keeper.running", peers.keeper),
    ]


async def _signer(client: httpx.AsyncClient, url: str) -> Answer:
    try:
        response = await client.get(f"{url}/healthz")
        response.raise_for_status()
        return Answer(url=url, signer=checksum(response.json()["signer"]))
    except (httpx.HTTPError, ValueError, KeyError) as error:
        return Answer(url=url, problem=f"{type(error).__name__} {error}".strip())


def reporter_findings(
    answers: Sequence[Answer], known: frozenset[str], quorum: int
) -> list[Finding]:
    """One row a reporter: without an answer it is a failure only where no quorum answers."""
    reached = len({answer.signer for answer in answers} & known)
    miss = fail if reached < quorum else warn
    count = f"{reached} of the {quorum} that have to sign answer"
    return [_reporter(answer, known, miss, count) for answer in answers]


def _reporter(
    answer: Answer, known: frozenset[str], miss: Callable[[str, str, str], Finding], count: str
) -> Finding:
    if not answer.signer:
        fix = "start it (keeper reporter serve), or correct relay.reporter_urls"
        return miss(f"no answer: {answer.problem}; {count}", fix, answer.url)
    if answer.signer not in known:
        found = f"signs as {answer.signer}, which the vault's set does not name; {count}"
        fix = "correct relay.reporter_urls, or: keeper admin propose set-reporters"
        return miss(found, fix, answer.url)
    return ok(f"signs as {answer.signer}", answer.url)


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
