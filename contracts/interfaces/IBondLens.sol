// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBondNote} from "./IBondNote.sol";
import {IBondTeller} from "./IBondTeller.sol";
import {IVaultFactory} from "./IVaultFactory.sol";

/// @title One look at bonds
/// @notice Lists never revert for the sake of one entry: what cannot be read is told by a flag, and calls to tokens
/// and oracles have a gas limit of their own.
interface IBondLens {
    /// @notice A market now. Prices as in `IAuctioneer`.
    /// @param readable False when something of it reverted; then only `marketId` is set.
    /// @param live Opened and not concluded.
    /// @param priced Whether `price`, `available` and `availableCost` could be computed; a dead oracle has none.
    /// @param kind Kind of auction.
    /// @param price What the next token costs.
    /// @param floor Lowest price.
    /// @param reference_ Price of the pool's feed where it has one no older than 2 days, else of its last 30 minutes; 0 for neither.
    /// @param discountBps How far `price` is below `reference_` [bps], negative when above; 0 without one.
    /// @param capacity Payout tokens left for sale [token units].
    /// @param freed Payout tokens that the project may fetch [token units].
    /// @param available Largest purchase now [token units].
    /// @param availableCost What that costs [asset units].
    /// @param shareQuote Whether shares are taken at this moment.
    /// @param changeAt When an announced change may be applied [s]; 0 for none.
    struct MarketView {
        uint256 marketId;
        bool readable;
        bool live;
        bool priced;
        bool shareQuote;
        IBondTeller.Market terms;
        string kind;
        uint256 price;
        uint256 floor;
        uint256 reference_;
        int256 discountBps;
        uint256 capacity;
        uint256 freed;
        uint256 available;
        uint256 availableCost;
        uint64 changeAt;
    }

    /// @notice A project's liquidity, from the treasury to the market that it is quoted in.
    /// @param readable False when something of it reverted; then only `project` is set.
    /// @param pool The pool that the vault quotes for it.
    /// @param shares Shares of the current vault that the treasury holds or can claim [share units].
    /// @param worth What they are worth at the settled price [asset units].
    /// @param supply Shares of the current vault [share units].
    /// @param depthShare `shares / supply`: the part of the vault's quoted depth that the project funded [1e18 = 1].
    /// @param waiting Proceeds that wait in the treasury [asset units].
    /// @param queued Proceeds in the vault's deposit queue [asset units].
    /// @param redirectTo Announced vault; 0 for none.
    struct ProjectView {
        address project;
        bool readable;
        address owner;
        address token;
        address asset;
        address vault;
        IVaultFactory.Pool pool;
        uint64 polUnlock;
        uint256 shares;
        uint256 worth;
        uint256 supply;
        uint256 depthShare;
        uint256 waiting;
        uint256 queued;
        address redirectTo;
        uint64 redirectAt;
    }

    /// @notice A note now.
    /// @param exists False for a note that was redeemed in full, or never issued.
    struct NoteView {
        uint256 noteId;
        bool exists;
        address holder;
        IBondNote.Position position;
        uint256 vested;
        uint256 redeemable;
    }

    /// @notice Markets from number `first` on, at most `count`.
    function markets(uint256 first, uint256 count) external view returns (MarketView[] memory);

    /// @notice One market. Never reverts.
    function market(uint256 marketId) external view returns (MarketView memory);

    /// @notice Projects in order, from `first` on, at most `count`.
    function projects(uint256 first, uint256 count) external view returns (ProjectView[] memory);

    /// @notice One project. Never reverts.
    function project(address project_) external view returns (ProjectView memory);

    /// @notice Notes of an account among numbers `first` to `first + count - 1`.
    function notesOf(address holder, uint256 first, uint256 count)
        external
        view
        returns (NoteView[] memory);

    /// @notice One note.
    function note(uint256 noteId) external view returns (NoteView memory);

    /// @notice Everything about one market; reverts where it cannot be read. `market` calls it.
    function readMarket(uint256 marketId) external view returns (MarketView memory);

    /// @notice Everything about one project; reverts where it cannot be read. `project` calls it.
    function readProject(address project_) external view returns (ProjectView memory);

    /// @notice What the project's pool says of a market's token, see `reference_`; reverts where it says nothing.
    function readReference(uint256 marketId) external view returns (uint256);

    function teller() external view returns (address);
}
