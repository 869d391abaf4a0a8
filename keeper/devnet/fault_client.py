"""Owns the client of the exchange's fault port: a running world's faults, listed, set, cleared."""

import json
from pathlib import Path
from typing import Any

import httpx

from keeper.domain.errors import ConfigError, VenueUnavailable

__all__ = ["FaultClient"]

TIMEOUT_SECONDS = 5.0
Json = dict[str, Any]


class FaultClient:
    """Talks to the administration port of the world whose record is in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def listed(self) -> Json:
        """Return the faults there are and those that are set. Raises as `_call`."""
        return self._call("GET")

    def set(self, body: Json) -> Json:
        """Set a fault. Raises as `_call`."""
        return self._call("POST", json=body)

    def clear(self, name: str) -> Json:
        """Clear a fault, all of them where the name is empty. Raises as `_call`."""
        return self._call("DELETE", params={"name": name})

    def _admin(self) -> str:
        file = self._folder / "world.json"
        try:
            return str(json.loads(file.read_text())["venue"]["admin"])
        except (OSError, ValueError, KeyError) as error:
            raise ConfigError(
                f"{file} is not the record of a running world",
                next_step="start one with `keeper devnet up`, or name its folder with --out",
            ) from error

    def _call(self, method: str, **how: Any) -> Json:
        """Raises ConfigError for no world or a malformed fault, VenueUnavailable for no answer."""
        url = f"{self._admin()}/admin/faults"
        try:
            answer = httpx.request(method, url, timeout=TIMEOUT_SECONDS, **how)
            shape: Json = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise VenueUnavailable(
                f"no exchange answers at {url}: {error}",
                next_step="start the world with `keeper devnet up`; each start has its own ports",
            ) from error
        if answer.status_code != httpx.codes.OK:
            raise ConfigError(
                str(shape.get("error", answer.text)).removeprefix("ValueError: "),
                next_step="`keeper devnet fault list` shows every fault and what it must name",
            )
        return shape
