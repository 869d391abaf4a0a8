"""What a vault's end shows, and which transactions each command of it would send."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from vault_samples import (
    ADA,
    ASSET,
    CLOB,
    END,
    NOW,
    POOL,
    SETTLED_AT,
    SHARE,
    UNSIGNED,
    USDC,
    VAULT,
    FakeWallet,
)

from keeper.chain.calls import Call
from keeper.chain.codec import checksum
from keeper.cli.acting import Plan
from keeper.cli.failures import NothingClaimable
from keeper.cli.vault.wind_down_plans import (
    claim_part_plan,
    collect_plan,
    exit_plan,
    read_status,
    start_plan,
    status_rows,
    unwind_plan,
)
from keeper.wallet import FundsMissing

WETH = checksum("0x" + "ab" * 20)
WEEK, THREE_DAYS = 604_800, 259_200
COINS = {"token0": WETH, "token1": ASSET, "symbol": "WETH", "decimals": 18}
END_VIEWS = {"delay": WEEK, "patience": THREE_DAYS, "windDown": END, "lastSettledAt": SETTLED_AT}


class EndWallet(FakeWallet):
    """Answers reads by name and, where it matters, by the arguments too."""

    def __init__(self, answers: dict[Any, Any], **changes: Any) -> None:
        super().__init__({**COINS, **END_VIEWS, **answers}, **changes)

    async def read(self, calls: Sequence[Call], _block: Any = "latest") -> list[Any]:
        found = []
        for call in calls:
            exact = (call.function.name, call.to, *call.arguments)
            found.append(self._answers.get(exact, self._answers.get(call.function.name)))
        return found


def calls(plan: Plan) -> list[tuple[Any, ...]]:
    return [(s.call.to, s.call.function.name, *s.call.arguments) for s in plan.steps]


def test_read_status__before__says_when_anyone_may_start_it() -> None:
    wallet: Any = EndWallet({"recovered": 0, "supplyAtStart": 0})

    data = asyncio.run(read_status(wallet, None))

    assert data["start_possible_at"] == SETTLED_AT + WEEK
    assert data["started_at"] is None
    assert data["unwind_at_any_price_at"] is None
    assert "unless something settles" in dict(status_rows(data))["anyone may start it"]


def test_read_status__nobody_holds_shares__cannot_be_started() -> None:
    wallet: Any = EndWallet({"recovered": 0, "supplyAtStart": 0}, supply=0)

    data = asyncio.run(read_status(wallet, None))

    assert data["start_possible_at"] is None
    assert dict(status_rows(data))["anyone may start it"].startswith("not yet")


def test_read_status__started__tells_tokens_recovered_and_an_accounts_part() -> None:
    answers = {
        ("recovered", END, ASSET): 600 * USDC,
        ("recovered", END, WETH): 2 * SHARE,
        ("claimable", END, ADA, ASSET): 60 * USDC,
        ("claimable", END, ADA, WETH): SHARE // 5,
        "paid": 0,
        "balanceOf": 7 * SHARE,
        "units": 100 * SHARE,
        "supplyAtStart": 1_000 * SHARE,
    }
    wallet: Any = EndWallet(answers, state=2, ended_at=NOW - 60)

    data = asyncio.run(read_status(wallet, ADA))

    assert data["state"] == "WINDDOWN"
    assert (data["started_at"], data["start_possible_at"]) == (NOW - 60, None)
    assert data["unwind_at_any_price_at"] == NOW - 60 + THREE_DAYS
    assert [(t["symbol"], t["recovered"]) for t in data["tokens"]] == [
        ("USDC", 600 * USDC),
        ("WETH", 2 * SHARE),
    ]
    assert data["account"]["given_back_shares"] == 100 * SHARE
    assert [t["claimable"] for t in data["account"]["tokens"]] == [60 * USDC, SHARE // 5]
    assert ("  claimable", "0.20 WETH, paid 0.00 WETH") in status_rows(data)


@pytest.mark.parametrize(
    ("epoch", "impaired", "call"),
    [(None, False, ("start",)), (4, False, ("startUnpaid", 4)), (None, True, ("startImpaired",))],
)
def test_start_plan__why__picks_the_call(
    epoch: int | None, impaired: bool, call: tuple[Any, ...]
) -> None:
    wallet: Any = EndWallet({})

    assert calls(asyncio.run(start_plan(wallet, UNSIGNED, epoch, impaired=impaired))) == [
        (END, *call)
    ]


def test_unwind_plan__none_named__leaves_every_adapter() -> None:
    wallet: Any = EndWallet({})

    assert calls(asyncio.run(unwind_plan(wallet, UNSIGNED, None))) == [
        (END, "unwind", POOL),
        (END, "unwind", CLOB),
    ]
    assert calls(asyncio.run(unwind_plan(wallet, UNSIGNED, POOL))) == [(END, "unwind", POOL)]


def test_collect_plan__what_lies_anywhere__is_brought_home() -> None:
    lying = {("balanceOf", WETH, POOL): SHARE, ("balanceOf", ASSET, CLOB): 3, "balanceOf": 0}
    wallet: Any = EndWallet(lying)

    assert calls(asyncio.run(collect_plan(wallet, UNSIGNED))) == [
        (END, "collect", POOL, WETH),
        (END, "collect", CLOB, ASSET),
        (END, "collect", VAULT, ASSET),
    ]


def test_collect_plan__nothing_lies_there__names_unwind() -> None:
    wallet: Any = EndWallet({"balanceOf": 0}, idle=0)

    with pytest.raises(NothingClaimable) as caught:
        asyncio.run(collect_plan(wallet, UNSIGNED))

    assert "wind-down unwind" in caught.value.next_step


def test_exit_plan__all__is_the_whole_balance() -> None:
    wallet: Any = EndWallet({"balanceOf": 7 * SHARE})

    assert calls(asyncio.run(exit_plan(wallet, UNSIGNED, "all"))) == [(END, "exit", 7 * SHARE)]


@pytest.mark.parametrize(("held", "amount"), [(0, "all"), (SHARE, "1.5")])
def test_exit_plan__more_than_held__is_refused(held: int, amount: str) -> None:
    wallet: Any = EndWallet({"balanceOf": held})

    with pytest.raises(FundsMissing):
        asyncio.run(exit_plan(wallet, UNSIGNED, amount))


def test_claim_part_plan__tokens_due__claims_those_alone() -> None:
    answers = {("claimable", END, ADA, WETH): 5, "claimable": 0, "paid": 0}
    wallet: Any = EndWallet({**answers, "balanceOf": 0, "units": SHARE})

    assert calls(asyncio.run(claim_part_plan(wallet, UNSIGNED))) == [(END, "claim", WETH)]


def test_claim_part_plan__nothing_due__names_exit() -> None:
    wallet: Any = EndWallet({"claimable": 0, "paid": 0, "balanceOf": SHARE, "units": 0})

    with pytest.raises(NothingClaimable) as caught:
        asyncio.run(claim_part_plan(wallet, UNSIGNED))

    assert "exit all" in caught.value.next_step
