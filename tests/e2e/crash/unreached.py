"""The few points no story leads to, each with its reason; a test checks that each is still one."""

from typing import Final

__all__ = ["UNREACHED"]

_ASKER: Final = (
    "the asking side of the control socket: `keeper status` calls it, a keeper never does"
)
_POSTER: Final = (
    "the relayer's own posting: `keeper report post` calls it, a keeper sends its report as a "
    "logged operation"
)
UNREACHED: Final[dict[str, str]] = {
    "control.asking.ask: connection.sendall | before": _ASKER,
    "control.asking.ask: connection.sendall | after": _ASKER,
    "chain.reports.VaultReports.submit: self.sender.send | before": _POSTER,
    "chain.reports.VaultReports.submit: self.sender.send | after": _POSTER,
}
"""Points by name, with the reason why a running keeper does not pass them."""
