"""The read API in OpenAPI 3.1, written by hand: four addresses, nothing to send."""

from typing import Any, Final

from keeper import __version__

__all__ = ["API_VERSION", "openapi"]

API_VERSION: Final = "1"


def openapi() -> dict[str, Any]:
    """Return the description of this server's API."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Athanor keepers, read-only",
            "version": API_VERSION,
            "description": f"Served by athanor-keeper {__version__}. Money and sizes are integers "
            "of smallest units, ages are in ms, -1 means never.",
        },
        "paths": {
            "/snapshot": _get("Every keeper now", {"$ref": "#/components/schemas/Snapshot"}),
            "/health": _get(
                "Whether this server serves, and how many keepers are live, stale, offline",
                {"type": "object", "additionalProperties": True},
            ),
            "/ws": {
                "get": {
                    "summary": "Websocket: a Snapshot as JSON text once a second",
                    "responses": {"101": {"description": "switching protocols"}},
                }
            },
        },
        "components": {"schemas": {"Snapshot": _SNAPSHOT, "Keeper": _KEEPER}},
    }


def _get(summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return {
        "get": {"summary": summary, "responses": {"200": {"description": "ok", "content": content}}}
    }


_SNAPSHOT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["api", "version", "keepers"],
    "properties": {
        "api": {"type": "string", "description": "version of this shape"},
        "version": {"type": "string", "description": "version of the package"},
        "keepers": {"type": "array", "items": {"$ref": "#/components/schemas/Keeper"}},
    },
}
_KEEPER: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["name", "mode", "vault", "freshness", "silent_ms", "data_age_ms", "status"],
    "properties": {
        "name": {"type": "string"},
        "mode": {"type": "string", "description": "live, testnet, local world, shadow of one"},
        "vault": {"type": "string"},
        "freshness": {"enum": ["live", "stale", "offline"]},
        "silent_ms": {"type": "integer", "description": "time since its last answer"},
        "data_age_ms": {"type": "integer", "description": "age of the venue's newest block"},
        "problem": {"type": "string"},
        "next_step": {"type": "string"},
        "status": {
            "type": ["object", "null"],
            "description": "as `keeper status --json` prints it; null while offline",
        },
    },
}
