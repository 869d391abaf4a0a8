// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

/// @title The part of a Uniswap v3 pool that the adapter calls.
interface IUniswapV3PoolMinimal {
    /// @return Token with the lower address.
    function token0() external view returns (address);

    /// @return Token with the higher address.
    function token1() external view returns (address);

    /// @return Swap fee in hundredths of a basis point.
    function fee() external view returns (uint24);

    /// @return Ticks of a position must be multiples of this.
    function tickSpacing() external view returns (int24);

    /// @return sqrtPriceX96 Square root of token1 per token0, times 2**96.
    /// @return tick Tick of that price.
    /// @return observationIndex Index of the newest oracle observation.
    /// @return observationCardinality Observations the pool keeps.
    /// @return observationCardinalityNext Observations it will keep after the next one is written.
    /// @return feeProtocol Protocol's share of the fee, packed.
    /// @return unlocked False while the pool is inside a call.
    function slot0()
        external
        view
        returns (
            uint160 sqrtPriceX96,
            int24 tick,
            uint16 observationIndex,
            uint16 observationCardinality,
            uint16 observationCardinalityNext,
            uint8 feeProtocol,
            bool unlocked
        );

    /// @param index Slot of the ring buffer.
    /// @return blockTimestamp Time of the observation, modulo 2**32.
    /// @return tickCumulative Sum of tick times seconds up to it.
    /// @return secondsPerLiquidityCumulativeX128 Sum of seconds per unit of liquidity up to it.
    /// @return initialized Whether the slot holds an observation.
    function observations(uint256 index)
        external
        view
        returns (
            uint32 blockTimestamp,
            int56 tickCumulative,
            uint160 secondsPerLiquidityCumulativeX128,
            bool initialized
        );

    /// @param secondsAgos Ages to look back to.
    /// @return tickCumulatives Sum of tick times seconds at each age.
    /// @return secondsPerLiquidityCumulativeX128s Sum of seconds per liquidity at each age.
    function observe(uint32[] calldata secondsAgos)
        external
        view
        returns (
            int56[] memory tickCumulatives,
            uint160[] memory secondsPerLiquidityCumulativeX128s
        );

    /// @param observationCardinalityNext Observations the pool shall keep.
    function increaseObservationCardinalityNext(uint16 observationCardinalityNext) external;

    /// @notice Adds liquidity; the pool calls `uniswapV3MintCallback` for payment.
    function mint(
        address recipient,
        int24 tickLower,
        int24 tickUpper,
        uint128 amount,
        bytes calldata data
    ) external returns (uint256 amount0, uint256 amount1);

    /// @notice Removes the caller's liquidity; what it frees waits in the pool for `collect`.
    function burn(int24 tickLower, int24 tickUpper, uint128 amount)
        external
        returns (uint256 amount0, uint256 amount1);

    /// @notice Sends what the caller's position is owed, up to the requested amounts.
    function collect(
        address recipient,
        int24 tickLower,
        int24 tickUpper,
        uint128 amount0Requested,
        uint128 amount1Requested
    ) external returns (uint128 amount0, uint128 amount1);

    /// @notice Swaps; the pool calls `uniswapV3SwapCallback` for payment.
    /// @return amount0 Paid to the pool if positive, received from it if negative.
    /// @return amount1 Paid to the pool if positive, received from it if negative.
    function swap(
        address recipient,
        bool zeroForOne,
        int256 amountSpecified,
        uint160 sqrtPriceLimitX96,
        bytes calldata data
    ) external returns (int256 amount0, int256 amount1);
}
