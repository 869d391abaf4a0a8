// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SqrtPriceMath} from "@uniswap/v4-core/src/libraries/SqrtPriceMath.sol";

/// @title What liquidity and tokens of a Uniswap v3 pool are worth at a price that is given, not read.
/// @dev Prices are token1 units per token0 unit: as a square root times 2**96, or as a ratio times 2**128.
library UniswapV3Valuation {
    uint256 private constant Q128 = 1 << 128;
    uint256 private constant Q192 = 1 << 192;
    uint256 private constant BPS = 10_000; // 100 %

    /// @return Square root price of `token1Units / token0Units`, rounded down.
    /// @dev Reverts by overflow if the price is 2**64 or more.
    function sqrtPriceDown(uint256 token0Units, uint256 token1Units)
        internal
        pure
        returns (uint256)
    {
        return Math.sqrt(Math.mulDiv(token1Units, Q192, token0Units));
    }

    /// @return Token0 units that `liquidity` holds at `sqrtPriceX96`, rounded down.
    function amount0Down(
        uint160 sqrtPriceX96,
        uint160 sqrtLowerX96,
        uint160 sqrtUpperX96,
        uint128 liquidity
    ) internal pure returns (uint256) {
        if (sqrtPriceX96 >= sqrtUpperX96) return 0;
        uint160 from = sqrtPriceX96 > sqrtLowerX96 ? sqrtPriceX96 : sqrtLowerX96;
        return SqrtPriceMath.getAmount0Delta(from, sqrtUpperX96, liquidity, false);
    }

    /// @return Token1 units that `liquidity` holds at `sqrtPriceX96`, rounded down.
    function amount1Down(
        uint160 sqrtPriceX96,
        uint160 sqrtLowerX96,
        uint160 sqrtUpperX96,
        uint128 liquidity
    ) internal pure returns (uint256) {
        if (sqrtPriceX96 <= sqrtLowerX96) return 0;
        uint160 to = sqrtPriceX96 < sqrtUpperX96 ? sqrtPriceX96 : sqrtUpperX96;
        return SqrtPriceMath.getAmount1Delta(sqrtLowerX96, to, liquidity, false);
    }

    /// @return Token1 units worth `amount0` token0 units, rounded down.
    function quote0In1Down(uint256 amount0, uint160 sqrtPriceX96) internal pure returns (uint256) {
        return Math.mulDiv(amount0, _ratioX128(sqrtPriceX96, Math.Rounding.Floor), Q128);
    }

    /// @return Token0 units worth `amount1` token1 units, rounded down.
    function quote1In0Down(uint256 amount1, uint160 sqrtPriceX96) internal pure returns (uint256) {
        return Math.mulDiv(amount1, Q128, _ratioX128(sqrtPriceX96, Math.Rounding.Ceil));
    }

    /// @return True if the higher price exceeds the lower one by more than `limitBps`.
    function deviates(uint160 sqrtPriceAX96, uint160 sqrtPriceBX96, uint256 limitBps)
        internal
        pure
        returns (bool)
    {
        (uint160 low, uint160 high) = sqrtPriceAX96 < sqrtPriceBX96
            ? (sqrtPriceAX96, sqrtPriceBX96)
            : (sqrtPriceBX96, sqrtPriceAX96);
        uint256 ratioLow = _ratioX128(low, Math.Rounding.Floor);
        uint256 ratioHigh = _ratioX128(high, Math.Rounding.Floor);
        return ratioHigh - ratioLow > Math.mulDiv(ratioLow, limitBps, BPS);
    }

    /// @return Mean tick over `windowSeconds`, rounded towards minus infinity.
    function meanTickDown(int56 cumulativeStart, int56 cumulativeEnd, uint32 windowSeconds)
        internal
        pure
        returns (int24)
    {
        int56 delta = cumulativeEnd - cumulativeStart;
        int56 window = int56(uint56(windowSeconds));
        int56 mean = delta / window;
        if (delta < 0 && delta % window != 0) mean--;
        // Safe: a mean of ticks is itself within the tick bounds, which fit int24.
        return int24(mean);
    }

    /// @dev A square root below 2**160 squared and divided by 2**64 always fits 256 bits.
    function _ratioX128(uint160 sqrtPriceX96, Math.Rounding rounding)
        private
        pure
        returns (uint256)
    {
        return Math.mulDiv(sqrtPriceX96, sqrtPriceX96, 1 << 64, rounding);
    }
}
