// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {TickMath} from "@uniswap/v4-core/src/libraries/TickMath.sol";

import {IAdapter} from "../interfaces/IAdapter.sol";
import {IUniswapV3Adapter} from "../interfaces/IUniswapV3Adapter.sol";
import {IAggregatorV3} from "../interfaces/external/IAggregatorV3.sol";
import {IUniswapV3PoolMinimal} from "../interfaces/external/IUniswapV3PoolMinimal.sol";
import {UniswapV3Oracle} from "../libraries/UniswapV3Oracle.sol";
import {UniswapV3Valuation} from "../libraries/UniswapV3Valuation.sol";

/// @title The prices that a leg in one pool is valued at
/// @notice There are always two, and a leg is worth the lower at the bid and the higher at the ask. The first is the
/// mark, at which keeper operations are measured too.
///
/// With a feed: its latest round, twice; or, where the pool's 30-minute mean is further from it than the limit, that
/// round and that mean. Without one: the pool's means over 30 minutes and over 24 hours.
///
/// Trust without a feed: no price but the pool's own. Who holds the spot away for 30 minutes moves the mark by all of
/// it and the other price by a forty-eighth, so that the one side of a leg's worth stays where it was; who holds it
/// for a day moves both.
///
/// Liveness: a dead feed, or a pool that remembers less than the longer window, has no prices. Anyone cures the latter
/// with `raiseObservations` and time.
abstract contract PoolMarks is IUniswapV3Adapter {
    using UniswapV3Oracle for IUniswapV3PoolMinimal;

    uint32 internal constant TWAP_WINDOW = 30 minutes;
    uint32 internal constant FEEDLESS_WINDOW = 24 hours; // of the second price
    uint256 internal constant MAX_FEED_AGE = 2 days; // hard bound of the limit
    uint256 internal constant MAX_DEVIATION_BPS = 1_000; // 10 %, hard bound of the limit

    /// @inheritdoc IAdapter
    address public immutable asset;
    /// @inheritdoc IUniswapV3Adapter
    address public immutable pool;
    /// @inheritdoc IUniswapV3Adapter
    address public immutable token0;
    /// @inheritdoc IUniswapV3Adapter
    address public immutable token1;
    /// @inheritdoc IUniswapV3Adapter
    address public immutable feed;

    bool internal immutable _assetIsToken0;
    uint32 internal immutable _maxFeedAgeSeconds;
    uint16 internal immutable _deviationLimitBps;
    uint16 internal immutable _minObservations;
    uint256 private immutable _assetUnits; // units of one whole asset token
    uint256 private immutable _otherUnits; // units of one whole other token, times the feed's unit; 0 without one

    constructor(address asset_, address pool_, address feed_, Limits memory limits_) {
        _requireBounds(feed_, limits_);
        asset = asset_;
        pool = pool_;
        feed = feed_;
        token0 = IUniswapV3PoolMinimal(pool_).token0();
        token1 = IUniswapV3PoolMinimal(pool_).token1();
        _assetIsToken0 = asset_ == token0;
        if (!_assetIsToken0 && asset_ != token1) revert AssetNotInPool(pool_, asset_);

        _assetUnits = 10 ** IERC20Metadata(asset_).decimals();
        _otherUnits = feed_ == address(0)
            ? 0
            : 10
                ** (uint256(IERC20Metadata(_assetIsToken0 ? token1 : token0).decimals())
                    + IAggregatorV3(feed_).decimals());
        _maxFeedAgeSeconds = limits_.maxFeedAgeSeconds;
        _deviationLimitBps = limits_.deviationLimitBps;
        _minObservations = limits_.minObservations;
    }

    /* ANYONE */

    /// @inheritdoc IUniswapV3Adapter
    function raiseObservations(uint16 observations) external {
        uint16 target = observations < _minObservations ? observations : _minObservations;
        emit RaiseObservations(target);
        IUniswapV3PoolMinimal(pool).increaseObservationCardinalityNext(target);
    }

    /* VIEWS */

    /// @inheritdoc IUniswapV3Adapter
    function isReady() external view returns (bool) {
        IUniswapV3PoolMinimal pool_ = IUniswapV3PoolMinimal(pool);
        return
            pool_.keptObservations() >= _minObservations
                && pool_.coveredSeconds() >= _longerWindow();
    }

    /// @inheritdoc IUniswapV3Adapter
    function twapTick() external view returns (int24) {
        return IUniswapV3PoolMinimal(pool).twapTick(TWAP_WINDOW);
    }

    /// @inheritdoc IUniswapV3Adapter
    function markSqrtPriceX96() public view returns (uint160) {
        return feed == address(0) ? _mean(TWAP_WINDOW) : _feedSqrtPriceX96();
    }

    /* INTERNAL */

    /// @dev The mark, and the second price: equal where a leg has one value.
    function _marks() internal view returns (uint160 mark, uint160 second) {
        mark = markSqrtPriceX96();
        second = _mean(_longerWindow());
        if (feed == address(0)) return (mark, second);
        if (!UniswapV3Valuation.deviates(mark, second, _deviationLimitBps)) second = mark;
    }

    function _requireReady() internal view {
        uint16 kept = IUniswapV3PoolMinimal(pool).keptObservations();
        if (kept < _minObservations) revert TooFewObservations(kept, _minObservations);
        IUniswapV3PoolMinimal(pool).requireCovered(_longerWindow());
    }

    /// @dev The TWAP, not the mark, is compared: after a feed's jump the pool may lag for a while, and the
    /// value test at the mark already refuses what that would cost.
    function _requireSpotNearTwap() internal view {
        uint160 spot = IUniswapV3PoolMinimal(pool).spotSqrtPriceX96();
        uint160 twap = _mean(TWAP_WINDOW);
        if (UniswapV3Valuation.deviates(spot, twap, _deviationLimitBps)) {
            revert SpotOffTwap(spot, twap);
        }
    }

    /// @dev The longest that the pool has to remember.
    function _longerWindow() private view returns (uint32) {
        return feed == address(0) ? FEEDLESS_WINDOW : TWAP_WINDOW;
    }

    function _mean(uint32 windowSeconds) private view returns (uint160) {
        return IUniswapV3PoolMinimal(pool).twapSqrtPriceX96(windowSeconds);
    }

    function _feedSqrtPriceX96() private view returns (uint160) {
        (, int256 answer,, uint256 updatedAt,) = IAggregatorV3(feed).latestRoundData();
        if (answer <= 0 || updatedAt > block.timestamp) revert FeedInvalid(answer, updatedAt);
        if (block.timestamp - updatedAt > _maxFeedAgeSeconds) {
            revert FeedTooOld(updatedAt, _maxFeedAgeSeconds);
        }

        // `other` units of the other token are worth `assets` units of the asset. Safe cast: positive.
        uint256 assets = uint256(answer) * _assetUnits;
        uint256 other = _otherUnits;
        uint256 sqrtPriceX96 = _assetIsToken0
            ? UniswapV3Valuation.sqrtPriceDown(assets, other)
            : UniswapV3Valuation.sqrtPriceDown(other, assets);
        if (sqrtPriceX96 < TickMath.MIN_SQRT_PRICE || sqrtPriceX96 >= TickMath.MAX_SQRT_PRICE) {
            revert MarkOutOfBounds(sqrtPriceX96);
        }
        // Safe cast: below MAX_SQRT_PRICE.
        return uint160(sqrtPriceX96);
    }

    function _requireBounds(address feed_, Limits memory limits_) private pure {
        // An age without a feed would be a limit of nothing.
        if ((feed_ == address(0)) != (limits_.maxFeedAgeSeconds == 0)) revert LimitOutOfBounds();
        if (limits_.maxFeedAgeSeconds > MAX_FEED_AGE) revert LimitOutOfBounds();
        if (limits_.deviationLimitBps == 0 || limits_.deviationLimitBps > MAX_DEVIATION_BPS) {
            revert LimitOutOfBounds();
        }
        if (limits_.minObservations < 2) revert LimitOutOfBounds();
    }
}
