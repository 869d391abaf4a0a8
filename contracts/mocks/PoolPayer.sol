// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IUniswapV3PoolMinimal} from "../interfaces/external/IUniswapV3PoolMinimal.sol";

/// @title Owner of positions in one Uniswap v3 pool, for tests: pays whatever the pool asks from its own balance
contract PoolPayer {
    using SafeERC20 for IERC20;

    IUniswapV3PoolMinimal public pool;

    error NotPool(address caller);

    function use(address newPool) external {
        pool = IUniswapV3PoolMinimal(newPool);
    }

    function swap(bool zeroForOne, int256 amount, uint160 sqrtPriceLimitX96) external {
        pool.swap(address(this), zeroForOne, amount, sqrtPriceLimitX96, "");
    }

    function mint(int24 tickLower, int24 tickUpper, uint128 liquidity) external {
        pool.mint(address(this), tickLower, tickUpper, liquidity, "");
    }

    function burn(int24 tickLower, int24 tickUpper, uint128 liquidity) external {
        pool.burn(tickLower, tickUpper, liquidity);
    }

    function collect(int24 tickLower, int24 tickUpper) external {
        uint128 all = type(uint128).max;
        pool.collect(address(this), tickLower, tickUpper, all, all);
    }

    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata) external {
        _pay(pool.token0(), amount0);
        _pay(pool.token1(), amount1);
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata) external {
        if (amount0 > 0) _pay(pool.token0(), uint256(amount0));
        if (amount1 > 0) _pay(pool.token1(), uint256(amount1));
    }

    function _pay(address token, uint256 amount) private {
        require(msg.sender == address(pool), NotPool(msg.sender));
        IERC20(token).safeTransfer(msg.sender, amount);
    }
}
