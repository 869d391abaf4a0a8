"""A vault at one block and a wallet that has read it, for tests of what a person is told."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from keeper.chain.calls import Block, Call, CallReverted
from keeper.chain.operations import Operation
from keeper.chain.overview import (
    AdapterView,
    Limits,
    Losses,
    Overview,
    Reporting,
    Stake,
    Token,
    VaultViews,
)
from keeper.cli.access import Signing
from keeper.domain.reports import Leg
from keeper.wallet import Receipt

VAULT, ASSET, ADA, BEA = ("0x" + pair * 20 for pair in ("11", "22", "33", "44"))
SILO, REPORTER, POOL, CLOB, ROUTE = ("0x" + pair * 20 for pair in ("55", "66", "77", "88", "99"))
END, MANDATE, BOUND = "0x" + "ee" * 20, "0x" + "ef" * 20, 799_200
USDC, SHARE, VIRTUAL = 10**6, 10**18, 10**12
NOW, SETTLED_AT, NEXT_CUT = 1_000_000, 996_400, 1_082_800
BLOCK = Block(7, "0x7", "0x6", NOW, 1)
UNSIGNED = Signing(
    *("K", None, None, ADA), unsigned=True, safe=None, yes=False, wait_seconds=1, max_fee_gwei=1
)
SIGNED = dataclasses.replace(UNSIGNED, sender=None, unsigned=False)
MARK = 11 * 10**23
"""1.1 USDC a share, in 1e-36 asset units per share unit."""
NAV = 1_100 * USDC
"""1,000 shares, so that the settled price is 1.1."""
POOL_LEG = AdapterView(
    *(POOL, False, 0, 0), bid=300 * USDC, ask=310 * USDC, dead_reason="", route=""
)
CLOB_LEG = AdapterView(*(CLOB, True, 500 * USDC, 0), bid=0, ask=0, dead_reason="", route=ROUTE)


def overview(legs: tuple[AdapterView, ...] = (POOL_LEG, CLOB_LEG), **changes: Any) -> Overview:
    """A vault with 600 idle, 300 to 310 in the pool and 200 at the venue; views by name."""
    views = VaultViews(
        state=0,
        cut=(1, SETTLED_AT, 5, 0, 0, 0),
        open_epoch=2,
        next_cut_at=NEXT_CUT,
        idle=600 * USDC,
        accepted_nav=NAV,
        supply=1_000 * SHARE,
        virtual=VIRTUAL,
        deposit_queue=(0, 50 * USDC),
        redeem_queue=(10 * SHARE, 5 * SHARE),
        min_deposit=USDC,
        min_redeem=SHARE,
        adapters=(POOL, CLOB),
        silo=SILO,
        wind_down=END,
        mandate=MANDATE,
        owner=ADA,
        keeper=BEA,
        guardian=BEA,
        reporter=REPORTER,
        asset=ASSET,
        share_decimals=18,
        share_symbol="ATH",
    )
    named = {field.name for field in dataclasses.fields(VaultViews)}
    in_views = {name: value for name, value in changes.items() if name in named}
    others = {name: value for name, value in changes.items() if name not in named}
    base = Overview(
        vault=VAULT,
        block=BLOCK,
        token=Token(ASSET, 6, "USDC", 18, "ATH"),
        views=dataclasses.replace(views, **in_views),
        limits=Limits(2_000 * USDC, 5_000, 3_000, fee_bps=1_000, min_stake_bps=0),
        adapters=legs,
        reporting=Reporting(
            reporters=(ADA, BEA),
            quorum=2,
            last_digest="0x" + "ab" * 32,
            last_legs=(Leg(equity=200 * USDC, credited=500 * USDC, debited=0, venue_height=9),),
            attested=200 * USDC,
            gate=(SETTLED_AT, 0, 0, 10**16, 2 * 10**16, 0, 0, 0),
            high_price_e36=0,
            mark_e36=MARK,
            exempt=0,
        ),
        silo_assets=80 * USDC,
        silo_shares=40 * SHARE,
        exit_bound=BOUND,
        ended_at=0,
        stake=Stake("0x" + "ea" * 20, 55 * SHARE, 0, 0, deposit_cap=2_000 * USDC),
        losses=Losses(4 * 10**15, 24 * 10**15, refilled_at=NOW, paused_until=0),
    )
    return dataclasses.replace(base, **others)


class FakeWallet:
    """Answers from an overview and a table of views by name; remembers what was done."""

    def __init__(
        self, answers: dict[str, Any] | None = None, *, address: str = "", **changes: Any
    ) -> None:
        self.vault, self.chain_id, self.address = VAULT, 31_337, address
        self.sent: list[Operation] = []
        self.rehearsed: list[str] = []
        self.refuses: Exception | None = None
        self.tried: dict[str, Any] = {}
        self._answers = answers or {}
        self._overview = overview(**changes)

    async def head(self) -> Block:
        return self._overview.block

    async def overview(self) -> Overview:
        return self._overview

    async def overview_at(self, _block: Block) -> Overview:
        return self._overview

    async def consistent(self, read: Any) -> Any:
        return await read(BLOCK)

    async def read(self, calls: Sequence[Call], _block: Any = "latest") -> list[Any]:
        return [self._answers[call.function.name] for call in calls]

    async def vault_views(self, names: Sequence[str], _block: Any = "latest") -> list[Any]:
        return [self._answers[name] for name in names]

    async def ether_of(self, _account: str) -> int:
        return 10**18

    async def try_as(
        self, _sender: str, calls: Sequence[Call], _block: Block
    ) -> list[tuple[Any, ...] | CallReverted]:
        return [self.tried[call.function.name] for call in calls]

    async def rehearse(
        self, _sender: str, calls: Sequence[Call], _probe: Call | None = None
    ) -> None:
        self.rehearsed += [call.function.name for call in calls]
        if self.refuses is not None:
            raise self.refuses

    async def send(self, operation: Operation) -> Receipt:
        self.sent.append(operation)
        return Receipt("0xhash", 8, 21_000, 1)
