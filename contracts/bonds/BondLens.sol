// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAuctioneer} from "../interfaces/IAuctioneer.sol";
import {IBondLens} from "../interfaces/IBondLens.sol";
import {IBondNote} from "../interfaces/IBondNote.sol";
import {IBondTeller} from "../interfaces/IBondTeller.sol";
import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {IProjectTreasury} from "../interfaces/IProjectTreasury.sol";
import {IVaultFactory} from "../interfaces/IVaultFactory.sol";
import {IAggregatorV3} from "../interfaces/external/IAggregatorV3.sol";
import {BondConstants} from "../libraries/BondConstants.sol";
import {ReferencePrice} from "../libraries/ReferencePrice.sol";

/// @title One look at bonds
/// @notice Reads and computes nothing that the bonds' own contracts do not answer, but the discount. Nobody depends
/// on it. Each entry is read by a call of its own with a gas limit: a token or oracle that reverts, or burns all the
/// gas it gets, costs its own entry and no other.
contract BondLens is IBondLens {
    uint256 private constant ENTRY_GAS = 3_000_000; // several times what an honest entry takes
    uint256 private constant PART_GAS = 1_000_000; // of that, what an oracle may take
    uint256 private constant ONE = 1e18;

    IBondTeller private immutable _teller;

    constructor(address teller_) {
        _teller = IBondTeller(teller_);
    }

    /* VIEWS: LISTS */

    /// @inheritdoc IBondLens
    function markets(uint256 first, uint256 count)
        external
        view
        returns (MarketView[] memory seen)
    {
        seen = new MarketView[](_pageSize(first, count, _teller.marketCount()));
        for (uint256 i; i < seen.length; ++i) {
            seen[i] = market(first + i);
        }
    }

    /// @inheritdoc IBondLens
    function projects(uint256 first, uint256 count)
        external
        view
        returns (ProjectView[] memory seen)
    {
        address[] memory page = _teller.projects(first, count);
        seen = new ProjectView[](page.length);
        for (uint256 i; i < page.length; ++i) {
            seen[i] = project(page[i]);
        }
    }

    /// @inheritdoc IBondLens
    function notesOf(address holder, uint256 first, uint256 count)
        external
        view
        returns (NoteView[] memory held)
    {
        uint256 size = _pageSize(first, count, IBondNote(_teller.note()).noteCount());
        NoteView[] memory all = new NoteView[](size);
        uint256 found = 0;
        for (uint256 i; i < size; ++i) {
            NoteView memory seen = note(first + i);
            if (seen.exists && seen.holder == holder) all[found++] = seen;
        }
        held = new NoteView[](found);
        for (uint256 i; i < found; ++i) {
            held[i] = all[i];
        }
    }

    /* VIEWS: ONE */

    /// @inheritdoc IBondLens
    function market(uint256 marketId) public view returns (MarketView memory seen) {
        try this.readMarket{gas: ENTRY_GAS}(marketId) returns (MarketView memory read) {
            return read;
        } catch {
            seen.marketId = marketId;
        }
    }

    /// @inheritdoc IBondLens
    function project(address project_) public view returns (ProjectView memory seen) {
        try this.readProject{gas: ENTRY_GAS}(project_) returns (ProjectView memory read) {
            return read;
        } catch {
            seen.project = project_;
        }
    }

    /// @inheritdoc IBondLens
    function note(uint256 noteId) public view returns (NoteView memory seen) {
        IBondNote note_ = IBondNote(_teller.note());
        seen.noteId = noteId;
        try note_.ownerOf(noteId) returns (address holder) {
            seen.exists = true;
            seen.holder = holder;
            seen.position = note_.position(noteId);
            seen.vested = note_.vested(noteId);
            seen.redeemable = note_.redeemable(noteId);
        } catch {
            return seen;
        }
    }

    /* VIEWS: WHAT THE OTHERS CALL */

    /// @inheritdoc IBondLens
    function readMarket(uint256 marketId) external view returns (MarketView memory seen) {
        seen.marketId = marketId;
        seen.terms = _teller.market(marketId);
        IAuctioneer auctioneer = IAuctioneer(seen.terms.auctioneer);
        IAuctioneer.Lot memory lot = auctioneer.lot(marketId);

        seen.readable = true;
        seen.live = auctioneer.isLive(marketId);
        seen.kind = auctioneer.kind();
        seen.floor = lot.floor;
        seen.capacity = lot.capacity;
        seen.freed = lot.freed;
        seen.changeAt = auctioneer.change(marketId).effectiveAt;
        seen.shareQuote = seen.live && _takesShares(marketId);
        _addPrice(seen, auctioneer);
        _addReference(seen);
    }

    /// @inheritdoc IBondLens
    function readProject(address project_) external view returns (ProjectView memory seen) {
        IProjectTreasury treasury = IProjectTreasury(project_);
        seen.project = project_;
        seen.readable = true;
        seen.owner = treasury.owner();
        seen.token = treasury.token();
        seen.asset = treasury.asset();
        seen.vault = treasury.vault();
        seen.pool = treasury.pool();
        seen.polUnlock = treasury.polUnlock();
        (seen.redirectTo,, seen.redirectAt) = treasury.announced();

        IMarketMakingVault vault = IMarketMakingVault(seen.vault);
        seen.shares = vault.balanceOf(project_) + vault.maxMint(project_)
            + vault.pendingRedeemRequest(0, project_);
        seen.worth = vault.convertToAssets(seen.shares);
        seen.supply = vault.totalSupply();
        seen.depthShare = seen.supply > 0 ? Math.mulDiv(seen.shares, ONE, seen.supply) : 0;
        seen.waiting = IERC20(seen.asset).balanceOf(project_);
        seen.queued = vault.pendingDepositRequest(0, project_);
    }

    /// @inheritdoc IBondLens
    function readReference(uint256 marketId) external view returns (uint256) {
        IBondTeller.Market memory asked = _teller.market(marketId);
        IVaultFactory.Pool memory pool = IProjectTreasury(asked.project).pool();
        if (_feedAnswers(pool.feed)) {
            uint8 decimals = IAggregatorV3(pool.feed).decimals();
            return ReferencePrice.ofFeed(pool.feed, decimals, BondConstants.MAX_FEED_AGE);
        }
        uint256 scale = IAuctioneer(asked.auctioneer).lot(marketId).scale;
        uint32 window = SafeCast.toUint32(BondConstants.MIN_TWAP);
        return ReferencePrice.ofPool(pool.pool, asked.token, scale, window);
    }

    /// @inheritdoc IBondLens
    function teller() external view returns (address) {
        return address(_teller);
    }

    /* INTERNAL */

    function _addPrice(MarketView memory seen, IAuctioneer auctioneer) private view {
        try auctioneer.price{gas: PART_GAS}(seen.marketId) returns (uint256 price) {
            seen.priced = true;
            seen.price = price;
            seen.available = auctioneer.available(seen.marketId);
            seen.availableCost = auctioneer.costOf(seen.marketId, seen.available);
        } catch {
            seen.priced = false;
        }
    }

    function _addReference(MarketView memory seen) private view {
        try this.readReference{gas: PART_GAS}(seen.marketId) returns (uint256 elsewhere) {
            seen.reference_ = elsewhere;
            if (seen.priced) seen.discountBps = _discountBps(seen.price, elsewhere);
        } catch {
            seen.reference_ = 0;
        }
    }

    function _takesShares(uint256 marketId) private view returns (bool) {
        try _teller.shareValue(marketId, 0) returns (uint256) {
            return true;
        } catch {
            return false;
        }
    }

    function _feedAnswers(address feed) private view returns (bool) {
        if (feed.code.length == 0) return false;
        try IAggregatorV3(feed).latestRoundData() returns (
            uint80, int256 answer, uint256, uint256 updatedAt, uint80
        ) {
            return answer > 0 && block.timestamp <= updatedAt + BondConstants.MAX_FEED_AGE;
        } catch {
            return false;
        }
    }

    function _discountBps(uint256 price, uint256 elsewhere) private pure returns (int256) {
        (uint256 low, uint256 high) = price < elsewhere ? (price, elsewhere) : (elsewhere, price);
        int256 gap = SafeCast.toInt256(Math.mulDiv(high - low, BondConstants.BPS, elsewhere));
        return price <= elsewhere ? gap : -gap;
    }

    function _pageSize(uint256 first, uint256 count, uint256 last) private pure returns (uint256) {
        return first == 0 || first > last ? 0 : Math.min(count, last - first + 1);
    }
}
