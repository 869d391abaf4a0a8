"""`ape run deploy` and `ape run local_world`: repeatable, checked, and refusing what is unclear."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import ape
import msgspec
import pytest
from ape.contracts import ContractContainer

from keeper import abi
from keeper.addresses import Deployed, abi_hash, code_hash, load_book
from scripts._deploy.book import ArgumentsChanged, Book, ChainMismatch
from scripts._deploy.chain import CodeMissing, Deployer
from scripts._deploy.external import deploy_world
from scripts._deploy.factory import FactoryForeign, deploy_factory
from scripts._deploy.params import (
    ClobParams,
    LiquidityParams,
    ParamsInvalid,
    PoolParams,
    ProtocolParams,
    ReporterParams,
    VaultParams,
    WorldParams,
    load_protocol,
    load_world,
)
from scripts._deploy.protocol import deploy_protocol

PARAMS = Path(__file__).resolve().parents[3] / "scripts" / "params"
ETHER = 10**18
NOBODY = "0x000000000000000000000000000000000000dEaD"


@pytest.fixture
def deployer(issuer: Any, chain: Any, tmp_path: Path) -> Deployer:
    return Deployer.connected(issuer, tmp_path / "record.json")


@pytest.fixture
def params(world: Any, accounts: Any) -> ProtocolParams:
    return ProtocolParams(
        uniswap_v3_factory=str(world.factory.address),
        vault=VaultParams(
            salt=0,
            single_operator=False,
            asset=str(world.usdc.address),
            name="Athanor ETH",
            symbol="athETH",
            owner=accounts[6].address,
            owner_delay_seconds=604_800,
            keeper=accounts[1].address,
            guardian=accounts[2].address,
            fee_recipient="0x" + "fe" * 20,
            pairs=["dydx:ETH-USD"],
            deposit_cap=10**15,
            venue_cap_bps=5_000,
            min_on_chain_bps=3_000,
            fee_bps=1_000,
            min_stake_bps=500,
        ),
        reporter=ReporterParams([accounts[i].address for i in (10, 11, 12)], 2),
        uniswap_v3=[
            PoolParams(
                name="weth-usdc",
                pool=str(world.pool.address),
                feed=str(world.feed.address),
                max_feed_age_seconds=4_500,
                deviation_limit_bps=300,
                cooldown_seconds=60,
                max_value_change_bps=30,
                min_observations=200,
            )
        ],
        clob=[ClobParams("dydx", accounts[5].address)],
    )


def test_deploy_protocol__first_time__deploys_wires_and_deepens_the_oracle(
    deployer: Deployer, params: ProtocolParams, project: Any, world: Any
) -> None:
    deploy_protocol(deployer, params)

    entries = deployer.book.entries
    assert list(entries) == [
        *("factory", "timelock", "vault", "silo", "legs", "wind_down", "mandate", "stake"),
        *("reporter", "uniswap_v3.weth-usdc", "clob.dydx"),
    ]
    vault = deployer.at(project.MarketMakingVault, entries["vault"].address)
    assert vault.reporter() == entries["reporter"].address
    assert vault.silo() == entries["silo"].address
    assert vault.legs() == entries["legs"].address
    assert vault.windDown() == entries["wind_down"].address
    assert list(vault.adapters()) == [
        entries["uniswap_v3.weth-usdc"].address,
        entries["clob.dydx"].address,
    ]
    timelock = deployer.at(project.VaultTimelock, entries["timelock"].address)
    assert (vault.owner(), vault.keeper()) == (timelock.address, params.vault.keeper)
    mandate = deployer.at(project.Mandate, entries["mandate"].address)
    assert vault.mandate() == mandate.address
    assert mandate.keeperStake() == entries["stake"].address
    assert mandate.limits().minStakeBps == 500
    factory = deployer.at(project.VaultFactory, entries["factory"].address)
    assert factory.isVault(vault)
    assert factory.vaults(0, 2) == [vault.address]
    assert timelock.vault() == vault.address
    assert timelock.hasRole(timelock.PROPOSER_ROLE(), params.vault.owner)
    assert timelock.getMinDelay() == params.vault.owner_delay_seconds
    assert world.pool.slot0().observationCardinalityNext == 200


def test_deploy_protocol__address_book__has_the_hashes_of_what_stands_there(
    deployer: Deployer, params: ProtocolParams, chain: Any
) -> None:
    deploy_protocol(deployer, params)

    book = load_book(deployer.book.path)
    for entry in book.contracts.values():
        assert entry.code_hash == code_hash(bytes(chain.provider.get_code(entry.address)))
        assert entry.abi_hash == abi_hash(abi.load(entry.contract))
        assert len(entry.source_commit.removesuffix("-dirty")) == 40
        assert chain.provider.get_receipt(entry.tx).block_number == entry.block
    assert len({entry.code_hash for entry in book.contracts.values()}) == 11


def test_deploy_protocol__again_from_the_record__sends_nothing(
    deployer: Deployer, params: ProtocolParams, issuer: Any, chain: Any
) -> None:
    deploy_protocol(deployer, params)
    written, nonce = deployer.book.path.read_text(), issuer.nonce

    deploy_protocol(Deployer.connected(issuer, deployer.book.path), params)

    assert issuer.nonce == nonce
    assert deployer.book.path.read_text() == written


class CutOff(Exception):
    """A deployment was interrupted."""


STAGES = ("timelock", "vault", "silo", "reporter", "uniswap_v3.weth-usdc", "clob.dydx")


def cut_off(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the process die once `name` stands on the chain, before it is recorded."""
    add = Book.add

    def dying(book: Book, entry_name: str, entry: Deployed) -> None:
        if entry_name == name:
            raise CutOff(name)
        add(book, entry_name, entry)

    monkeypatch.setattr(Book, "add", dying)


@pytest.mark.parametrize("stage", STAGES)
def test_deploy_protocol__cut_off_before_a_stage_is_recorded__goes_on_from_it(
    deployer: Deployer,
    params: ProtocolParams,
    project: Any,
    issuer: Any,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
) -> None:
    """The stage is found on the chain and not run again: the factory would refuse it."""
    cut_off(monkeypatch, stage)
    with pytest.raises(CutOff):
        deploy_protocol(deployer, params)
    monkeypatch.undo()
    kept = dict(deployer.book.entries)

    deploy_protocol(Deployer.connected(issuer, deployer.book.path), params)

    finished = Book.open(deployer.book.path, deployer.book.chain_id).entries
    factory = deployer.at(project.VaultFactory, finished["factory"].address)
    assert {name: finished[name] for name in kept} == kept
    assert len(finished) == 11
    assert factory.vaults(0, 2) == [finished["vault"].address]


@pytest.mark.parametrize("change", [{"deposit_cap": 1}, {"salt": 1}, {"pairs": ["dydx:BTC-USD"]}])
def test_deploy_protocol__other_plan_in_the_same_record__refuses(
    deployer: Deployer, params: ProtocolParams, change: dict[str, Any]
) -> None:
    deploy_protocol(deployer, params)
    other = replace(params, vault=replace(params.vault, **change))

    with pytest.raises(ArgumentsChanged, match="another record"):
        deploy_protocol(deployer, other)


def test_deploy_protocol__second_vault__is_of_the_same_factory(
    deployer: Deployer, params: ProtocolParams, issuer: Any, project: Any, tmp_path: Path
) -> None:
    deploy_protocol(deployer, params)
    second = Deployer.connected(issuer, tmp_path / "second.json")
    second.book.add("factory", deployer.book.entries["factory"])

    deploy_protocol(second, replace(params, vault=replace(params.vault, salt=1)))

    factory = second.at(project.VaultFactory, deployer.book.entries["factory"].address)
    books = (deployer.book, second.book)
    assert factory.vaults(0, 3) == [book.entries["vault"].address for book in books]


def test_deploy_protocol__factory_of_another_uniswap__refuses(
    deployer: Deployer, params: ProtocolParams, issuer: Any, world: Any
) -> None:
    foreign = issuer.deploy(ContractContainer(world.factory.contract_type))
    deploy_factory(deployer, str(foreign.address))

    with pytest.raises(FactoryForeign):
        deploy_protocol(deployer, params)


def test_deploy_protocol__another_adapter_after_wiring__refuses(
    deployer: Deployer, params: ProtocolParams, accounts: Any
) -> None:
    deploy_protocol(deployer, params)
    more = [*params.clob, ClobParams("other", accounts[7].address)]

    with pytest.raises(ArgumentsChanged):
        deploy_protocol(deployer, replace(params, clob=more))


def test_deploy_protocol__pool_of_another_uniswap__is_refused_before_anything_is_deployed(
    deployer: Deployer, params: ProtocolParams, issuer: Any, world: Any, project: Any
) -> None:
    foreign = issuer.deploy(ContractContainer(world.factory.contract_type))

    with ape.reverts(project.VaultFactory.PoolForeign):
        deploy_protocol(deployer, replace(params, uniswap_v3_factory=str(foreign.address)))

    assert list(deployer.book.entries) == ["factory"]


def test_deploy_protocol__pool_without_a_feed__only_in_a_vault_of_that_pool_alone(
    deployer: Deployer, params: ProtocolParams, project: Any
) -> None:
    zero = "0x" + "00" * 20
    pool = replace(params.uniswap_v3[0], feed=zero, max_feed_age_seconds=0)

    with ape.reverts(project.VaultFactory.FeedMissing):
        deploy_protocol(deployer, replace(params, uniswap_v3=[pool]))
    assert list(deployer.book.entries) == ["factory"]
    vault = replace(params.vault, pairs=[])
    deploy_protocol(deployer, replace(params, vault=vault, uniswap_v3=[pool], clob=[]))

    at = deployer.book.entries[f"uniswap_v3.{pool.name}"].address
    assert project.UniswapV3Adapter.at(at).feed() == zero


def test_deploy_protocol__chain_was_reset__refuses(
    deployer: Deployer, params: ProtocolParams
) -> None:
    deploy_protocol(deployer, params)
    factory = deployer.book.entries["factory"]
    deployer.book.add("factory", msgspec.structs.replace(factory, address=NOBODY))

    with pytest.raises(CodeMissing, match=NOBODY):
        deploy_protocol(deployer, params)


def test_deploy_world__again_from_the_record__sends_nothing(
    deployer: Deployer, issuer: Any
) -> None:
    params = WorldParams(8, 2_000 * 10**8, 3_000, 20, [LiquidityParams(ETHER, 6_000)])
    first = deploy_world(deployer, params)
    nonce = issuer.nonce

    again = deploy_world(deployer, params)

    assert issuer.nonce == nonce
    assert again.pool.address == first.pool.address


def test_deploy_world__price__is_the_feeds_in_pool_and_feed(
    deployer: Deployer,
) -> None:
    params = WorldParams(8, 2_000 * 10**8, 3_000, 20, [LiquidityParams(ETHER, 0)])

    world = deploy_world(deployer, params)

    square = world.pool.slot0().sqrtPriceX96 ** 2
    weth_is_0 = world.sorted_amounts(1, 0) == (1, 0)
    price = square * ETHER // 2**192 if weth_is_0 else 2**192 * ETHER // square
    assert abs(price - 2_000 * 10**8) <= 1
    assert world.feed.latestRoundData()[1] == 2_000 * 10**8
    assert world.pool.liquidity() > 0
    for token in (world.usdc, world.weth):
        assert token.allowance(deployer.account, world.positions) == 0


def test_book__record_of_another_chain__refuses(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    entry = Deployed(
        contract="MarketMakingVault",
        address=NOBODY,
        tx="0x1",
        block=7,
        args=[1, "a"],
        abi_hash="0x",
        code_hash="0x",
        source_commit="",
    )
    Book.open(path, 1).add("vault", entry)
    assert json.loads(path.read_text())["contracts"]["vault"]["block"] == 7

    with pytest.raises(ChainMismatch):
        Book.open(path, 2)


def test_load_protocol__example__resolves_names_from_the_record(tmp_path: Path) -> None:
    names = ("usdc", "feed", "uniswap_v3_factory", "uniswap_v3_pool")
    externals = tmp_path / "world.json"
    contracts = {name: {"address": f"0x{name}"} for name in names}
    externals.write_text(json.dumps({"chain_id": 1, "contracts": contracts}))

    params = load_protocol(PARAMS / "protocol.example.toml", externals)

    assert params.vault.asset == "0xusdc"
    assert params.uniswap_v3[0].pool == "0xuniswap_v3_pool"
    assert params.uniswap_v3_factory == "0xuniswap_v3_factory"
    assert params.vault.min_stake_bps == 500
    assert params.uniswap_v3[0].cooldown_seconds == 60


def test_load_protocol__name_without_address__refuses() -> None:
    with pytest.raises(ParamsInvalid, match="@uniswap_v3_factory"):
        load_protocol(PARAMS / "protocol.example.toml", None)


def test_load_world__example__holds_the_local_world() -> None:
    params = load_world(PARAMS / "local_world.toml")

    assert params.observations == 1_801
    assert [item.half_width_ticks for item in params.liquidity] == [0, 2_000]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("usdc_decimals = 6", "eth_price_e8"),
        ("{good}\nextra = 1", "extra"),
        ("{good}\n[[liquidity]]\nweth_units = 1.5\nhalf_width_ticks = 0", "weth_units"),
        ("{good}\n[[liquidity]]\nweth_units = true\nhalf_width_ticks = 0", "weth_units"),
    ],
)
def test_load_world__key_missing_unknown_or_no_integer__names_it(
    tmp_path: Path, text: str, named: str
) -> None:
    good = "usdc_decimals = 6\neth_price_e8 = 1\npool_fee_ppm = 500\nobservations = 2"
    path = tmp_path / "world.toml"
    path.write_text(text.replace("{good}", good))

    with pytest.raises(ParamsInvalid, match=named):
        load_world(path)
