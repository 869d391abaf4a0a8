"""How services log: one JSON object a line on stderr; stdout is for data."""

import sys

import structlog

__all__ = ["configure_logs"]


def configure_logs() -> None:
    """Write log lines as JSON on stderr, time in UTC."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
