// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

import {IAdapter} from "./IAdapter.sol";

/// @title Several liquidity ranges in one Uniswap v3 pool, valued at an independent feed's mark; without a feed, at the
/// pool's own 30-minute and 24-hour means.
/// @notice Roles are read from the vault: `keeper()` moves liquidity, `guardian()` may also leave a range.
/// `sent()` is the sum of all allocations, `returned()` of all deallocations: information for accounting, no part of
/// `value()`.
interface IUniswapV3Adapter is IAdapter {
    /// @param tickLower Lower tick, a multiple of the pool's spacing.
    /// @param tickUpper Upper tick, a multiple of the pool's spacing.
    /// @param liquidity Liquidity the adapter holds between them.
    struct Range {
        int24 tickLower;
        int24 tickUpper;
        uint128 liquidity;
    }

    /// @param maxFeedAgeSeconds Oldest feed round that counts; 0 without a feed.
    /// @param deviationLimitBps Mark against TWAP, and spot against TWAP, in basis points.
    /// @param cooldownSeconds Time between two keeper operations.
    /// @param maxValueChangeBps Largest change of the adapter's value in one keeper operation.
    /// @param minObservations Oracle observations the pool must keep before the adapter works.
    struct Limits {
        uint32 maxFeedAgeSeconds;
        uint16 deviationLimitBps;
        uint32 cooldownSeconds;
        uint16 maxValueChangeBps;
        uint16 minObservations;
    }

    /// @notice A limit was zero or beyond its hard bound at construction.
    error LimitOutOfBounds();
    /// @notice The pool does not hold the vault's asset.
    error AssetNotInPool(address pool, address asset);
    /// @notice The caller is neither the vault's keeper nor its guardian.
    error NotKeeperOrGuardian(address caller);
    /// @notice A pool callback arrived from elsewhere, or outside an operation of this adapter.
    error NotPoolCallback(address caller);
    /// @notice `deadline` (seconds) lies before the block's time.
    error DeadlinePassed(uint256 deadline, uint256 blockTime);
    /// @notice The last keeper operation is too recent; `readyAt` in seconds.
    error CooldownActive(uint256 readyAt);
    /// @notice The feed's answer is not positive or its time lies in the future.
    error FeedInvalid(int256 answer, uint256 updatedAt);
    /// @notice The feed's latest round is older than the limit.
    error FeedTooOld(uint256 updatedAt, uint256 maxAgeSeconds);
    /// @notice The feed's price has no square root price within Uniswap's bounds.
    error MarkOutOfBounds(uint256 sqrtPriceX96);
    /// @notice The pool keeps fewer observations than the adapter asks for.
    error TooFewObservations(uint16 observations, uint16 required);
    /// @notice The pool's spot is further from its TWAP than the limit.
    error SpotOffTwap(uint160 spotSqrtPriceX96, uint160 twapSqrtPriceX96);
    /// @notice The operation changed the adapter's value at the mark by more than the limit (asset units).
    error ValueChangeExceeded(uint256 valueBefore, uint256 valueAfter);
    /// @notice The adapter would hold more ranges than it can value in one call.
    error TooManyRanges(uint256 maximum);
    /// @notice No liquidity between these ticks, or less than asked for.
    error LiquidityNotHeld(int24 tickLower, int24 tickUpper, uint128 held);
    /// @notice An amount of zero was asked for.
    error ZeroAmount();
    /// @notice The mint would cost more than allowed (token units).
    error CostAboveMaximum(uint256 amount0, uint256 amount1);
    /// @notice Less came out than demanded (token units).
    error ProceedsBelowMinimum(uint256 amount0, uint256 amount1);
    /// @notice The pool stopped before it took the whole input (token units).
    error SwapNotFilled(uint256 amountIn, uint256 amountFilled);
    /// @notice What left the range is worth less at the mark than demanded (asset units).
    error ExitValueTooLow(uint256 valueAtMark, uint256 minValueAtMark);
    /// @notice The pool asks for more than the adapter has booked (token units).
    error BookedBalanceTooLow(address token, uint256 booked, uint256 required);

    /// @notice Liquidity was added.
    /// @param tickLower Lower tick.
    /// @param tickUpper Upper tick.
    /// @param liquidity Liquidity added.
    /// @param amount0 Token0 units paid.
    /// @param amount1 Token1 units paid.
    event MintRange(
        int24 indexed tickLower,
        int24 indexed tickUpper,
        uint128 liquidity,
        uint256 amount0,
        uint256 amount1
    );
    /// @notice Liquidity was removed and booked as idle balances.
    /// @param tickLower Lower tick.
    /// @param tickUpper Upper tick.
    /// @param liquidity Liquidity removed.
    /// @param amount0 Token0 units received, fees excluded.
    /// @param amount1 Token1 units received, fees excluded.
    event BurnRange(
        int24 indexed tickLower,
        int24 indexed tickUpper,
        uint128 liquidity,
        uint256 amount0,
        uint256 amount1
    );
    /// @notice Fees of a range were collected and booked as idle balances.
    /// @param tickLower Lower tick.
    /// @param tickUpper Upper tick.
    /// @param amount0 Token0 units.
    /// @param amount1 Token1 units.
    event CollectFees(
        int24 indexed tickLower, int24 indexed tickUpper, uint256 amount0, uint256 amount1
    );
    /// @notice Idle balances were swapped in the pool.
    /// @param zeroForOne True if token0 was sold.
    /// @param amountIn Units sold.
    /// @param amountOut Units bought.
    event SwapExactIn(bool indexed zeroForOne, uint256 amountIn, uint256 amountOut);
    /// @notice The pool was told to keep more oracle observations.
    /// @param observations Observations the pool will keep.
    event RaiseObservations(uint16 observations);

    /// @notice Adds liquidity between two ticks, paid from booked balances. Keeper only.
    /// @dev Guards: deadline, cooldown, 30 minutes of TWAP, spot within the limit of it, value change within
    /// the limit. Emits `MintRange`, and `CollectFees` if the range had earned any.
    /// @param tickLower Lower tick, a multiple of the pool's spacing.
    /// @param tickUpper Upper tick, a multiple of the pool's spacing.
    /// @param liquidity Liquidity to add.
    /// @param amount0Max Most token0 units to pay.
    /// @param amount1Max Most token1 units to pay.
    /// @param deadline Last block time, in seconds, at which this may run.
    /// @return amount0 Token0 units paid.
    /// @return amount1 Token1 units paid.
    function mintRange(
        int24 tickLower,
        int24 tickUpper,
        uint128 liquidity,
        uint256 amount0Max,
        uint256 amount1Max,
        uint256 deadline
    ) external returns (uint256 amount0, uint256 amount1);

    /// @notice Removes liquidity between two ticks and books what it frees. Keeper only.
    /// @dev Same guards as `mintRange`. Emits `BurnRange`, and `CollectFees` if there were any.
    /// @param tickLower Lower tick.
    /// @param tickUpper Upper tick.
    /// @param liquidity Liquidity to remove.
    /// @param amount0Min Fewest token0 units to receive, fees excluded.
    /// @param amount1Min Fewest token1 units to receive, fees excluded.
    /// @param deadline Last block time, in seconds, at which this may run.
    /// @return amount0 Token0 units received, fees excluded.
    /// @return amount1 Token1 units received, fees excluded.
    function burnRange(
        int24 tickLower,
        int24 tickUpper,
        uint128 liquidity,
        uint256 amount0Min,
        uint256 amount1Min,
        uint256 deadline
    ) external returns (uint256 amount0, uint256 amount1);

    /// @notice Sells booked units of one token for the other in the pool. Keeper only.
    /// @dev Same guards as `mintRange`, the spot tested before and after; but what is sold for the vault's asset at the
    /// mark less the pool's fee and 0.3 %, or better, needs no `IMandate.checkIncrease` where there is a feed. Emits `SwapExactIn`.
    /// @param zeroForOne True to sell token0.
    /// @param amountIn Units to sell, all of them or nothing.
    /// @param amountOutMin Fewest units to buy.
    /// @param deadline Last block time, in seconds, at which this may run.
    /// @return amountOut Units bought.
    function swapExactIn(bool zeroForOne, uint256 amountIn, uint256 amountOutMin, uint256 deadline)
        external
        returns (uint256 amountOut);

    /// @notice Removes a whole range without cooldown, TWAP test or swap. Keeper or guardian.
    /// @dev Cannot lose value at the mark: see the contract header. Emits `BurnRange`.
    /// @param tickLower Lower tick.
    /// @param tickUpper Upper tick.
    /// @param minValueAtMark Least worth of what leaves the range, asset units; zero does not read the feed.
    /// @return amount0 Token0 units received, fees excluded.
    /// @return amount1 Token1 units received, fees excluded.
    function exitRange(int24 tickLower, int24 tickUpper, uint256 minValueAtMark)
        external
        returns (uint256 amount0, uint256 amount1);

    /// @notice Makes the pool keep more oracle observations, up to `limits().minObservations`. Anyone.
    /// @dev Costs about 22,000 gas a step, so several calls may be needed. Emits `RaiseObservations`.
    /// @param observations Observations the pool shall keep.
    function raiseObservations(uint16 observations) external;

    /// @return The Uniswap v3 pool.
    function pool() external view returns (address);

    /// @return The pool's token0.
    function token0() external view returns (address);

    /// @return The pool's token1.
    function token1() external view returns (address);

    /// @return The feed that prices the pool's other token in the asset; 0 if the pool's own means do.
    function feed() external view returns (address);

    /// @return The limits fixed at construction.
    function limits() external view returns (Limits memory);

    /// @return Every range held, in no particular order.
    function ranges() external view returns (Range[] memory);

    /// @return amount0 Booked idle token0 units.
    /// @return amount1 Booked idle token1 units.
    function balances() external view returns (uint256 amount0, uint256 amount1);

    /// @return Time in seconds of the last keeper operation that started the cooldown.
    function lastOperationAt() external view returns (uint64);

    /// @notice Whether keeper operations and allocations can work: oracle deep and old enough.
    /// @return True once 30 minutes are covered; without a feed, 24 hours.
    function isReady() external view returns (bool);

    /// @notice Arithmetic mean tick of the last 30 minutes, rounded down.
    /// @dev Reverts `UniswapV3Oracle.TwapNotCovered`.
    /// @return Mean tick.
    function twapTick() external view returns (int24);

    /// @notice The feed's latest round as a pool price; without a feed, the mean of the last 30 minutes.
    /// @dev Reverts `FeedInvalid`, `FeedTooOld`, `MarkOutOfBounds`, `UniswapV3Oracle.TwapNotCovered`.
    /// @return Square root of token1 units per token0 unit, times 2**96, rounded down.
    function markSqrtPriceX96() external view returns (uint160);
}
