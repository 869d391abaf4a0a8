"""Following a head that grows, forks, lags and jumps."""

import asyncio

import pytest
from fake_node import FakeNode, block_hash

from keeper.chain.blocks import BlockFollower, Step
from keeper.domain.errors import ChainUnavailable


def numbers(step: Step) -> tuple[list[int], list[int]]:
    return [b.number for b in step.reverted], [b.number for b in step.seen]


def poll(follower: BlockFollower) -> tuple[list[int], list[int]]:
    return numbers(asyncio.run(follower.poll()))


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
def follower(node: FakeNode) -> BlockFollower:
    return BlockFollower(node.rpc())


def test_poll__same_head__nothing(follower: BlockFollower) -> None:
    assert poll(follower) == ([], [1])
    assert poll(follower) == ([], [])


def test_poll__several_blocks__each_seen_once_in_order(
    node: FakeNode, follower: BlockFollower
) -> None:
    poll(follower)
    for number in (2, 3, 4):
        node.extend(number)

    assert poll(follower) == ([], [2, 3, 4])


def test_poll__fork_below_the_head__reverts_newest_first(
    node: FakeNode, follower: BlockFollower
) -> None:
    for number in (2, 3, 4):
        node.extend(number)
        poll(follower)
    node.extend(3, "b", "a")
    node.extend(4, "b", "b")
    node.extend(5, "b", "b")

    assert poll(follower) == ([4, 3], [3, 4, 5])


def test_poll__fork_of_the_same_height__replaces_the_head(
    node: FakeNode, follower: BlockFollower
) -> None:
    for number in (2, 3):
        node.extend(number)
        poll(follower)
    node.extend(3, "b", "a")

    assert poll(follower) == ([3], [3])
    assert follower.head is not None
    assert follower.head.hash == block_hash(3, "b")


def test_poll__lagging_node__no_news(node: FakeNode, follower: BlockFollower) -> None:
    for number in (2, 3):
        node.extend(number)
        poll(follower)
    node.head = block_hash(2)

    assert poll(follower) == ([], [])


def test_poll__far_ahead__says_what_was_skipped(node: FakeNode, follower: BlockFollower) -> None:
    poll(follower)
    node.extend(500)

    step = asyncio.run(follower.poll())

    assert step.skipped == (2, 500)
    assert numbers(step) == ([], [500])


def test_poll__parent_missing__keeps_what_it_knew(node: FakeNode, follower: BlockFollower) -> None:
    poll(follower)
    node.extend(4)

    with pytest.raises(ChainUnavailable):
        poll(follower)

    for number in (2, 3, 4):
        node.extend(number)
    assert poll(follower) == ([], [2, 3, 4])
