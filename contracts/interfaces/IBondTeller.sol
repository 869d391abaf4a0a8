// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVaultFactory} from "./IVaultFactory.sol";

/// @title Counter of the bond markets
/// @notice A project sets up its treasury, escrows tokens and opens markets; anyone buys with the vault's asset or its
/// shares and gets a note; whoever holds the note fetches what is vested. Nobody grants anything, nothing is charged.
/// @dev A market's payout tokens lie here from its creation until they are redeemed or returned. Units as in
/// `IAuctioneer`; shares in share units of the market's vault.
///
/// Warning: a payout token that can be paused or upgraded by its issuer cannot be told from others. Nothing here ever
/// pauses; the token may.
interface IBondTeller {
    /// @notice A project.
    /// @param token Token that its bonds pay out.
    /// @param vault Vault of the factory that its proceeds go to.
    /// @param markets What the vault's `marketsHash` is the hash of.
    /// @param pool Which of `markets.pools` is the project's own market: its token against the vault's asset.
    /// @param polUnlock Nothing leaves the project's treasury before [s].
    struct ProjectParams {
        address token;
        address vault;
        IVaultFactory.Markets markets;
        uint256 pool;
        uint64 polUnlock;
    }

    /// @notice A market to be created.
    /// @param project Treasury of the project; 0 where the project is created in the same call.
    /// @param auctioneer One of `auctioneers()`.
    /// @param capacity Payout tokens for sale, pulled from the caller [token units], at least one whole token.
    /// @param duration Length of the sale [s], 1 day to 365 days.
    /// @param cliff Nothing vests so long after a purchase [s], at most `vesting`.
    /// @param vesting Everything is vested so long after a purchase [s], 1 day to 4 years; rounded up to midnight UTC.
    /// @param acceptsShares Whether shares of the project's vault are taken beside its asset.
    /// @param terms ABI-encoded terms of the auctioneer.
    struct MarketParams {
        address project;
        address auctioneer;
        uint128 capacity;
        uint32 duration;
        uint32 cliff;
        uint32 vesting;
        bool acceptsShares;
        bytes terms;
    }

    /// @notice A market; everything here is for ever.
    /// @param project Treasury that the proceeds go to.
    /// @param auctioneer Holds its price and capacity.
    /// @param token Payout token.
    /// @param asset Asset that it is priced and paid in.
    /// @param vault Vault whose shares it takes too, if it takes any.
    /// @param createdAt Begin of the sale [s]; 0 for no market.
    /// @param conclusion End of the sale, exclusive [s].
    /// @param cliff See `MarketParams` [s].
    /// @param vesting See `MarketParams` [s].
    /// @param tokenDecimals Decimals of the payout token on the day of creation.
    /// @param assetDecimals Decimals of the asset.
    /// @param acceptsShares See `MarketParams`.
    /// @param symbol Symbol of the payout token on the day of creation; printable ASCII, at most 12 characters.
    struct Market {
        address project;
        address auctioneer;
        address token;
        address asset;
        address vault;
        uint64 createdAt;
        uint64 conclusion;
        uint32 cliff;
        uint32 vesting;
        uint8 tokenDecimals;
        uint8 assetDecimals;
        bool acceptsShares;
        string symbol;
    }

    /// @notice Emitted once, when note, treasury and auctioneers were named.
    event Wire(address indexed note, address indexed treasury, address[] auctioneers);

    /// @notice Emitted when a project was set up: its liquidity can be followed from here to vault and pool.
    /// @param project Its treasury.
    /// @param pool The pool that the vault quotes for it.
    event CreateProject(
        address indexed project,
        address indexed token,
        address indexed vault,
        address owner,
        address pool,
        uint64 polUnlock
    );

    /// @notice Emitted when a market was created. See `Market`.
    /// @param capacity Payout tokens in escrow for it [token units].
    /// @param floor Lowest price [price].
    event CreateMarket(
        uint256 indexed marketId,
        address indexed project,
        address indexed token,
        address auctioneer,
        uint256 capacity,
        uint256 floor,
        uint64 conclusion
    );

    /// @notice Emitted at every purchase.
    /// @param noteId The note that was issued.
    /// @param buyer Who paid.
    /// @param receiver Who got the note.
    /// @param paidWith The asset, or the vault for its shares.
    /// @param paid What the buyer paid [asset or share units].
    /// @param cost What that was worth to the auction [asset units].
    /// @param payout Payout tokens bought [token units].
    event Purchase(
        uint256 indexed marketId,
        uint256 indexed noteId,
        address indexed buyer,
        address receiver,
        address paidWith,
        uint256 paid,
        uint256 cost,
        uint256 payout
    );

    /// @notice Emitted when vested tokens were paid.
    /// @param amount Amount [token units].
    event Redeem(
        uint256 indexed noteId, uint256 indexed marketId, address indexed receiver, uint256 amount
    );

    /// @notice Emitted when tokens that are no longer for sale went back to the project.
    /// @param amount Amount [token units].
    event Reclaim(uint256 indexed marketId, address indexed receiver, uint256 amount);

    error NotDeployer(address caller);
    error AlreadyWired();
    error ForeignComponent(address component);
    error ZeroAddress();
    error NotProjectOwner(address caller);
    error ProjectUnknown(address project);
    error AuctioneerUnknown(address auctioneer);
    error MarketUnknown(uint256 marketId);
    /// @notice `deadline` is over; there is no call without one [s].
    error DeadlineOver(uint256 deadline);
    /// @notice A field is out of its bounds; `name` is the field's.
    error OutOfRange(string name, uint256 given, uint256 least, uint256 most);
    /// @notice The payout token is the vault's asset or its share.
    error SameToken(address token);
    /// @notice The lock would end before the last note of the market has vested [s].
    error LockTooShort(uint64 polUnlock, uint256 least);
    /// @notice The lowest price is below what the project demands [price].
    error FloorTooLow(uint256 floor, uint256 minFloor);
    /// @notice The token moved another amount than asked for: it takes a fee, or it lies.
    error TransferMismatch(address token, uint256 expected, uint256 moved);
    /// @notice Less lies here than is owed: the token's balances shrank by themselves [token units].
    error EscrowShort(address token, uint256 balance, uint256 owed);
    error SharesNotAccepted(uint256 marketId);
    /// @notice Shares are taken while the vault is OPEN, for an hour after a settlement.
    error ShareWindowClosed(uint256 lastSettledAt);
    /// @notice The caller neither holds the note nor was approved by its holder.
    error NotAuthorised(uint256 noteId, address caller);
    /// @notice Nothing more is vested yet.
    error NothingVested(uint256 noteId);
    /// @notice Everything is for sale, or was returned.
    error NothingToReclaim(uint256 marketId);

    /* DEPLOYER, ONCE */

    /// @notice Names the note, the treasury that is cloned, and the auctioneers, for ever. Emits `Wire`.
    function wire(address note_, address treasury, address[] calldata auctioneers_) external;

    /* PROJECT */

    /// @notice Sets up a project; the caller owns it. Emits `CreateProject`.
    /// @dev Reverts as `IProjectTreasury.initialise`.
    /// @return project Its treasury.
    function createProject(ProjectParams calldata params) external returns (address project);

    /// @notice Creates a market of the caller's project and escrows its whole capacity. Emits `CreateMarket`.
    /// @dev Reverts `DeadlineOver`, `ProjectUnknown`, `NotProjectOwner`, `AuctioneerUnknown`, `OutOfRange`, `SameToken`,
    /// `LockTooShort`, `FloorTooLow`, `TransferMismatch` and with the auctioneer's errors.
    /// @param minFloor What the project gets for a token at least: the creation's `minAmountOut` [price].
    /// @param deadline Last moment of it [s].
    /// @return marketId Number of the market, from 1.
    function createMarket(MarketParams calldata params, uint256 minFloor, uint256 deadline)
        external
        returns (uint256 marketId);

    /// @notice Both in one call.
    function createProjectAndMarket(
        ProjectParams calldata projectParams,
        MarketParams calldata marketParams,
        uint256 minFloor,
        uint256 deadline
    ) external returns (address project, uint256 marketId);

    /// @notice Announces a higher floor or less capacity, three days ahead. See `IAuctioneer.announceChange`.
    function announceChange(uint256 marketId, uint256 newFloor, uint128 newCapacity) external;

    /// @notice Takes the announcement back. See `IAuctioneer.withdrawChange`.
    function withdrawChange(uint256 marketId) external;

    /// @notice Returns the tokens that are no longer for sale, after the conclusion or an applied change.
    /// @dev Reverts `NotProjectOwner`, `NothingToReclaim`. Emits `Reclaim`.
    /// @return amount Amount [token units].
    function reclaim(uint256 marketId, address receiver) external returns (uint256 amount);

    /* ANYONE */

    /// @notice Buys for at most `amount` of the asset; pulls what the payout costs and no more. Emits `Purchase`.
    /// @dev Reverts `DeadlineOver`, `MarketUnknown`, `ZeroAddress`, `TransferMismatch`, `EscrowShort` and with the
    /// auctioneer's errors.
    /// @param amount The most that is paid [asset units].
    /// @param minAmountOut The least payout [token units].
    /// @param receiver Gets the note.
    /// @param deadline Last moment of it [s].
    function purchase(
        uint256 marketId,
        uint256 amount,
        uint256 minAmountOut,
        address receiver,
        uint256 deadline
    ) external returns (uint256 noteId, uint256 payout);

    /// @notice Buys for at most `shares` of the market's vault, at their settled price less 2 %. Emits `Purchase`.
    /// @dev As `purchase`, and reverts `SharesNotAccepted`, `ShareWindowClosed`.
    function purchaseWithShares(
        uint256 marketId,
        uint256 shares,
        uint256 minAmountOut,
        address receiver,
        uint256 deadline
    ) external returns (uint256 noteId, uint256 payout);

    /// @notice Pays what is vested of a note to `receiver`. Only its holder, or who the holder approved.
    /// @dev Reverts `NotAuthorised`, `NothingVested`, `TransferMismatch`, and for a note that does not exist. Emits
    /// `Redeem`.
    /// @return amount Amount [token units].
    function redeem(uint256 noteId, address receiver) external returns (uint256 amount);

    /// @notice Makes an announced change, its notice over. See `IAuctioneer.applyChange`.
    function applyChange(uint256 marketId) external;

    /* VIEWS */

    /// @notice What `purchase` would do with `amount` now; zeros for nothing.
    function quote(uint256 marketId, uint256 amount)
        external
        view
        returns (uint256 payout, uint256 cost);

    /// @notice What `purchaseWithShares` would do with `shares` now; zeros for nothing.
    /// @return payout [token units].
    /// @return sharesPaid Shares that it pulls [share units].
    function quoteShares(uint256 marketId, uint256 shares)
        external
        view
        returns (uint256 payout, uint256 sharesPaid);

    /// @notice What shares count for in a market now: settled price less 2 %, rounded down [asset units].
    /// @dev Reverts `MarketUnknown`, `SharesNotAccepted`, `ShareWindowClosed`.
    function shareValue(uint256 marketId, uint256 shares) external view returns (uint256 assets);

    /// @notice The market. Reverts `MarketUnknown`.
    function market(uint256 marketId) external view returns (Market memory);

    /// @notice Markets so far; they are numbered from 1.
    function marketCount() external view returns (uint256);

    /// @notice Markets of a project, in order.
    function marketsOf(address project) external view returns (uint256[] memory);

    /// @notice Whether this teller set it up; every other treasury may have any code.
    function isProject(address project) external view returns (bool);

    function projectCount() external view returns (uint256);

    /// @notice Projects in order, from `first` on, at most `count`.
    function projects(uint256 first, uint256 count) external view returns (address[] memory);

    /// @notice Tokens that lie here for markets and notes; the balance is never less [token units].
    function escrowed(address token) external view returns (uint256);

    function isAuctioneer(address auctioneer) external view returns (bool);
    function auctioneers() external view returns (address[] memory);
    function note() external view returns (address);

    /// @notice The treasury that projects are clones of.
    function treasuryImplementation() external view returns (address);

    function factory() external view returns (address);
    function deployer() external view returns (address);
}
