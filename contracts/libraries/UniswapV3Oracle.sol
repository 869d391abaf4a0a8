// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

import {TickMath} from "@uniswap/v4-core/src/libraries/TickMath.sol";

import {IUniswapV3PoolMinimal} from "../interfaces/external/IUniswapV3PoolMinimal.sol";
import {UniswapV3Valuation} from "./UniswapV3Valuation.sol";

/// @title What a Uniswap v3 pool's own oracle remembers.
library UniswapV3Oracle {
    /// @notice The pool remembers less than the window.
    error TwapNotCovered(uint256 coveredSeconds, uint256 windowSeconds);

    /// @return Mean tick of the last `windowSeconds`, rounded down.
    /// @dev Without a trade since, the pool extends its last tick to now: after a jump in time the mean is that tick.
    function twapTick(IUniswapV3PoolMinimal pool, uint32 windowSeconds)
        internal
        view
        returns (int24)
    {
        requireCovered(pool, windowSeconds);
        uint32[] memory ages = new uint32[](2);
        ages[0] = windowSeconds;
        (int56[] memory cumulatives,) = pool.observe(ages);
        return UniswapV3Valuation.meanTickDown(cumulatives[0], cumulatives[1], windowSeconds);
    }

    /// @return Square root price at the mean tick, times 2**96.
    function twapSqrtPriceX96(IUniswapV3PoolMinimal pool, uint32 windowSeconds)
        internal
        view
        returns (uint160)
    {
        return TickMath.getSqrtPriceAtTick(twapTick(pool, windowSeconds));
    }

    /// @return sqrtPriceX96 Current price.
    function spotSqrtPriceX96(IUniswapV3PoolMinimal pool)
        internal
        view
        returns (uint160 sqrtPriceX96)
    {
        (sqrtPriceX96,,,,,,) = pool.slot0();
    }

    /// @return kept Observations that the pool keeps, or will once its ring comes round.
    function keptObservations(IUniswapV3PoolMinimal pool) internal view returns (uint16 kept) {
        (,,,, kept,,) = pool.slot0();
    }

    /// @notice Reverts `TwapNotCovered` if the oldest observation is younger than the window.
    function requireCovered(IUniswapV3PoolMinimal pool, uint32 windowSeconds) internal view {
        uint256 covered = coveredSeconds(pool);
        if (covered < windowSeconds) revert TwapNotCovered(covered, windowSeconds);
    }

    /// @return Age in seconds of the oldest observation kept.
    /// @dev It sits after the newest; a slot not yet written means that the ring never came round.
    function coveredSeconds(IUniswapV3PoolMinimal pool) internal view returns (uint256) {
        (,, uint16 newest, uint16 size,,,) = pool.slot0();
        (uint32 since,,, bool written) = pool.observations((uint256(newest) + 1) % size);
        if (!written) (since,,,) = pool.observations(0);
        // The pool's times wrap at 2**32, and so does their difference.
        unchecked {
            return uint32(block.timestamp) - since;
        }
    }
}
