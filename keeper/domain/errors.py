"""The keeper's one error hierarchy; each class says when it is raised and who handles it.

AthanorError
├── ConfigError          configuration or parameters are wrong; the CLI prints it and exits
├── FeedUnavailable      a market-data endpoint cannot be reached; the engine records SourceDown
├── JournalCorrupt       a journal record fails its check; the CLI names it and refuses to trade
├── WrongRelease         a journal was written by another release; the CLI names the one to install
├── EngineFailed         the loop met an unforeseen error and stopped; the CLI prints it and exits
├── RecordingInvalid     a market recording cannot be used; the CLI names file and line
├── ReplayMismatch       a replay produced other bytes than the log holds; the CLI names the record
├── WireError            a foreign payload is not of the documented shape; handled at the edge
├── VenueUnavailable     a venue endpoint cannot be reached; the engine records SourceDown
└── ChainUnavailable     an EVM endpoint cannot be reached or has the wrong chain id; as above

A refusal by a limit is a value (`keeper.domain.approval.Refused`), never one of these.
"""

__all__ = [
    "AthanorError",
    "ChainUnavailable",
    "ConfigError",
    "EngineFailed",
    "FeedUnavailable",
    "JournalCorrupt",
    "RecordingInvalid",
    "ReplayMismatch",
    "VenueUnavailable",
    "WireError",
    "WrongRelease",
]


class AthanorError(Exception):
    """Base of every error this package raises on purpose; carries the next step for a person."""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


class ConfigError(AthanorError):
    """Raised while loading configuration or parameters; handled by the CLI."""


class JournalCorrupt(AthanorError):
    """Raised when a record fails its checksum, sequence or hash chain; names the record."""

    def __init__(self, segment: str, record: int, reason: str) -> None:
        super().__init__(
            f"journal segment {segment}, record {record}: {reason}",
            next_step="restore the segment from a copy; the keeper does not trade on this journal",
        )
        self.segment = segment
        self.record = record
        self.reason = reason


class RecordingInvalid(AthanorError):
    """Raised when a market recording is of another format, has a gap or a crossed book.

    `line` counts from 1; it is 0 when the file or folder as a whole is meant.
    """

    def __init__(self, file: str, line: int, what: str, *, next_step: str) -> None:
        place = f"{file}, line {line}" if line else file
        super().__init__(f"{place}: {what}", next_step=next_step)
        self.file = file
        self.line = line
        self.what = what


class ReplayMismatch(AthanorError):
    """Raised by replay when `step` gives other commands than the log holds; names the record."""


class WrongRelease(AthanorError):
    """Raised by replay and recovery when a run's package version or wheel hash is not ours."""


class EngineFailed(AthanorError):
    """Raised by the engine after it recorded an unforeseen error, cancelled quotes and stopped."""


class WireError(AthanorError):
    """Raised by a mapping module on a payload of unexpected shape, unit or precision."""


class FeedUnavailable(AthanorError):
    """Raised when a place that is only watched refuses the connection or goes silent."""


class VenueUnavailable(AthanorError):
    """Raised when an order venue's endpoint refuses the connection or does not answer in time."""


class ChainUnavailable(AthanorError):
    """Raised when an EVM endpoint cannot be reached or reports another chain id."""
