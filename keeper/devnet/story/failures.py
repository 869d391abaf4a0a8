"""The errors of the demonstration that a person can do something about."""

from keeper.domain.errors import AthanorError

__all__ = ["SceneFailed"]


class SceneFailed(AthanorError):
    """Raised when a scene cannot come to its end; the CLI says why and what to do about it."""
