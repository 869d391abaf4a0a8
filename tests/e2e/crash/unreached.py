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
_ELSEWHERE: Final = (
    "a request to a signing command: the keepers killed here hold their venue key themselves, and "
    "a signature that was asked for is in no order before it is sent, which is a point of its own"
)

UNREACHED: Final[dict[str, str]] = {
    "control.asking.ask: connection.sendall | before": _ASKER,
    "control.asking.ask: connection.sendall | after": _ASKER,
    "chain.reports.VaultReports.submit: self.sender.send | before": _POSTER,
    "chain.reports.VaultReports.submit: self.sender.send | after": _POSTER,
    "venues.dydx.external.ExternalSigner.sign: process.stdin.write | before": _ELSEWHERE,
    "venues.dydx.external.ExternalSigner.sign: process.stdin.write | after": _ELSEWHERE,
}
"""Points by name, with the reason why a running keeper does not pass them."""
