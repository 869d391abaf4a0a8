"""Reads what a vault owes its depositors, and what its keeper's stake then costs and bounds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from keeper.chain.calls import Block, Call, read_at, view
from keeper.chain.event_logs import Log, Span, read_logs
from keeper.chain.rpc import JsonRpc
from keeper.domain.events import Claimable, DutiesObserved
from keeper.domain.protocol import PENALTY_SECONDS, SETTLEMENT_DELAY_SECONDS

__all__ = ["DutyReader"]

CONTRACT: Final = "MarketMakingVault"
_EVERY_BLOCKS: Final = 5
_CUTS_BACK: Final = 10
"""A cut a day at most: what is older has been late for longer than a wind-down takes."""
_AT_ONCE: Final = 100
_EVENTS: Final = ("OperatorSet", "Settle", "Deposit", "Withdraw")
_CONTROLLER: Final = {"OperatorSet": "controller", "Deposit": "sender", "Withdraw": "owner"}
"""Which argument names the controller; of Deposit the vault makes it the sender."""
_STAKE: Final = "KeeperStake"
_MANDATE_VIEWS: Final = ("keeper", "keeperSince", "keeperStake", "limits")
_CLAIM_VIEWS: Final = ("maxDeposit", "maxRedeem", "maxWithdraw")


@dataclass(slots=True)
class DutyReader:
    """One vault; controllers are found in its logs, block by block, and asked about when touched.

    `operator` is whom they may have named, empty for nobody; `next_block` is the first whose logs
    were not read yet.
    """

    rpc: JsonRpc
    vault: str
    operator: str
    next_block: int
    _controllers: set[str] = field(default_factory=set)
    _touched: set[str] = field(default_factory=set)
    _claims: dict[str, Claimable] = field(default_factory=dict)
    _seen: int = -1

    def is_due(self, block: Block) -> bool:
        """Tell whether enough blocks have passed since the last look."""
        return block.number >= self._seen + _EVERY_BLOCKS or block.number < self._seen

    def forget(self, number: int) -> None:
        """Read again from a block that is no longer canonical, and ask about everyone."""
        self.next_block = min(self.next_block, number)
        self._touched |= self._controllers
        self._seen = -1

    async def observe(self, block: Block) -> DutiesObserved:
        """Read everything at the block; what fails is read again by the next look.

        Raises ChainUnavailable, CallReverted, NodeRefused, WireError.
        """
        if self.operator:
            await self._follow_logs(block)
            await self._ask_touched(block)
        unpaid_since = await self._unpaid_since(block)
        staked = await self._read_stake(block)
        self._seen = block.number
        return DutiesObserved(
            block_number=block.number,
            block_hash=block.hash,
            block_timestamp=block.timestamp,
            unpaid_since=unpaid_since,
            claims=tuple(self._claims[name] for name in sorted(self._claims)),
            penalty_due_at=staked.penalty_due_at(unpaid_since),
            stake_bound=staked.bound,
        )

    async def _follow_logs(self, block: Block) -> None:
        """Note whom new events touch: a settlement everybody, the others one controller each."""
        if block.number < self.next_block:
            return
        span = Span(self.next_block, block.number)
        for log in await read_logs(self.rpc, CONTRACT, self.vault, _EVENTS, span):
            if log.event == "Settle":
                self._touched |= self._controllers
            elif log.event == "OperatorSet":
                self._note_operator(log)
            elif log.values[_CONTROLLER[log.event]] in self._controllers:
                self._touched.add(log.values[_CONTROLLER[log.event]])
        self.next_block = block.number + 1

    def _note_operator(self, log: Log) -> None:
        if log.values["operator"].lower() == self.operator.lower():
            self._controllers.add(log.values["controller"])
            self._touched.add(log.values["controller"])

    async def _ask_touched(self, block: Block) -> None:
        """Ask what each touched controller may claim, if we are its operator at this block."""
        for names in _batches(sorted(self._touched)):
            calls = [call for name in names for call in self._calls(name)]
            answers = [answer[0] for answer in await read_at(self.rpc, block, calls)]
            width = 1 + len(_CLAIM_VIEWS)
            for name, first in zip(names, range(0, len(answers), width), strict=True):
                allowed, *amounts = answers[first : first + width]
                self._claims.pop(name, None)
                if allowed and any(amounts):
                    self._claims[name] = Claimable(
                        controller=name,
                        deposit_assets=amounts[0],
                        redeem_shares=amounts[1],
                        redeem_assets=amounts[2],
                    )
            self._touched.difference_update(names)

    def _calls(self, controller: str) -> Iterator[Call]:
        yield view(CONTRACT, self.vault, "isOperator", controller, self.operator)
        for name in _CLAIM_VIEWS:
            yield view(CONTRACT, self.vault, name, controller)

    async def _unpaid_since(self, block: Block) -> int:
        """Time of the oldest cut whose redemptions are unpaid; 0 when none is."""
        names = ("cut", "redeemQueue")
        calls = [view(CONTRACT, self.vault, name) for name in names]
        (cut,), (queue,) = await read_at(self.rpc, block, calls)
        if queue[0] == 0:
            return 0
        epochs = range(max(1, cut[0] - _CUTS_BACK + 1), cut[0] + 1)
        views = ("isUnpaid", "cutTimeOf")
        calls = [view(CONTRACT, self.vault, name, epoch) for epoch in epochs for name in views]
        answers = [answer[0] for answer in await read_at(self.rpc, block, calls)]
        times = [at for unpaid, at in zip(answers[::2], answers[1::2], strict=True) if unpaid]
        return min(times, default=0)

    async def _read_stake(self, block: Block) -> "_Stake":
        """Read the keeper's stake, in three round trips."""
        names = ("mandate", "acceptedNav")
        calls = [view(CONTRACT, self.vault, name) for name in names]
        (mandate,), (accepted,) = await read_at(self.rpc, block, calls)
        calls = [view("Mandate", mandate, name) for name in _MANDATE_VIEWS]
        calls.append(view("Mandate", mandate, "depositCapFor", accepted))
        (keeper,), (since,), (stake,), (limits,), (bound,) = await read_at(self.rpc, block, calls)
        calls = [view(_STAKE, stake, name, keeper) for name in ("stakeOf", "waiting")]
        calls.append(view(_STAKE, stake, "penalisedUntil"))
        (counting,), (waiting, _), (until,) = await read_at(self.rpc, block, calls)
        cap, *_, least_bps = limits
        return _Stake(
            locked=counting + waiting,
            counted_from=max(since, until),
            bound=bound if least_bps and bound < cap else None,
        )


@dataclass(frozen=True, slots=True)
class _Stake:
    """The keeper's shares, waiting ones included; late days count from `counted_from` on [s]."""

    locked: int
    counted_from: int
    bound: int | None

    def penalty_due_at(self, unpaid_since: int) -> int:
        """When a part may be burnt for what is unpaid since then; 0 when nothing can be."""
        if not unpaid_since or not self.locked:
            return 0
        return max(unpaid_since + SETTLEMENT_DELAY_SECONDS, self.counted_from) + PENALTY_SECONDS


def _batches(names: list[str]) -> Iterable[list[str]]:
    return (names[first : first + _AT_ONCE] for first in range(0, len(names), _AT_ONCE))
