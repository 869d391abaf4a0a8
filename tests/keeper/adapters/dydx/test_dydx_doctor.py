"""`keeper doctor` on the local exchange: budget, account, hot key, markets, clocks, endpoints."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from dydx_world import (
    ADDRESS,
    HOT,
    OWNER,
    ExchangeClock,
    World,
    included,
    trade_only,
    wallet_world,
)

from keeper.bootstrap.doctor import open_site
from keeper.config import parse_config
from keeper.config.template import draft, render_config
from keeper.devnet.exchange.config import RateLimit
from keeper.doctor.endpoints import endpoint_probes
from keeper.doctor.rows import Row, examine
from keeper.doctor.site import Site
from keeper.doctor.venue import venue_probes
from keeper.venues.dydx import messages
from keeper.venues.dydx.account import Wallet

HOT_KEY, OWNER_KEY = "0x" + "0b" * 32, "0x" + "0a" * 32
Prepare = Callable[[World, Wallet], Awaitable[None]]


class LateClock(ExchangeClock):
    """The exchange's clock, some seconds behind or ahead."""

    def __init__(self, world: World, seconds: int) -> None:
        super().__init__(world.exchange)
        self._offset_ns = seconds * 10**9

    def now_ns(self) -> int:
        return super().now_ns() + self._offset_ns


def site(here: World, environ: dict[str, str], seconds: int, *changes: str) -> Site:
    ports = here.exchange.ports
    values = (
        f"vault.address={'0x' + '11' * 20}",
        f"vault.reporter={'0x' + '22' * 20}",
        f"venue.adapter={'0x' + '55' * 20}",
        f"venue.address={ADDRESS}",
        f"venue.bridge_address={ADDRESS}",
        f"venue.grpc_endpoint=127.0.0.1:{ports.grpc}",
        f"venue.rest_url=http://127.0.0.1:{ports.rest}",
        f"venue.ws_url=ws://127.0.0.1:{ports.websocket}",
        "evm.rpc_url=http://127.0.0.1:9",
        "markets.0.max_position_quote_quantums=1000",
        "markets.0.inventory_band_quote_quantums=0",
    )
    text = render_config(draft("local", ("keeper",), (*values, *changes)), venue="local")
    loaded = parse_config(text, Path("keeper.toml"), environ={})
    return open_site(loaded, environ, clock=LateClock(here, seconds))


def checks(
    *changes: str,
    key: str = OWNER_KEY,
    seconds: int = 0,
    prepare: Prepare | None = None,
    **exchange: Any,
) -> dict[str, list[Row]]:
    """Rows by id on a fresh exchange, the configuration changed and the exchange prepared."""

    async def main() -> list[Row]:
        async with wallet_world(**exchange) as (here, wallet, _):
            if prepare is not None:
                await prepare(here, wallet)
            looked_at = site(here, {"KEEPER_VENUE_KEY": key}, seconds, *changes)
            try:
                probes = [*endpoint_probes(looked_at), *venue_probes(looked_at)]
                return await examine(probes, 10)
            finally:
                await looked_at.close()

    found: dict[str, list[Row]] = {}
    for row in asyncio.run(main()):
        found.setdefault(row.id, []).append(row)
    return found


def failing(found: dict[str, list[Row]]) -> set[str]:
    return {name for name, rows in found.items() if any(r.status == "fail" for r in rows)}


def register(config: bytes, kind: str = "AllOf") -> Prepare:
    """Register an authenticator with the owner's key; it gets id 0."""

    async def prepare(here: World, wallet: Wallet) -> None:
        message = messages.add_authenticator(ADDRESS, kind, config)
        await included(here, wallet, await wallet.prepare(message))

    return prepare


PERMISSIONED = "venue.authenticator_ids=[0]"
GOOD = trade_only(HOT.public_key, "0", "1")


def test_checks__nothing_wrong__only_the_node_that_is_not_there_fails() -> None:
    found = checks(PERMISSIONED, key=HOT_KEY, prepare=register(GOOD))

    assert failing(found) == {"endpoint.evm"}
    assert found["clock.evm"][0].status == "skip"
    (key,) = found["venue.key"]
    assert (key.status, key.subject) == ("ok", "0")
    (budget,) = found["venue.messages"]
    assert "at most 40 messages a block (worst need 5)" in budget.found


@pytest.mark.parametrize(
    ("config", "status", "text"),
    [
        (trade_only(OWNER.public_key, "0", "1"), "fail", "of another key"),
        (trade_only(HOT.public_key, "0", "0"), "fail", "may not trade clob pairs [1]"),
        (trade_only(HOT.public_key, "1", "1"), "warn", "trades subaccounts 1"),
        (trade_only(HOT.public_key, "0,1", "1"), "warn", "trades subaccounts 0, 1"),
        (trade_only(HOT.public_key, "0", "0,1"), "warn", "more markets than configured"),
    ],
)
def test_key__filters_that_do_not_fit__are_named(config: bytes, status: str, text: str) -> None:
    (row,) = checks(PERMISSIONED, key=HOT_KEY, prepare=register(config))["venue.key"]

    assert (row.status, row.subject) == (status, "0")
    assert text in row.found
    assert row.fix != ""


def test_key__message_that_is_no_trade__is_named_and_fails() -> None:
    withdraw = "/dydxprotocol.sending.MsgWithdrawFromSubaccount"
    parts = json.loads(GOOD)
    messages_allowed = base64.b64decode(parts[1]["config"]).decode() + f",{withdraw}"
    parts[1]["config"] = base64.b64encode(messages_allowed.encode()).decode()
    prepare = register(json.dumps(parts).encode())

    (row,) = checks(PERMISSIONED, key=HOT_KEY, prepare=prepare)["venue.key"]

    assert row.status == "fail"
    assert row.found == f"the key may also sign {withdraw}"


def test_key__signature_alone__could_withdraw_and_fails() -> None:
    prepare = register(HOT.public_key, "SignatureVerification")

    (row,) = checks(PERMISSIONED, key=HOT_KEY, prepare=prepare)["venue.key"]

    assert row.status == "fail"
    assert "withdrawals too" in row.found


def test_key__authenticator_not_registered__fails() -> None:
    (row,) = checks("venue.authenticator_ids=[7]", key=HOT_KEY)["venue.key"]

    assert (row.status, row.subject) == ("fail", "7")
    assert "has no authenticator 7" in row.found


def test_key__the_owners_own__warns_that_it_could_withdraw() -> None:
    (row,) = checks()["venue.key"]

    assert row.status == "warn"
    assert "could withdraw" in row.found


def test_key__of_another_account__fails() -> None:
    (row,) = checks(key=HOT_KEY)["venue.key"]

    assert row.status == "fail"
    assert ADDRESS in row.found


@pytest.mark.parametrize(("seconds", "word"), [(6, "6,000 ms ahead"), (-6, "6,000 ms behind")])
def test_clock__skewed__fails_and_says_which_way(seconds: int, word: str) -> None:
    (row,) = checks(seconds=seconds)["clock.venue"]

    assert row.status == "fail"
    assert word in row.found


def test_messages__more_than_the_chain_takes__fails() -> None:
    (row,) = checks(place_cancel_limits=(RateLimit(5, 199),))["venue.messages"]

    assert row.status == "fail"
    assert "the chain takes 199 in 5 blocks" in row.found


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        (("venue.rest_url=http://127.0.0.1:9",), "endpoint.venue_rest"),
        (("venue.ws_url=ws://127.0.0.1:9",), "endpoint.venue_ws"),
        (("venue.grpc_endpoint=127.0.0.1:9",), "endpoint.venue_grpc"),
        (("venue.chain_id=dydx-testnet-4",), "chain.venue"),
    ],
)
def test_endpoints__one_wrong__just_its_row_fails(changes: tuple[str, ...], failed: str) -> None:
    found = checks(*changes)

    assert failing(found) == {"endpoint.evm", failed}


def test_account__never_funded__fails() -> None:
    other = "dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4"

    found = checks(f"venue.address={other}")

    assert found["venue.account"][0].status == "fail"
    assert found["venue.equity"][0].status == "warn"


def test_account__wallet_without_gas__warns() -> None:
    async def spend(here: World, wallet: Wallet) -> None:
        await included(here, wallet, await wallet.prepare_deposit(0, 999_900_000))

    (row,) = checks(prepare=spend)["venue.account"]

    assert row.status == "warn"
    assert "fees of fewer than 20 transfers" in row.found


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ("markets.0.ticker=DOGE-USD", "fail", "lists no market DOGE-USD"),
        ("markets.0.strategy.order_size_pct_ppm=1", "fail", "ORDER_BELOW_STEP"),
        ("markets.0.refresh_blocks=2", "warn", "2 % of the market's open interest"),
    ],
)
def test_market__configuration_meets_the_venue(change: str, status: str, text: str) -> None:
    found: Any = checks(change)["venue.market"]

    assert [row.status for row in found if text in row.found] == [status]
