// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What is asked of a Uniswap v3 factory
interface IUniswapV3FactoryMinimal {
    /// @notice The pool of two tokens, in any order, and a fee [ppm]; 0 when there is none.
    function getPool(address tokenA, address tokenB, uint24 fee) external view returns (address);
}
