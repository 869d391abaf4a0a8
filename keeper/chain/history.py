"""A vault's settlements from its own and its reporter's events, oldest first."""

from dataclasses import dataclass

from keeper.chain.logs import Log, LogQuery, Progress, read_logs
from keeper.chain.rpc import JsonRpc

__all__ = ["LegStatement", "Settlement", "read_history"]


@dataclass(frozen=True, slots=True)
class LegStatement:
    """What a report said of one attested leg; amounts in asset units."""

    equity: int
    credited: int
    debited: int
    venue_height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One settled cut; assets in asset units, shares in share units, time of the cut in seconds.

    `accepted` and `gross` are before flows, `accepted_after` and `supply_after` with them.
    """

    epoch: int
    time: int
    block: int
    tx_hash: str
    accepted: int
    gross: int
    gross_ask: int
    deposit_assets: int
    deposit_shares: int
    redeem_shares: int
    redeem_assets: int
    accepted_after: int
    supply_after: int
    whole_exit: bool
    pnl: tuple[int, ...]
    external_flow: int
    digest: str
    data_root: str
    legs: tuple[LegStatement, ...]

    @property
    def supply_before(self) -> int:
        return self.supply_after - self.deposit_shares + self.redeem_shares


async def read_history(
    rpc: JsonRpc,
    vault: str,
    reporter: str,
    blocks: tuple[int, int],
    progress: Progress | None = None,
) -> list[Settlement]:
    """Read every settlement of a range of blocks, both ends included.

    The range is read twice, which `progress` is told of. A settlement whose cut lies before the
    range is left out. Raises what `read_logs` raises.
    """
    own = LogQuery("MarketMakingVault", vault, ("CloseEpoch", "Settle"), *blocks)
    said = LogQuery("NavReporter", reporter, ("SubmitReport", "LegReported"), *blocks)
    vault_logs = await read_logs(rpc, own, progress)
    return _merged(vault_logs, await read_logs(rpc, said, progress))


def _merged(vault_logs: list[Log], reporter_logs: list[Log]) -> list[Settlement]:
    times = {log.fields["epoch"]: log.fields["time"] for log in _named(vault_logs, "CloseEpoch")}
    reports = {log.fields["epoch"]: log for log in _named(reporter_logs, "SubmitReport")}
    legs: dict[int, list[Log]] = {}
    for log in _named(reporter_logs, "LegReported"):
        legs.setdefault(log.fields["epoch"], []).append(log)
    return [
        _settlement(log, times[epoch], reports[epoch], legs.get(epoch, []))
        for log in _named(vault_logs, "Settle")
        if (epoch := log.fields["epoch"]) in times
    ]


def _named(logs: list[Log], event: str) -> list[Log]:
    return [log for log in logs if log.event == event]


def _settlement(log: Log, time: int, report: Log, legs: list[Log]) -> Settlement:
    found, said = log.fields, report.fields
    return Settlement(
        epoch=found["epoch"],
        time=time,
        block=log.block,
        tx_hash=log.tx_hash,
        accepted=found["accepted"],
        gross=found["gross"],
        gross_ask=found["grossAsk"],
        deposit_assets=found["depositAssets"],
        deposit_shares=found["depositShares"],
        redeem_shares=found["redeemShares"],
        redeem_assets=found["redeemAssets"],
        accepted_after=found["acceptedAfter"],
        supply_after=found["supplyAfter"],
        whole_exit=found["wholeExit"],
        pnl=tuple(said["pnl"]),
        external_flow=said["externalFlow"],
        digest="0x" + said["digest"].hex(),
        data_root="0x" + said["dataRoot"].hex(),
        legs=tuple(_leg(item.fields) for item in legs),
    )


def _leg(fields: dict[str, int]) -> LegStatement:
    return LegStatement(
        fields["equity"], fields["credited"], fields["debited"], fields["venueHeight"]
    )
