"""Reads a vault as a depositor sees it: money, prices, queues, limits and roles at one block."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from keeper.accounting.gate import Gate, Held
from keeper.accounting.high_water import HighWater
from keeper.accounting.shares import Pricing, Vault, fee_shares
from keeper.chain.calls import Block, Call, CallReverted, read_at, read_each, view
from keeper.chain.codec import checksum
from keeper.chain.rpc import JsonRpc
from keeper.chain.vault import STATES
from keeper.domain.errors import ChainUnavailable, WireError
from keeper.domain.reports import Leg

__all__ = [
    "AdapterView",
    "Estimate",
    "Overview",
    "Reporting",
    "Token",
    "Limits",
    "Losses",
    "Stake",
    "VaultViews",
    "estimate",
    "read_overview",
]

_VAULT: Final = "MarketMakingVault"
_VIEWS: Final = {
    "state": "state",
    "cut": "cut",
    "open_epoch": "openEpoch",
    "next_cut_at": "nextCutTime",
    "idle": "idle",
    "accepted_nav": "acceptedNav",
    "supply": "totalSupply",
    "virtual": "virtualShares",
    "deposit_queue": "depositQueue",
    "redeem_queue": "redeemQueue",
    "min_deposit": "minDeposit",
    "min_redeem": "minRedeem",
    "adapters": "adapters",
    "silo": "silo",
    "wind_down": "windDown",
    "mandate": "mandate",
    "owner": "owner",
    "keeper": "keeper",
    "guardian": "guardian",
    "reporter": "reporter",
    "asset": "asset",
    "share_decimals": "decimals",
    "share_symbol": "symbol",
}
_ADAPTER_VIEWS: Final = ("isAttested", "sent", "returned", "value", "route")
_REPORTER_VIEWS: Final = (
    *("reporters", "quorum", "lastReportHash", "lastLegs", "attestedValue", "gate"),
    *("mark", "exempt"),
)
_MANDATE_VIEWS: Final = ("limits", "lossBuckets", "refilledAt", "pausedUntil", "keeperStake")
_NOBODY: Final = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What the mandate allows, in the contract's order; `deposit_cap` in asset units."""

    deposit_cap: int
    venue_cap_bps: int
    min_on_chain_bps: int
    fee_bps: int
    min_stake_bps: int


@dataclass(frozen=True, slots=True)
class VaultViews:
    """The vault's own views, as the contract answers them; queues and cut as tuples.

    Assets in asset units, shares in share units, times in unix seconds.
    """

    state: int
    cut: tuple[int, ...]
    open_epoch: int
    next_cut_at: int
    idle: int
    accepted_nav: int
    supply: int
    virtual: int
    deposit_queue: tuple[int, int]
    redeem_queue: tuple[int, int]
    min_deposit: int
    min_redeem: int
    adapters: tuple[str, ...]
    silo: str
    wind_down: str
    mandate: str
    owner: str
    keeper: str
    guardian: str
    reporter: str
    asset: str
    share_decimals: int
    share_symbol: str


@dataclass(frozen=True, slots=True)
class Token:
    """Asset and share of a vault: the asset's address, decimals, symbols."""

    asset: str
    decimals: int
    symbol: str
    share_decimals: int
    share_symbol: str


@dataclass(frozen=True, slots=True)
class AdapterView:
    """One adapter; `bid` and `ask` in asset units, None with a reason when its price is dead.

    `route` is where an attested adapter sends collateral, empty for one on the chain.
    """

    address: str
    attested: bool
    sent: int
    returned: int
    bid: int | None
    ask: int | None
    dead_reason: str
    route: str


@dataclass(frozen=True, slots=True)
class Reporting:
    """The reporter contract: who signs, what they said last, and the gain gate."""

    reporters: tuple[str, ...]
    quorum: int
    last_digest: str
    last_legs: tuple[Leg, ...]
    attested: int
    gate: tuple[int, ...]
    """Cut time of the last settlement, slot release, slot, bucket, recovery, two fade rates."""
    high_price_e36: int
    mark_e36: int
    """High-water mark [1e-36 asset units per share unit]."""
    exempt: int
    """Strangers' gifts that no settlement has accepted yet [asset units]."""

    @property
    def settled_at(self) -> int:
        """Time of the cut that the last settlement settled; 0 before the first."""
        return self.gate[0]


@dataclass(frozen=True, slots=True)
class Losses:
    """What the keeper may still lose on the chain, in 1e18 of accepted NAV; unix seconds.

    No new risk is taken before `refilled_at`, nor before `paused_until`.
    """

    day_left_e18: int
    month_left_e18: int
    refilled_at: int
    paused_until: int


@dataclass(frozen=True, slots=True)
class Stake:
    """Shares that the keeper locked, and what they bound.

    `counting` shares count, `leaving` may be withdrawn at `leaves_at` (unix seconds). No deposit is
    filled above `deposit_cap` of accepted NAV [asset units], at the present accepted NAV.
    """

    contract: str
    counting: int
    leaving: int
    leaves_at: int
    deposit_cap: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything a depositor is shown, at one block."""

    vault: str
    block: Block
    token: Token
    views: VaultViews
    limits: Limits
    adapters: tuple[AdapterView, ...]
    reporting: Reporting
    silo_assets: int
    silo_shares: int
    exit_bound: int
    """Seconds from a redemption request until depositors alone can take the on-chain part."""
    ended_at: int
    """When the wind-down started, unix seconds; 0 before."""
    losses: Losses
    stake: Stake

    @property
    def state(self) -> str:
        return STATES[self.views.state]

    @property
    def shares(self) -> int:
        """Supply with the virtual shares that price arithmetic adds."""
        return self.views.supply + self.views.virtual


async def read_overview(rpc: JsonRpc, vault: str, block: Block) -> Overview:
    """Read a vault at one block, in three round trips.

    Raises ChainUnavailable (also for what is no vault, or not wired yet), CallReverted, WireError.
    """
    views = await _vault_views(rpc, vault, block)
    groups = [
        _token_calls(vault, views),
        _reporter_calls(views, block),
        [view("WindDown", views.wind_down, name) for name in ("exitBound", "startedAt")],
        _mandate_calls(views),
        *(_adapter_calls(address) for address in views.adapters),
    ]
    answered = iter(await read_each(rpc, block, [call for group in groups for call in group]))
    token, reporter, end, mandate, *legs = [
        list(itertools.islice(answered, len(group))) for group in groups
    ]
    symbol, decimals, silo_assets, silo_shares = _required(token)
    exit_bound, ended_at = _required(end)
    limits, (day_left, month_left), refilled_at, paused_until, contract, cap = _required(mandate)
    return Overview(
        vault=vault,
        block=block,
        token=Token(
            checksum(views.asset), decimals, symbol, views.share_decimals, views.share_symbol
        ),
        views=views,
        limits=Limits(*limits),
        adapters=tuple(
            _adapter(address, leg) for address, leg in zip(views.adapters, legs, strict=True)
        ),
        reporting=_reporting(_required(reporter)),
        silo_assets=silo_assets,
        silo_shares=silo_shares,
        exit_bound=exit_bound,
        ended_at=ended_at,
        losses=Losses(day_left, month_left, refilled_at, paused_until),
        stake=await _stake(rpc, contract, cap, views.keeper, block),
    )


async def _vault_views(rpc: JsonRpc, vault: str, block: Block) -> VaultViews:
    try:
        answers = await read_at(rpc, block, [view(_VAULT, vault, name) for name in _VIEWS.values()])
    except (CallReverted, WireError) as error:
        raise ChainUnavailable(
            f"{vault} does not answer like a vault of this release: {error}",
            next_step="correct the vault's address: keeper addresses list",
        ) from error
    views = VaultViews(**dict(zip(_VIEWS, (_bare(answer) for answer in answers), strict=True)))
    if int(views.reporter, 16) == _NOBODY:
        raise ChainUnavailable(
            f"the vault {vault} is not wired: it has no reporter and no adapters yet",
            next_step="finish its deployment: ape run deploy",
        )
    return views


async def _stake(rpc: JsonRpc, contract: str, cap: int, keeper: str, block: Block) -> Stake:
    """What the keeper has locked; `cap` is what that lets in [asset units]."""
    calls = [view("KeeperStake", contract, name, keeper) for name in ("stakeOf", "waiting")]
    (counting,), (leaving, leaves_at) = await read_at(rpc, block, calls)
    return Stake(checksum(contract), counting, leaving, leaves_at, cap)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a cut would be priced at [asset units]; `hold` names why it would settle nothing.

    `fee_shares` would be minted first, and count in the price.
    """

    accepted: int
    gross: int
    gross_ask: int
    deposits_open: bool
    hold: str | None
    fee_shares: int


def estimate(overview: Overview, now: int) -> Estimate | None:
    """What a cut at `now` would be priced at, if the attested legs were worth what they were.

    On-chain legs at their live value, attested ones by the last report and the transfers since,
    all through the gate. None when an adapter has no price.
    """
    views, reporting = overview.views, overview.reporting
    spread = 0
    gross = views.idle + reporting.attested
    for adapter in overview.adapters:
        if adapter.bid is None or adapter.ask is None:
            return None
        gross += adapter.bid
        spread += adapter.ask - adapter.bid
    vault = Vault(
        virtual=views.virtual,
        deposit_cap=overview.limits.deposit_cap,
        supply=views.supply,
        idle=views.idle,
        accepted=views.accepted_nav,
    )
    verdict = _gate(reporting).price(vault, gross, gross + spread, now)
    if isinstance(verdict, Held):
        return Estimate(
            verdict.accepted, gross, gross + spread, False, verdict.reason.name, fee_shares=0
        )
    return Estimate(
        verdict.accepted,
        gross,
        gross + spread,
        verdict.deposits_open,
        None,
        fee_shares=_fee(overview, vault, verdict),
    )


def _fee(overview: Overview, vault: Vault, pricing: Pricing) -> int:
    reporting = overview.reporting
    water = HighWater(reporting.mark_e36, reporting.exempt)
    water.report(vault, pricing.gross, pricing.accepted, 0)
    fee_bps = overview.limits.fee_bps
    return fee_shares(vault, replace(pricing, mark=water.mark, fee_bps=fee_bps), pricing.accepted)


def _gate(reporting: Reporting) -> Gate:
    time, release_at, slot, bucket, loss_bucket, recovery, fade_rate, pending = reporting.gate
    return Gate(
        time=time,
        bucket=bucket,
        loss_bucket=loss_bucket,
        recovery=recovery,
        fade_rate=fade_rate,
        pending_fade_rate=pending,
        slot=slot,
        slot_release_at=release_at,
        prices=[(time, reporting.high_price_e36)] if reporting.high_price_e36 else [],
    )


def _token_calls(vault: str, views: VaultViews) -> list[Call]:
    # The vault's own ABI has the ERC-20 functions; they are the same on every token.
    return [
        view(_VAULT, views.asset, "symbol"),
        view(_VAULT, views.asset, "decimals"),
        view(_VAULT, views.asset, "balanceOf", views.silo),
        view(_VAULT, vault, "balanceOf", views.silo),
    ]


def _reporter_calls(views: VaultViews, block: Block) -> list[Call]:
    calls = [view("NavReporter", views.reporter, name) for name in _REPORTER_VIEWS]
    return [*calls, view("NavReporter", views.reporter, "highPrice", block.timestamp)]


def _mandate_calls(views: VaultViews) -> list[Call]:
    calls = [view("Mandate", views.mandate, name) for name in _MANDATE_VIEWS]
    return [*calls, view("Mandate", views.mandate, "depositCapFor", views.accepted_nav)]


def _adapter_calls(address: str) -> list[Call]:
    return [view("ClobAdapter", address, name) for name in _ADAPTER_VIEWS]


def _adapter(address: str, answers: Sequence[tuple[Any, ...] | CallReverted]) -> AdapterView:
    value, route = answers[-2:]
    attested, sent, returned = _required(answers[:3])
    return AdapterView(
        address=checksum(address),
        attested=attested,
        sent=sent,
        returned=returned,
        bid=None if isinstance(value, CallReverted) else value[0],
        ask=None if isinstance(value, CallReverted) else value[1],
        dead_reason=value.detail if isinstance(value, CallReverted) else "",
        # Only an attested adapter has a route; the others answer with a revert.
        route="" if isinstance(route, CallReverted) or not attested else checksum(route[0]),
    )


def _reporting(answers: Sequence[Any]) -> Reporting:
    reporters, quorum, last_hash, legs, attested, gate, mark, exempt, high = answers
    return Reporting(
        reporters=tuple(checksum(address) for address in reporters),
        quorum=quorum,
        last_digest="0x" + last_hash.hex(),
        last_legs=tuple(
            Leg(equity=leg[0], credited=leg[1], debited=leg[2], venue_height=leg[3]) for leg in legs
        ),
        attested=attested,
        gate=tuple(gate),
        high_price_e36=high,
        mark_e36=mark,
        exempt=exempt,
    )


def _required(answers: Sequence[tuple[Any, ...] | CallReverted]) -> list[Any]:
    """Unwrap answers none of which may be a revert. Raises CallReverted."""
    for answer in answers:
        if isinstance(answer, CallReverted):
            raise answer
    return [_bare(answer) for answer in answers if not isinstance(answer, CallReverted)]


def _bare(answer: Sequence[Any]) -> Any:
    return answer[0] if len(answer) == 1 else answer
