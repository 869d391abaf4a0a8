// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVaultFactory} from "./IVaultFactory.sol";

/// @title Price and capacity of bond markets
/// @notice An auctioneer says what a market sells for and how much of it; it never touches money. Only the teller
/// opens, sells and changes. Every view answers for every market that was opened, concluded ones included.
/// @dev Units: amounts of the payout token in token units, of the vault's asset in asset units. A price is asset units
/// per token unit times `scale` = 10^(36 + token decimals - asset decimals), which is whole assets per whole token with
/// 36 decimals. Prices and amounts to pull are rounded up, payouts down: in favour of the project.
interface IAuctioneer {
    /// @notice What the teller opens a market with; decimals are those of the day of creation, for ever.
    /// @param id Number of the market at the teller.
    /// @param capacity Payout tokens for sale, all in escrow [token units].
    /// @param conclusion End of the sale, exclusive [s].
    /// @param token Payout token.
    /// @param tokenDecimals Decimals of it.
    /// @param asset Asset that the market is priced in.
    /// @param assetDecimals Decimals of it.
    /// @param pool The project's own market: the pool of token and asset that its vault quotes, and its feed.
    struct Opening {
        uint256 id;
        uint128 capacity;
        uint64 conclusion;
        address token;
        uint8 tokenDecimals;
        address asset;
        uint8 assetDecimals;
        IVaultFactory.Pool pool;
    }

    /// @notice What every kind of auction keeps of a market.
    /// @param capacity Payout tokens left for sale [token units].
    /// @param freed Payout tokens no longer for sale and not returned yet [token units].
    /// @param openedAt Begin of the sale [s]; 0 for a market that is not of this auctioneer.
    /// @param conclusion End of the sale, exclusive [s].
    /// @param floor Lowest price; it only rises [price].
    /// @param scale Price of one asset unit per token unit.
    struct Lot {
        uint128 capacity;
        uint128 freed;
        uint64 openedAt;
        uint64 conclusion;
        uint256 floor;
        uint256 scale;
    }

    /// @notice A change that was announced.
    /// @param capacity Payout tokens left for sale from then on, at most [token units].
    /// @param effectiveAt When it may be applied [s]; 0 for none.
    /// @param floor Lowest price from then on [price].
    struct Change {
        uint128 capacity;
        uint64 effectiveAt;
        uint256 floor;
    }

    /// @notice Emitted when a market was opened.
    /// @param capacity Payout tokens for sale [token units].
    /// @param price First price [price].
    /// @param floor Lowest price [price].
    event Open(
        uint256 indexed id, uint256 capacity, uint256 price, uint256 floor, uint64 conclusion
    );

    /// @notice Emitted at every sale.
    /// @param payout Payout tokens sold [token units].
    /// @param cost What they cost [asset units].
    /// @param price The price [price].
    /// @param capacity Payout tokens left for sale [token units].
    event Sell(uint256 indexed id, uint256 payout, uint256 cost, uint256 price, uint256 capacity);

    /// @notice Emitted when a change was announced. See `Change`.
    event AnnounceChange(uint256 indexed id, uint256 floor, uint256 capacity, uint64 effectiveAt);

    /// @notice Emitted when an announced change was taken back.
    event WithdrawChange(uint256 indexed id);

    /// @notice Emitted when an announced change took effect.
    /// @param floor Lowest price [price].
    /// @param capacity Payout tokens left for sale [token units].
    /// @param freed Payout tokens that the project may now fetch [token units].
    event ApplyChange(uint256 indexed id, uint256 floor, uint256 capacity, uint256 freed);

    error NotTeller(address caller);
    error MarketUnknown(uint256 id);
    error MarketExists(uint256 id);
    /// @notice The sale is over.
    error MarketConcluded(uint256 id, uint64 conclusion);
    /// @notice A term is out of its bounds; `name` is the field's.
    error TermOutOfRange(string name, uint256 given, uint256 least, uint256 most);
    /// @notice The amount pays for less than one token unit, or nothing can be bought now.
    error NothingSold(uint256 id);
    /// @notice The payout would be less than the buyer demands [token units].
    error AmountOutTooLow(uint256 payout, uint256 minAmountOut);
    /// @notice A live market changes in favour of nobody but its project's caution: floor up, capacity down.
    error ChangeNotAllowed(uint256 floor, uint256 capacity);
    error NoChange(uint256 id);
    /// @notice The notice is not over [s].
    error ChangeTooEarly(uint64 effectiveAt);

    /* TELLER */

    /// @notice Opens a market. Emits `Open`.
    /// @dev Reverts `MarketExists`, `TermOutOfRange` and what the kind of auction names.
    /// @param terms ABI-encoded terms of the kind of auction.
    /// @return floor Lowest price [price].
    function open(Opening calldata opening, bytes calldata terms) external returns (uint256 floor);

    /// @notice Sells for at most `amount`. Emits `Sell`.
    /// @dev Reverts `MarketConcluded`, `NothingSold`, `AmountOutTooLow`.
    /// @param amount The most that the buyer pays [asset units].
    /// @param minAmountOut The least payout [token units].
    /// @return payout min(floor(amount * scale / price), available) [token units].
    /// @return cost ceil(payout * price / scale), at most `amount` [asset units].
    function sell(uint256 id, uint256 amount, uint256 minAmountOut)
        external
        returns (uint256 payout, uint256 cost);

    /// @notice Announces a higher floor or less capacity, or both; replaces an earlier announcement. Emits
    /// `AnnounceChange`.
    /// @dev Reverts `MarketConcluded`, `ChangeNotAllowed`.
    function announceChange(uint256 id, uint256 newFloor, uint128 newCapacity) external;

    /// @notice Takes the announcement back. Reverts `NoChange`. Emits `WithdrawChange`.
    function withdrawChange(uint256 id) external;

    /// @notice Makes the announced change, its notice over. Emits `ApplyChange`.
    /// @dev Reverts `NoChange`, `ChangeTooEarly`, `MarketConcluded`.
    function applyChange(uint256 id) external;

    /// @notice Hands back what is no longer for sale: what changes freed, and after the conclusion all that is left.
    /// @return amount Payout tokens [token units]; 0 when there is nothing.
    function release(uint256 id) external returns (uint256 amount);

    /* VIEWS */

    /// @notice What the next token costs now [price]; the floor once the market has concluded.
    /// @dev May revert while the market is live and its oracle is not.
    function price(uint256 id) external view returns (uint256);

    /// @notice The most that one purchase gets now [token units]; buying exactly that much succeeds. 0 once concluded.
    function available(uint256 id) external view returns (uint256);

    /// @notice What `sell` would do with `amount` now; zeros for nothing.
    function quote(uint256 id, uint256 amount) external view returns (uint256 payout, uint256 cost);

    /// @notice What a payout costs now [asset units], rounded up.
    function costOf(uint256 id, uint256 payout) external view returns (uint256 cost);

    /// @notice Whether the market is opened and not concluded.
    function isLive(uint256 id) external view returns (bool);

    function lot(uint256 id) external view returns (Lot memory);
    function change(uint256 id) external view returns (Change memory);

    /// @notice Kind of auction, for people.
    function kind() external view returns (string memory);

    function teller() external view returns (address);
}
