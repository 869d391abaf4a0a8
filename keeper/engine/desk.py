"""Hands each logged command to its port; a refusal goes nowhere but into the log."""

from collections.abc import Coroutine
from typing import Any, cast

from keeper.domain.approval import Approved
from keeper.domain.commands import ChainCommand, CollectReport, OrderCommand, RaiseAlert
from keeper.engine.leftovers import keeper_result
from keeper.engine.sending import AgeLimit, AlertBox, Outbox
from keeper.engine.sequencer import Issued
from keeper.ports import Alerts, OrderVenue, Reporters, VaultChain

__all__ = ["Desk"]

_NO_CHAIN = "this keeper runs without a chain"
_NO_REPORTERS = "this keeper asks no reporters"


class Desk:
    """The outboxes of a keeper; each is carried by a job of its own."""

    def __init__(
        self,
        venue: OrderVenue,
        chain: VaultChain | None,
        reporters: Reporters | None,
        alerts: Alerts,
        limit: AgeLimit,
    ) -> None:
        self._emit = limit.emit
        self._orders: Outbox[OrderCommand] = Outbox(venue.submit, limit)
        self._operations: Outbox[ChainCommand] | None = (
            Outbox(chain.submit, limit) if chain is not None else None
        )
        self._questions: Outbox[CollectReport] | None = (
            Outbox(reporters.submit, limit) if reporters is not None else None
        )
        self._alerts = AlertBox(alerts)

    def hand_over(self, item: Issued) -> None:
        """Put a logged command on its way."""
        command = item.approved.value
        if isinstance(command, OrderCommand):
            approved_order = cast(Approved[OrderCommand], item.approved)
            self._orders.put(item.command_id, approved_order, item.t_ns)
        elif isinstance(command, ChainCommand):
            self._hand_over_operation(item)
        elif isinstance(command, CollectReport):
            self._hand_over_question(item)
        elif isinstance(command, RaiseAlert):
            self._alerts.put(command)

    def alert(self, alert: RaiseAlert) -> None:
        """Tell a person something that no step decided."""
        self._alerts.put(alert)

    @property
    def is_idle(self) -> bool:
        """Whether no order and no alert is on its way (operations are followed over restarts)."""
        return self._orders.is_idle and self._alerts.is_idle

    def jobs(self) -> list[Coroutine[Any, Any, None]]:
        """Return what has to run for anything to be sent."""
        jobs = [self._orders.run(), self._alerts.run()]
        if self._operations is not None:
            jobs.append(self._operations.run())
        if self._questions is not None:
            jobs.append(self._questions.run())
        return jobs

    def _hand_over_operation(self, item: Issued) -> None:
        if self._operations is None:
            self._emit(keeper_result(item.command_id, "DROPPED", _NO_CHAIN))
            return
        approved = cast(Approved[ChainCommand], item.approved)
        self._operations.put(item.command_id, approved, item.t_ns)

    def _hand_over_question(self, item: Issued) -> None:
        if self._questions is None:
            self._emit(keeper_result(item.command_id, "DROPPED", _NO_REPORTERS))
            return
        approved = cast(Approved[CollectReport], item.approved)
        self._questions.put(item.command_id, approved, item.t_ns)
