"""Builds the report of a cut from captures and public history; pure, so all reporters agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from keeper.domain.reports import ZERO32, Leg, OpenCut, Report
from keeper.reporter.attribution import History, PriceAt, attribute
from keeper.reporter.capture import LegCapture, VenueAccount
from keeper.reporter.equity import equity
from keeper.reporter.flows import subaccount_foreign, wallet_flows
from keeper.reporter.indexer import Fill, Funding, Transfer
from keeper.reporter.model import Refusal

__all__ = ["LegInputs", "build_report"]


@dataclass(frozen=True, slots=True)
class LegInputs:
    """All that the numbers of one leg are computed from; history lies between the captures.

    `before` and `last` are None before the first report; `sent` is the adapter's at the cut.
    """

    account: VenueAccount
    capture: LegCapture
    before: LegCapture | None
    last: Leg | None
    sent: int
    fills: tuple[Fill, ...]
    fundings: tuple[Funding, ...]
    transfers: tuple[Transfer, ...]


@dataclass(frozen=True, slots=True)
class _Assessed:
    leg: Leg
    pnl: tuple[int, ...]
    foreign: int


def build_report(
    cut: OpenCut, legs: Sequence[LegInputs], price_at: PriceAt, data_root: str
) -> Report | Refusal:
    """Compute the one report this cut can have, or say which number stands against it.

    Raises WireError when a capture does not hold what it should.
    """
    assessed = []
    for inputs in legs:
        result = _assess(inputs, price_at)
        if isinstance(result, Refusal):
            return result
        assessed.append(result)
    spread, inventory, funding, fees, incentives = (
        sum(item.pnl[cause] for item in assessed) for cause in range(5)
    )
    return Report(
        epoch=cut.epoch,
        set_id=cut.set_id,
        prev_hash=cut.prev_hash,
        legs=tuple(item.leg for item in assessed),
        pnl=(spread, inventory, funding, fees, incentives),
        external_flow=sum(item.foreign for item in assessed),
        data_root=data_root,
        data_cid=ZERO32,
    )


def _assess(inputs: LegInputs, price_at: PriceAt) -> _Assessed | Refusal:
    after = inputs.capture.account()
    transactions = inputs.capture.transactions()
    last = inputs.last or Leg(equity=0, credited=0, debited=0, venue_height=0)
    now = wallet_flows(inputs.account, transactions)
    then = wallet_flows(
        inputs.account, [tx for tx in transactions if tx.height <= last.venue_height]
    )
    leg = Leg(
        equity=equity(after),
        # What the bridge brought beyond what the adapter ever sent is somebody else's money.
        credited=min(now.bridged_in, inputs.sent),
        debited=now.bridged_out,
        venue_height=inputs.capture.height,
    )
    surplus = (now.bridged_in - leg.credited) - (then.bridged_in - last.credited)
    foreign = surplus + now.foreign - then.foreign
    foreign += floor(subaccount_foreign(inputs.account, inputs.transfers))
    change = (leg.equity - last.equity) - (leg.credited - last.credited)
    change += leg.debited - last.debited
    history = History(inputs.fills, inputs.fundings, now.fees - then.fees)
    before = inputs.before.account() if inputs.before is not None else None
    causes = attribute(change - foreign, before, after, history, price_at)
    if isinstance(causes, Refusal):
        return causes
    return _Assessed(leg, causes.as_pnl(), foreign)
