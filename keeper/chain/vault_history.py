"""A vault's history from its own logs: every epoch, every request and claim, at one block."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from keeper.chain.calls import block_of
from keeper.chain.event_logs import Log, Progress, Span, block_times, read_logs
from keeper.chain.rpc import JsonRpc
from keeper.domain.history import Cut, Epoch, Movement, Posted, Settled, VaultHistory

__all__ = ["HistoryReader"]

_VAULT_EVENTS: Final = (
    *("CloseEpoch", "Settle", "DepositRequest", "RedeemRequest", "Deposit", "Withdraw"),
    *("CancelDepositRequest", "CancelRedeemRequest", "CancelDepositClaim", "CancelRedeemClaim"),
)
_REPORTER_EVENTS: Final = ("SubmitReport", "LegReported")
_MOVEMENTS: Final = {
    "DepositRequest": ("deposit requested", "controller"),
    "CancelDepositRequest": ("deposit cancelled", "controller"),
    "CancelDepositClaim": ("deposit returned", "controller"),
    "Deposit": ("shares claimed", "sender"),
    "RedeemRequest": ("redemption requested", "controller"),
    "CancelRedeemRequest": ("redemption cancelled", "controller"),
    "CancelRedeemClaim": ("shares returned", "controller"),
    "Withdraw": ("assets claimed", "owner"),
}
"""Event -> (kind, argument that names the controller); of Deposit the vault makes it the sender."""


@dataclass(frozen=True, slots=True)
class HistoryReader:
    """One vault and its NavReporter on one node."""

    rpc: JsonRpc
    vault: str
    reporter: str
    progress: Progress | None = None

    async def read(self, first_block: int = 0) -> VaultHistory:
        """Read every log from `first_block` to the head.

        The blocks are searched twice, once for each contract, which `progress` is told of.
        Raises ChainUnavailable, NodeRefused, WireError.
        """
        head = block_of(await self.rpc.call("eth_getBlockByNumber", "latest", False))
        span = Span(first_block, head.number)
        logs = await self._logs("MarketMakingVault", self.vault, _VAULT_EVENTS, span)
        posted = await self._logs("NavReporter", self.reporter, _REPORTER_EVENTS, span)
        times = await block_times(self.rpc, {log.block for log in logs})
        return VaultHistory(
            first_block=first_block,
            block=head.number,
            block_time_s=head.timestamp,
            epochs=_epochs(logs, _reports(posted), times),
            movements=tuple(
                _movement(log, times[log.block]) for log in logs if log.event in _MOVEMENTS
            ),
        )

    async def _logs(
        self, contract_name: str, address: str, events: tuple[str, ...], span: Span
    ) -> list[Log]:
        return await read_logs(
            self.rpc, contract_name, address, events, span, progress=self.progress
        )


def _epochs(
    logs: Iterable[Log], reports: dict[int, Posted], times: dict[int, int]
) -> tuple[Epoch, ...]:
    cuts: dict[int, Cut] = {}
    settled: dict[int, Settled] = {}
    for log in logs:
        if log.event == "CloseEpoch":
            cuts[log.values["epoch"]] = _cut(log)
        elif log.event == "Settle":
            settled[log.values["epoch"]] = _settled(log, times[log.block])
    return tuple(
        Epoch(number=n, cut=cut, posted=reports.get(n), settled=settled.get(n))
        for n, cut in sorted(cuts.items())
    )


def _cut(log: Log) -> Cut:
    values = log.values
    return Cut(
        time_s=values["time"],
        block=log.block,
        idle=values["idle"],
        leg_bid=values["legBid"],
        leg_ask=values["legAsk"],
        deposit_total=values["depositTotal"],
        redeem_total=values["redeemTotal"],
    )


def _settled(log: Log, time_s: int) -> Settled:
    values = log.values
    return Settled(
        time_s=time_s,
        block=log.block,
        tx_hash=log.tx_hash,
        accepted=values["accepted"],
        gross=values["gross"],
        gross_ask=values["grossAsk"],
        fee_shares=values["feeShares"],
        deposit_assets=values["depositAssets"],
        deposit_shares=values["depositShares"],
        redeem_shares=values["redeemShares"],
        redeem_assets=values["redeemAssets"],
        accepted_after=values["acceptedAfter"],
        supply_after=values["supplyAfter"],
        whole_exit=values["wholeExit"],
    )


def _reports(logs: Iterable[Log]) -> dict[int, Posted]:
    legs: dict[int, list[Log]] = {}
    submitted: dict[int, Log] = {}
    for log in logs:
        if log.event == "LegReported":
            legs.setdefault(log.values["epoch"], []).append(log)
        else:
            submitted[log.values["epoch"]] = log
    return {epoch: _posted(log, legs.get(epoch, [])) for epoch, log in submitted.items()}


def _posted(log: Log, legs: list[Log]) -> Posted:
    return Posted(
        digest=log.values["digest"],
        data_root=log.values["dataRoot"],
        pnl=tuple(log.values["pnl"]),
        external_flow=log.values["externalFlow"],
        equity=sum(leg.values["equity"] for leg in legs),
        credited=sum(leg.values["credited"] for leg in legs),
        debited=sum(leg.values["debited"] for leg in legs),
        venue_heights=tuple(leg.values["venueHeight"] for leg in legs),
    )


def _movement(log: Log, time_s: int) -> Movement:
    kind, who = _MOVEMENTS[log.event]
    return Movement(
        kind=kind,
        time_s=time_s,
        block=log.block,
        tx_hash=log.tx_hash,
        account=log.values[who],
        assets=log.values.get("assets"),
        shares=log.values.get("shares"),
    )
