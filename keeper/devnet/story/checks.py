"""The count at the end: every unit of money, from the chain and the exchange alone."""

import asyncio
from typing import Any

from keeper.devnet.conservation import compare, holdings
from keeper.devnet.story.facts import CutFacts, ReportFacts, SettleFacts
from keeper.devnet.tokens import Call
from keeper.devnet.world import World
from keeper.pages.report_data import Check

__all__ = ["count_money", "equity_of", "nav_at_cut", "pnl_explains", "settlement_adds_up"]

_ATOMIC_RESOLUTION = {"0": -10, "1": -9}
_ORACLE_EXPONENT = {"0": -5, "1": -6}


async def count_money(world: World) -> list[Check]:
    """Supply of every token against the sum of its holders, and the bridge against the exchange."""
    block = await _settled_block(world)
    usdc = await holdings(world.anvil.rpc, world.contracts.usdc, block)
    weth = await holdings(world.anvil.rpc, world.contracts.weth, block)
    shares = await holdings(world.anvil.rpc, world.contracts.vault, block)
    ether = int(await world.anvil.rpc.call("eth_getBalance", world.contracts.weth, block), 16)
    state = await world.exchange.state()
    owed = sum(state["bank"].values())
    staked = await _staked(world, block)
    at_bridge = usdc.balances.get(world.people["bridge"].address, 0)
    return [
        compare("USDC held", "sum of all holders", usdc.held, "total supply", usdc.total_supply),
        compare(
            "USDC minted",
            "minted by the world",
            world.minted_assets,
            "total supply",
            usdc.total_supply,
        ),
        compare("WETH held", "sum of all holders", weth.held, "total supply", weth.total_supply),
        compare("WETH minted", "ether deposited", ether, "total supply", weth.total_supply),
        compare(
            "vault shares", "sum of all holders", shares.held, "total supply", shares.total_supply
        ),
        compare(
            "keeper's stake",
            "counting and waiting",
            staked,
            "shares it holds",
            shares.balances.get(world.contracts.stake, 0),
        ),
        compare(
            "USDC on the exchange", "sum of its accounts", owed, "USDC at the bridge", at_bridge
        ),
        compare(
            "collateral pool",
            "subaccounts and rounding",
            subaccounts_total(state),
            "the pool's balance",
            state["totals"]["collateral_pool"],
        ),
    ]


async def _staked(world: World, block: str) -> int:
    """What the stake says it owes the keeper, the only one in a story who locked anything."""
    keeper, stake = world.people["keeper"].address, world.contracts.stake
    read = world.accounts.read
    counting = await read(stake, Call("stakeOf(address)", keeper), "uint256", block=block)
    waits = Call("waiting(address)", keeper)
    waiting, _ = await read(stake, waits, "uint256", "uint256", block=block)
    return int(counting + waiting)


async def _settled_block(world: World) -> str:
    """The present head, once another block stands on it: others trade while we count."""
    head: str = await world.anvil.rpc.call("eth_blockNumber")
    while await world.anvil.rpc.call("eth_blockNumber") == head:
        await asyncio.sleep(0.1)
    return head


def subaccounts_total(state: dict[str, Any]) -> int:
    """What all subaccounts hold together in quote quantums, as far as it is booked.

    Positions net to zero in size, so their quote balances and USDC are all there is. Funding is
    booked account by account, against `rounding`; what is not settled yet is in neither.
    """
    held = sum(
        account["usdc"]
        + sum(position["quote_balance"] for position in account["positions"].values())
        for account in state["subaccounts"].values()
    )
    return int(held + state["totals"]["rounding"])


def equity_of(state: dict[str, Any], wallet: str) -> int:
    """Equity in quote quantums of a wallet and all its subaccounts, from the exchange's state.

    Positions at the oracle, each truncated towards zero; unsettled funding included.
    """
    total = int(state["bank"].get(wallet, 0))
    for key, account in state["subaccounts"].items():
        if key.split("/")[0] != wallet:
            continue
        total += account["usdc"] + account["unsettled_funding"]
        for market, position in account["positions"].items():
            price = state["perpetuals"][market]["oracle_price"]
            total += position["quote_balance"] + _worth(market, position["quantums"], price)
    return total


def _worth(market: str, quantums: int, price: int) -> int:
    exponent = _ORACLE_EXPONENT[market] + _ATOMIC_RESOLUTION[market] + 6
    size: int = abs(quantums) * price // 10**-exponent
    return size if quantums >= 0 else -size


def nav_at_cut(
    cut: CutFacts, legs: tuple[int, int], state: dict[str, Any], wallet: str, report: ReportFacts
) -> list[Check]:
    """The report's figures against the exchange's own state at the cut's block.

    `legs` are the CLOB adapter's cumulative (sent, returned) at the cut.
    """
    sent, returned = legs
    equity = equity_of(state, wallet)
    transit = (sent - report.credited) - (returned - report.debited)
    nav = cut.idle + cut.leg_bid + equity + transit
    epoch = f"epoch {report.epoch}"
    return [
        compare(
            f"{epoch}: venue height",
            "first block at the cut",
            state["height"],
            "reported",
            report.venue_height,
        ),
        compare(
            f"{epoch}: venue equity", "exchange's own state", equity, "reported", report.equity
        ),
        compare(
            f"{epoch}: NAV", "idle + pool + venue + transit", nav, "settled gross", report.gross
        ),
    ]


def pnl_explains(before: ReportFacts | None, report: ReportFacts) -> Check:
    """Profit by cause against the change of equity net of transfers, between two reports."""
    then = (before.equity, before.credited, before.debited) if before else (0, 0, 0)
    change = (report.equity - then[0]) - (report.credited - then[1]) + (report.debited - then[2])
    explained = sum(report.pnl) + report.external_flow
    return compare(
        f"epoch {report.epoch}: PnL by cause",
        "sum of causes",
        explained,
        "change of equity",
        change,
    )


def settlement_adds_up(settle: SettleFacts) -> Check:
    """Accepted NAV after a settlement against before plus deposits less redemptions."""
    moved = settle.accepted + settle.deposit_assets - settle.redeem_assets
    return compare(
        f"epoch {settle.epoch}: settlement",
        "accepted + in - out",
        moved,
        "accepted after",
        settle.accepted_after,
    )
