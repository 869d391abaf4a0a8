"""The one loop: take an event, log it, step, log the commands, hand them on."""

from keeper.engine.loop import Engine

__all__ = ["Engine"]
