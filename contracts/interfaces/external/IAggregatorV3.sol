// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

/// @title The part of a Chainlink-style price feed that the adapters read.
interface IAggregatorV3 {
    /// @return Decimals of `answer`.
    function decimals() external view returns (uint8);

    /// @return roundId Id of the latest round.
    /// @return answer Price of one whole token in whole units of the quote, times 10**decimals.
    /// @return startedAt Time the round started, in seconds.
    /// @return updatedAt Time the answer was written, in seconds.
    /// @return answeredInRound Round in which the answer was computed.
    function latestRoundData()
        external
        view
        returns (
            uint80 roundId,
            int256 answer,
            uint256 startedAt,
            uint256 updatedAt,
            uint80 answeredInRound
        );
}
