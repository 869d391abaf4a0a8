"""How services log: one JSON object a line on stderr; stdout is for data."""

import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

__all__ = ["configure_logs"]


def configure_logs(**always: str) -> None:
    """Write log lines as JSON on stderr, time in UTC; each carries what is given here."""

    def constant(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> Any:
        return {**always, **line}

    structlog.configure(
        processors=[
            constant,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
