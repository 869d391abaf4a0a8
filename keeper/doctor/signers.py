"""Checks that the commands of `[keys]` sign: started, asked a few times, checked, ended."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from keeper.doctor.rows import Finding, Probe, fail, ok, skip, warn
from keeper.doctor.site import Site
from keeper.domain.errors import AthanorError
from keeper.venues.dydx.keys import Signer, address_of

__all__ = ["signer_probes"]

TIMES: Final = 5
ROLES: Final = ("venue", "treasurer_venue")


@dataclass(frozen=True, slots=True)
class _Signers:
    site: Site
    signer_of: Callable[[str], Signer]

    async def sign(self) -> Sequence[Finding]:
        found = [await self._asked(role, limit) for role, limit in self._commands()]
        return found or [skip("no key of [keys] is held by a command")]

    def _commands(self) -> Iterator[tuple[str, int]]:
        for role in ROLES:
            key = getattr(self.site.config.keys, role)
            if key is not None and key.command:
                yield role, key.timeout_ms or 0

    async def _asked(self, role: str, limit_ms: int) -> Finding:
        signer = self.signer_of(role)
        try:
            await signer.ready()
            took = [await _timed(signer) for _ in range(TIMES)]
        except AthanorError as error:
            fix = f"run the command of keys.{role} by hand; docs/dydx.md says what it is asked"
            return fail(str(error), fix, role)
        finally:
            await signer.close()
        middle = statistics.median(took)
        text = f"signs for {address_of(signer.public_key)} in {middle:.1f} ms of {limit_ms}"
        if middle * 4 > limit_ms:
            return warn(text, f"a faster signer, or a greater keys.{role}.timeout_ms", role)
        return ok(text, role)


async def _timed(signer: Signer) -> float:
    """Milliseconds of one signature of what no chain would take."""
    since = time.perf_counter()
    await signer.ready()
    return (time.perf_counter() - since) * 1_000


def signer_probes(site: Site, signer_of: Callable[[str], Signer]) -> list[Probe]:
    """Return the check of the commands that sign; each is run, and ended again."""
    return [Probe("keys.signer", _Signers(site, signer_of).sign)]
