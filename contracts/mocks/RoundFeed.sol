// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Price feed with recorded rounds and the interface of an AggregatorV3, for tests and the local world
contract RoundFeed {
    struct Round {
        int256 answer;
        uint256 updatedAt;
    }

    address public immutable publisher;
    uint8 public immutable decimals;
    string public description;

    Round[] private _rounds;

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    error NotPublisher(address caller);
    error NoRound(uint256 roundId);

    constructor(uint8 decimals_, string memory description_) {
        publisher = msg.sender;
        decimals = decimals_;
        description = description_;
    }

    /// @notice Records `answer` as the next round, at the block's time. Rounds count from 1.
    function push(int256 answer) external returns (uint80 roundId) {
        require(msg.sender == publisher, NotPublisher(msg.sender));

        _rounds.push(Round(answer, block.timestamp));
        roundId = uint80(_rounds.length); // safe: fewer than 2^80 transactions

        emit AnswerUpdated(answer, roundId, block.timestamp);
    }

    function latestRoundData()
        external
        view
        returns (uint80, int256 answer, uint256 startedAt, uint256 updatedAt, uint80)
    {
        return getRoundData(uint80(_rounds.length)); // safe: as in push
    }

    function getRoundData(uint80 roundId)
        public
        view
        returns (uint80, int256 answer, uint256 startedAt, uint256 updatedAt, uint80)
    {
        require(roundId > 0 && roundId <= _rounds.length, NoRound(roundId));

        Round memory round = _rounds[roundId - 1];
        return (roundId, round.answer, round.updatedAt, round.updatedAt, roundId);
    }

    function version() external pure returns (uint256) {
        return 1;
    }
}
