// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IAggregatorV3} from "../interfaces/external/IAggregatorV3.sol";
import {IUniswapV3PoolMinimal} from "../interfaces/external/IUniswapV3PoolMinimal.sol";
import {BondConstants} from "./BondConstants.sol";
import {UniswapV3Oracle} from "./UniswapV3Oracle.sol";
import {UniswapV3Valuation} from "./UniswapV3Valuation.sol";

/// @title What a token costs elsewhere, as a bond's price
/// @dev A price is asset units per token unit times `scale`; whole assets per whole token with 36 decimals.
library ReferencePrice {
    /// @notice The feed's last answer is older than the market allows [s].
    error OracleStale(uint256 updatedAt);
    /// @notice The oracle says that the token is worth nothing, or less.
    error OracleNotPositive(int256 answer);

    /// @return Answer of a feed of whole assets per whole token, rounded down.
    function ofFeed(address feed, uint8 feedDecimals, uint256 maxAge)
        internal
        view
        returns (uint256)
    {
        (, int256 answer,, uint256 updatedAt,) = IAggregatorV3(feed).latestRoundData();
        require(answer > 0, OracleNotPositive(answer));
        require(block.timestamp <= updatedAt + maxAge, OracleStale(updatedAt));
        return Math.mulDiv(uint256(answer), BondConstants.PRICE_ONE, 10 ** feedDecimals);
    }

    /// @return price Mean price of a pool's token over the last `windowSeconds`, rounded down.
    function ofPool(address pool, address token, uint256 scale, uint32 windowSeconds)
        internal
        view
        returns (uint256 price)
    {
        IUniswapV3PoolMinimal pool_ = IUniswapV3PoolMinimal(pool);
        uint160 sqrtPrice = UniswapV3Oracle.twapSqrtPriceX96(pool_, windowSeconds);
        price = pool_.token0() == token
            ? UniswapV3Valuation.quote0In1Down(scale, sqrtPrice)
            : UniswapV3Valuation.quote1In0Down(scale, sqrtPrice);
        require(price != 0, OracleNotPositive(0));
    }
}
