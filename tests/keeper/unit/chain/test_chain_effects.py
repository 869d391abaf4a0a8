"""Adapters' events of a receipt: signs, spelling, and whose logs count."""

from typing import Any

from eth_utils.crypto import keccak

from keeper.chain.effects import effects_of
from keeper.domain.events import AdapterEffect

POOL = "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB"
CLOB = "0x00000000000000000000000000000000000000bb"
ADAPTERS = {POOL.lower(): POOL, CLOB: CLOB}


def word(value: int) -> str:
    return (value % 2**256).to_bytes(32, "big").hex()


def log(index: int, signature: str, *data: int, indexed: tuple[int, ...] = ()) -> dict[str, Any]:
    return {
        "address": POOL.lower(),
        "topics": ["0x" + keccak(text=signature).hex(), *("0x" + word(v) for v in indexed)],
        "data": "0x" + "".join(word(value) for value in data),
        "blockNumber": "0x7",
        "logIndex": hex(index),
        "transactionHash": "0xaa",
    }


def effects(*logs: dict[str, Any]) -> tuple[AdapterEffect, ...]:
    return effects_of({"logs": list(logs)}, ADAPTERS)


def test_effects_of__mint_and_its_fees__pay_out_and_book_in() -> None:
    collected = log(3, "CollectFees(int24,int24,uint256,uint256)", 5, 6, indexed=(-120, 60))
    minted = log(4, "MintRange(int24,int24,uint128,uint256,uint256)", 9, 70, 80, indexed=(-120, 60))

    ticks = {"tick_lower": -120, "tick_upper": 60}
    assert effects(collected, minted) == (
        AdapterEffect(log_index=3, adapter=POOL, kind="collect", **ticks, amount0=5, amount1=6),
        AdapterEffect(
            log_index=4, adapter=POOL, kind="mint", **ticks, liquidity=9, amount0=-70, amount1=-80
        ),
    )


def test_effects_of__burn__books_what_it_freed() -> None:
    burnt = log(0, "BurnRange(int24,int24,uint128,uint256,uint256)", 9, 70, 80, indexed=(-120, 60))

    (effect,) = effects(burnt)

    assert (effect.kind, effect.liquidity, effect.amount0, effect.amount1) == ("burn", 9, 70, 80)


def test_effects_of__swaps_either_way__sell_one_and_buy_the_other() -> None:
    signature = "SwapExactIn(bool,uint256,uint256)"

    zero, one = effects(
        log(0, signature, 7, 3, indexed=(1,)), log(1, signature, 7, 3, indexed=(0,))
    )

    assert (zero.amount0, zero.amount1) == (-7, 3)
    assert (one.amount0, one.amount1) == (3, -7)


def test_effects_of__flows_with_the_vault__are_in_assets() -> None:
    sent = log(0, "Allocate(uint256)", 500)
    asked = {**log(1, "Deallocate(uint256,uint256)", 300, 0), "address": CLOB}
    back = {**log(2, "Sync(uint256)", 200), "address": CLOB}

    found = [(e.adapter, e.kind, e.assets, e.requested) for e in effects(sent, asked, back)]

    assert found == [
        (POOL, "allocate", 500, 0),
        (CLOB, "deallocate", 0, 300),
        (CLOB, "sync", -200, 0),
    ]


def test_effects_of__the_same_event_of_another_contract__is_not_ours() -> None:
    foreign = {**log(0, "Allocate(uint256)", 500), "address": "0x" + "99" * 20}
    anonymous = {**log(1, "Allocate(uint256)", 500), "topics": []}

    assert effects(foreign, anonymous) == ()
