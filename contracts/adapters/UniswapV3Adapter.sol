// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {TickMath} from "@uniswap/v4-core/src/libraries/TickMath.sol";

import {IAdapter} from "../interfaces/IAdapter.sol";
import {IMandate} from "../interfaces/IMandate.sol";
import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {IUniswapV3Adapter} from "../interfaces/IUniswapV3Adapter.sol";
import {IUniswapV3PoolMinimal} from "../interfaces/external/IUniswapV3PoolMinimal.sol";
import {UniswapV3Valuation} from "../libraries/UniswapV3Valuation.sol";
import {PoolMarks} from "./PoolMarks.sol";

/// @title UniswapV3Adapter
/// @notice Value. Every range is valued as if the pool stood at a mark, and its tokens are priced there
/// too. For liquidity this is a lower bound: what a range really holds at any other spot is worth at least
/// as much at the mark, so no swap, however large, raises the value, and leaving a range (`exitRange`)
/// never lowers it. Idle tokens count only as booked, so a donation raises nothing; fees count once `sync`
/// or a keeper operation has collected them. What the mark is, and when the value has two sides, says
/// `PoolMarks`.
///
/// Trust. The keeper chooses ranges and swaps within guards and has no way to name a recipient: tokens
/// move between the vault, this contract and the pool only, and no approval outlives a call. What a keeper
/// can lose by bad trades is bounded per operation here and in sum by the mandate's loss buckets.
///
/// Tokens, safety: neither token may take a fee on transfer, rebase or call back; the pool must be a
/// genuine Uniswap v3 pool, which the deployment checks with its factory.
/// Tokens, liveness: a mark that cannot be told makes `value` revert, which stops the vault's cut until
/// wind-down.
contract UniswapV3Adapter is PoolMarks, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    uint256 internal constant MAX_RANGES = 8; // valuing and syncing eight costs about one million gas
    uint256 internal constant BPS = 10_000; // 100 %
    uint256 internal constant MIN_COOLDOWN = 60 seconds; // hard bound of the limit
    uint256 internal constant MAX_VALUE_CHANGE_BPS = 30; // 0.3 %, hard bound of the limit
    uint256 internal constant HOME_LOSS_PPM = 3_000; // 0.3 % beyond the pool's fee, of what is sold
    uint256 internal constant PPM = 1_000_000; // 100 %

    /// @inheritdoc IAdapter
    address public immutable vault;

    uint32 private immutable _cooldownSeconds;
    uint16 private immutable _maxValueChangeBps;

    /// @inheritdoc IAdapter
    /// @dev Grows by exactly what `allocate` booked.
    uint256 public sent;
    /// @inheritdoc IAdapter
    /// @dev Grows by exactly what `deallocate` handed over; nothing else leaves for the vault.
    uint256 public returned;
    /// @inheritdoc IUniswapV3Adapter
    uint64 public lastOperationAt;

    /// @dev Invariant V-04: only amounts that the vault, the pool's callbacks or `collect` moved are here.
    uint256 private _booked0;
    uint256 private _booked1;
    Range[] private _ranges;

    constructor(address vault_, address pool_, address feed_, Limits memory limits_)
        PoolMarks(IMarketMakingVault(vault_).asset(), pool_, feed_, limits_)
    {
        if (limits_.cooldownSeconds < MIN_COOLDOWN) revert LimitOutOfBounds();
        if (limits_.maxValueChangeBps == 0 || limits_.maxValueChangeBps > MAX_VALUE_CHANGE_BPS) {
            revert LimitOutOfBounds();
        }
        vault = vault_;
        _cooldownSeconds = limits_.cooldownSeconds;
        _maxValueChangeBps = limits_.maxValueChangeBps;
    }

    /* VAULT */

    /// @inheritdoc IAdapter
    function allocate(uint256 assets) external nonReentrant {
        if (msg.sender != vault) revert NotVault(msg.sender);
        if (assets == 0) revert ZeroAmount();
        _requireReady();

        sent += assets;
        _book(_assetIsToken0, assets);
        emit Allocate(assets);
    }

    /// @inheritdoc IAdapter
    function deallocate(uint256 assets) external nonReentrant returns (uint256 assetsReturned) {
        if (msg.sender != vault) revert NotVault(msg.sender);
        if (assets == 0) revert ZeroAmount();

        returned += assets;
        _unbook(_assetIsToken0, assets);
        emit Deallocate(assets, assets);

        IERC20(asset).forceApprove(vault, assets);
        IMarketMakingVault(vault).returnAssets(assets);
        return assets;
    }

    /* KEEPER */

    /// @inheritdoc IUniswapV3Adapter
    // What the pool frees is known after its call only; every entry and `value` are guarded meanwhile.
    // slither-disable-next-line reentrancy-no-eth
    function mintRange(
        int24 tickLower,
        int24 tickUpper,
        uint128 liquidity,
        uint256 amount0Max,
        uint256 amount1Max,
        uint256 deadline
    ) external nonReentrant returns (uint256 amount0, uint256 amount1) {
        _startIncrease(deadline);
        if (liquidity == 0) revert ZeroAmount();
        uint256 index = _indexOf(tickLower, tickUpper);
        if (index == _ranges.length) {
            if (index == MAX_RANGES) revert TooManyRanges(MAX_RANGES);
            _ranges.push(Range(tickLower, tickUpper, 0));
        } else {
            _collectFees(_ranges[index]);
        }
        uint160 mark = markSqrtPriceX96();
        uint256 valueBefore = _valueDown(mark);

        _ranges[index].liquidity += liquidity;
        (amount0, amount1) =
            IUniswapV3PoolMinimal(pool).mint(address(this), tickLower, tickUpper, liquidity, "");
        if (amount0 > amount0Max || amount1 > amount1Max) {
            revert CostAboveMaximum(amount0, amount1);
        }

        _chargeLoss(_lossWithinLimit(valueBefore, mark));
        emit MintRange(tickLower, tickUpper, liquidity, amount0, amount1);
    }

    /// @inheritdoc IUniswapV3Adapter
    // What the pool frees is known after its call only; every entry and `value` are guarded meanwhile.
    // slither-disable-next-line reentrancy-no-eth
    function burnRange(
        int24 tickLower,
        int24 tickUpper,
        uint128 liquidity,
        uint256 amount0Min,
        uint256 amount1Min,
        uint256 deadline
    ) external nonReentrant returns (uint256 amount0, uint256 amount1) {
        _startOperation(deadline);
        uint256 index = _heldIndexOf(tickLower, tickUpper, liquidity);
        _collectFees(_ranges[index]);
        uint160 mark = markSqrtPriceX96();
        uint256 valueBefore = _valueDown(mark);

        (amount0, amount1) = _burn(index, liquidity);
        if (amount0 < amount0Min || amount1 < amount1Min) {
            revert ProceedsBelowMinimum(amount0, amount1);
        }

        _chargeExit(_lossWithinLimit(valueBefore, mark));
    }

    /// @inheritdoc IUniswapV3Adapter
    function swapExactIn(bool zeroForOne, uint256 amountIn, uint256 amountOutMin, uint256 deadline)
        external
        nonReentrant
        returns (uint256 amountOut)
    {
        bool isHome = zeroForOne != _assetIsToken0;
        if (isHome) _startOperation(deadline);
        else _startIncrease(deadline);
        if (amountIn == 0) revert ZeroAmount();
        uint160 mark = markSqrtPriceX96();
        uint256 valueBefore = _valueDown(mark);

        amountOut = _swap(zeroForOne, amountIn);
        if (amountOut < amountOutMin) {
            revert ProceedsBelowMinimum(zeroForOne ? 0 : amountOut, zeroForOne ? amountOut : 0);
        }

        _requireSpotNearTwap();
        uint256 loss = _lossWithinLimit(valueBefore, mark);
        if (isHome) {
            _chargeHome(
                loss, _priceDown(zeroForOne ? amountIn : 0, zeroForOne ? 0 : amountIn, mark)
            );
        } else {
            _chargeLoss(loss);
        }
        emit SwapExactIn(zeroForOne, amountIn, amountOut);
    }

    /* KEEPER OR GUARDIAN */

    /// @inheritdoc IUniswapV3Adapter
    /// @dev Charged to no loss bucket: at the mark leaving never loses, and it has to work without one.
    // What the pool frees is known after its call only; every entry and `value` are guarded meanwhile.
    // slither-disable-next-line reentrancy-no-eth
    function exitRange(int24 tickLower, int24 tickUpper, uint256 minValueAtMark)
        external
        nonReentrant
        returns (uint256 amount0, uint256 amount1)
    {
        if (msg.sender != _keeper() && msg.sender != IMarketMakingVault(vault).guardian()) {
            revert NotKeeperOrGuardian(msg.sender);
        }
        uint256 index = _heldIndexOf(tickLower, tickUpper, 1);
        _collectFees(_ranges[index]);

        (amount0, amount1) = _burn(index, _ranges[index].liquidity);
        if (minValueAtMark > 0) {
            uint256 worth = _priceDown(amount0, amount1, markSqrtPriceX96());
            if (worth < minValueAtMark) revert ExitValueTooLow(worth, minValueAtMark);
        }
    }

    /* WIND-DOWN */

    /// @inheritdoc IAdapter
    // What the pool frees is known after its call only; every entry and `value` are guarded meanwhile.
    // slither-disable-next-line reentrancy-no-eth
    function unwind(bool atAnyPrice) external nonReentrant {
        _requireWindDown();
        if (!atAnyPrice) _requireSpotNearTwap();

        for (uint256 left = _ranges.length; left > 0; --left) {
            _collectFees(_ranges[left - 1]);
            _burn(left - 1, _ranges[left - 1].liquidity);
        }
    }

    /// @inheritdoc IAdapter
    /// @dev All that lies here, booked or not: in a wind-down nothing is priced any more.
    function release(address token) external nonReentrant returns (uint256 amount) {
        _requireWindDown();
        amount = IERC20(token).balanceOf(address(this));
        if (token == token0) _booked0 = 0;
        if (token == token1) _booked1 = 0;

        emit Release(token, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    /* ANYONE */

    /// @inheritdoc IAdapter
    /// @dev Fees stay here, booked: the keeper's next range needs them more than the vault's idle does.
    function sync() external nonReentrant {
        uint256 count = _ranges.length;
        for (uint256 i = 0; i < count; ++i) {
            _collectFees(_ranges[i]);
        }
    }

    /* POOL */

    /// @notice Pays for liquidity that this adapter is minting.
    /// @param amount0Owed Token0 units to pay.
    /// @param amount1Owed Token1 units to pay.
    function uniswapV3MintCallback(uint256 amount0Owed, uint256 amount1Owed, bytes calldata)
        external
    {
        _requireCallback();
        if (amount0Owed > 0) _pay(true, amount0Owed);
        if (amount1Owed > 0) _pay(false, amount1Owed);
    }

    /// @notice Pays the input of a swap that this adapter is making.
    /// @param amount0Delta Token0 units to pay if positive.
    /// @param amount1Delta Token1 units to pay if positive.
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata)
        external
    {
        _requireCallback();
        // Safe casts: each is positive where it is cast.
        if (amount0Delta > 0) _pay(true, uint256(amount0Delta));
        if (amount1Delta > 0) _pay(false, uint256(amount1Delta));
    }

    /* VIEWS */

    /// @inheritdoc IAdapter
    function isAttested() external pure returns (bool) {
        return false;
    }

    /// @inheritdoc IAdapter
    function value() external view nonReentrantView returns (uint256 bid, uint256 ask) {
        // Without ranges or other tokens nothing needs a price: a dead feed must not stop the vault's cut.
        if (_ranges.length == 0 && _bookedOther() == 0) return (_bookedAsset(), _bookedAsset());

        (uint160 mark, uint160 second) = _marks();
        uint256 atMark = _valueDown(mark);
        if (second == mark) return (atMark, atMark);

        uint256 atSecond = _valueDown(second);
        return atMark < atSecond ? (atMark, atSecond) : (atSecond, atMark);
    }

    /// @inheritdoc IUniswapV3Adapter
    function limits() external view returns (Limits memory) {
        return Limits({
            maxFeedAgeSeconds: _maxFeedAgeSeconds,
            deviationLimitBps: _deviationLimitBps,
            cooldownSeconds: _cooldownSeconds,
            maxValueChangeBps: _maxValueChangeBps,
            minObservations: _minObservations
        });
    }

    /// @inheritdoc IUniswapV3Adapter
    function ranges() external view returns (Range[] memory) {
        return _ranges;
    }

    /// @inheritdoc IUniswapV3Adapter
    function balances() external view returns (uint256 amount0, uint256 amount1) {
        return (_booked0, _booked1);
    }

    /* INTERNAL: GUARDS */

    /// @dev An operation that may lose by its price: not while the mandate has paused it or the keeper's losses are spent.
    function _startIncrease(uint256 deadline) private {
        _mandate().checkIncrease();
        _startOperation(deadline);
    }

    /// @dev Role, deadline, cooldown, oracle and spot, in this order; starts the next cooldown.
    function _startOperation(uint256 deadline) private {
        if (msg.sender != _keeper()) revert NotKeeper(msg.sender);
        if (IMarketMakingVault(vault).state() == IMarketMakingVault.State.WINDDOWN) {
            revert WindingDown();
        }
        if (block.timestamp > deadline) revert DeadlinePassed(deadline, block.timestamp);
        // Zero is what nobody has written yet.
        // slither-disable-next-line incorrect-equality
        uint256 readyAt = lastOperationAt == 0 ? 0 : uint256(lastOperationAt) + _cooldownSeconds;
        if (block.timestamp < readyAt) revert CooldownActive(readyAt);
        _requireReady();
        _requireSpotNearTwap();

        lastOperationAt = uint64(block.timestamp);
    }

    function _requireWindDown() private view {
        if (msg.sender != IMarketMakingVault(vault).windDown()) revert NotWindDown(msg.sender);
    }

    /// @dev Gains are refused too: one that large means the pool stands far from the mark.
    function _lossWithinLimit(uint256 valueBefore, uint160 mark)
        private
        view
        returns (uint256 loss)
    {
        uint256 valueAfter = _valueDown(mark);
        uint256 change =
            valueAfter > valueBefore ? valueAfter - valueBefore : valueBefore - valueAfter;
        if (change * BPS > valueBefore * _maxValueChangeBps) {
            revert ValueChangeExceeded(valueBefore, valueAfter);
        }
        return valueAfter > valueBefore ? 0 : change;
    }

    /// @dev Invariant V-24: what all operations together may lose is the mandate's to say.
    function _chargeLoss(uint256 loss) private {
        if (loss != 0) _mandate().chargeLoss(loss);
    }

    function _chargeExit(uint256 loss) private {
        if (loss != 0) _mandate().chargeExit(loss);
    }

    /// @dev Coming home at a fair price is an exit; a worse price takes a bucket, as any other trade does. What
    /// is fair a feed alone can say: the pool's own means follow whoever holds its price.
    function _chargeHome(uint256 loss, uint256 soldAtMark) private {
        uint256 fairPpm = IUniswapV3PoolMinimal(pool).fee() + HOME_LOSS_PPM;
        bool isFair = feed != address(0) && loss * PPM <= soldAtMark * fairPpm;
        if (isFair) return _chargeExit(loss);

        _mandate().checkIncrease();
        _chargeLoss(loss);
    }

    /// @dev The pool calls back its own caller only, so inside an operation this is that operation's callback.
    function _requireCallback() private view {
        if (msg.sender != pool || !_reentrancyGuardEntered()) revert NotPoolCallback(msg.sender);
    }

    /* INTERNAL: POOL AND BOOKS */

    function _swap(bool zeroForOne, uint256 amountIn) private returns (uint256 amountOut) {
        (int256 amount0, int256 amount1) = IUniswapV3PoolMinimal(pool)
            .swap(
                address(this),
                zeroForOne,
                amountIn.toInt256(),
                zeroForOne ? TickMath.MIN_SQRT_PRICE + 1 : TickMath.MAX_SQRT_PRICE - 1,
                ""
            );
        (int256 paid, int256 received) = zeroForOne ? (amount0, amount1) : (amount1, amount0);
        // Safe casts: the input of a swap is never negative, its output never positive.
        if (uint256(paid) != amountIn) revert SwapNotFilled(amountIn, uint256(paid));
        amountOut = uint256(-received);
        _book(!zeroForOne, amountOut);
    }

    /// @dev Fees must be collected before, so that what `collect` sends is what the burn freed.
    function _burn(uint256 index, uint128 liquidity)
        private
        returns (uint256 amount0, uint256 amount1)
    {
        Range memory range = _ranges[index];
        if (liquidity == range.liquidity) {
            _ranges[index] = _ranges[_ranges.length - 1];
            _ranges.pop();
        } else {
            _ranges[index].liquidity = range.liquidity - liquidity;
        }

        IUniswapV3PoolMinimal(pool).burn(range.tickLower, range.tickUpper, liquidity);
        (amount0, amount1) = _collect(range);
        emit BurnRange(range.tickLower, range.tickUpper, liquidity, amount0, amount1);
    }

    /// @dev A burn of nothing makes the pool count the fees that the position has earned.
    function _collectFees(Range memory range) private {
        IUniswapV3PoolMinimal(pool).burn(range.tickLower, range.tickUpper, 0);
        (uint256 fees0, uint256 fees1) = _collect(range);
        if (fees0 > 0 || fees1 > 0) {
            emit CollectFees(range.tickLower, range.tickUpper, fees0, fees1);
        }
    }

    function _collect(Range memory range) private returns (uint256 amount0, uint256 amount1) {
        (amount0, amount1) = IUniswapV3PoolMinimal(pool)
            .collect(
                address(this),
                range.tickLower,
                range.tickUpper,
                type(uint128).max,
                type(uint128).max
            );
        _booked0 += amount0;
        _booked1 += amount1;
    }

    function _pay(bool isToken0, uint256 amount) private {
        _unbook(isToken0, amount);
        IERC20(isToken0 ? token0 : token1).safeTransfer(pool, amount);
    }

    function _book(bool isToken0, uint256 amount) private {
        if (isToken0) _booked0 += amount;
        else _booked1 += amount;
    }

    function _unbook(bool isToken0, uint256 amount) private {
        uint256 booked = isToken0 ? _booked0 : _booked1;
        if (amount > booked) {
            revert BookedBalanceTooLow(isToken0 ? token0 : token1, booked, amount);
        }
        if (isToken0) _booked0 = booked - amount;
        else _booked1 = booked - amount;
    }

    /* INTERNAL: VIEWS */

    function _mandate() private view returns (IMandate) {
        return IMandate(IMarketMakingVault(vault).mandate());
    }

    function _keeper() private view returns (address) {
        return IMarketMakingVault(vault).keeper();
    }

    function _bookedAsset() private view returns (uint256) {
        return _assetIsToken0 ? _booked0 : _booked1;
    }

    function _bookedOther() private view returns (uint256) {
        return _assetIsToken0 ? _booked1 : _booked0;
    }

    function _indexOf(int24 tickLower, int24 tickUpper) private view returns (uint256 index) {
        uint256 count = _ranges.length;
        for (; index < count; ++index) {
            Range storage range = _ranges[index];
            if (range.tickLower == tickLower && range.tickUpper == tickUpper) return index;
        }
    }

    function _heldIndexOf(int24 tickLower, int24 tickUpper, uint128 liquidity)
        private
        view
        returns (uint256 index)
    {
        if (liquidity == 0) revert ZeroAmount();
        index = _indexOf(tickLower, tickUpper);
        uint128 held = index == _ranges.length ? 0 : _ranges[index].liquidity;
        if (held < liquidity) revert LiquidityNotHeld(tickLower, tickUpper, held);
    }

    /// @return total Asset units of ranges and booked tokens at `sqrtPriceX96`, rounded down.
    function _valueDown(uint160 sqrtPriceX96) private view returns (uint256 total) {
        uint256 amount0 = _booked0;
        uint256 amount1 = _booked1;
        uint256 count = _ranges.length;
        for (uint256 i = 0; i < count; ++i) {
            Range memory range = _ranges[i];
            uint160 lower = TickMath.getSqrtPriceAtTick(range.tickLower);
            uint160 upper = TickMath.getSqrtPriceAtTick(range.tickUpper);
            uint128 held = range.liquidity;
            amount0 += UniswapV3Valuation.amount0Down(sqrtPriceX96, lower, upper, held);
            amount1 += UniswapV3Valuation.amount1Down(sqrtPriceX96, lower, upper, held);
        }
        return _priceDown(amount0, amount1, sqrtPriceX96);
    }

    function _priceDown(uint256 amount0, uint256 amount1, uint160 sqrtPriceX96)
        private
        view
        returns (uint256)
    {
        return _assetIsToken0
            ? amount0 + UniswapV3Valuation.quote1In0Down(amount1, sqrtPriceX96)
            : amount1 + UniswapV3Valuation.quote0In1Down(amount0, sqrtPriceX96);
    }
}
