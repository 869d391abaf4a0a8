"""Processes that hear Ctrl-C: one started from a script's background would ignore it."""

import signal

__all__ = ["hear_interrupts"]


def hear_interrupts() -> None:
    """Undo an inherited refusal of SIGINT; for `preexec_fn`."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
