// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAuctioneer} from "../interfaces/IAuctioneer.sol";
import {IDutchAuctioneer} from "../interfaces/IDutchAuctioneer.sol";
import {BondConstants} from "../libraries/BondConstants.sol";
import {DutchAuction} from "../libraries/DutchAuction.sol";
import {Auctioneer} from "./Auctioneer.sol";

/// @title Dutch auction of bonds
/// @notice Formulas are in `DutchAuction`; here they are kept and applied to the block's time.
///
/// Trust: anyone may tune a market that is due; a sale does so by itself. A tune can raise the price by a quarter at
/// once, so that a buyer names the least payout he takes.
/// @dev Invariants B-03, B-05, B-06.
contract DutchAuctioneer is Auctioneer, IDutchAuctioneer {
    using DutchAuction for Auction;
    using SafeCast for uint256;

    mapping(uint256 id => Auction) private _auctions;

    constructor(address teller_) Auctioneer(teller_) {}

    /* ANYONE */

    /// @inheritdoc IDutchAuctioneer
    function tune(uint256 id) external {
        _live(id);
        require(_tuneIfDue(id, _price(id)), TuneNotDue(id));
    }

    /* VIEWS */

    /// @inheritdoc IDutchAuctioneer
    function tuneDue(uint256 id) external view returns (bool) {
        return
            isLive(id) && _auctions[id].tuneDue(_lots[id].capacity, _neutral(id), block.timestamp);
    }

    /// @inheritdoc IDutchAuctioneer
    function debt(uint256 id) external view returns (uint256) {
        _known(id);
        return _auctions[id].debtUp(block.timestamp);
    }

    /// @inheritdoc IDutchAuctioneer
    function maxDebt(uint256 id) external view returns (uint256) {
        _known(id);
        return _auctions[id].maxDebtDown(block.timestamp);
    }

    /// @inheritdoc IDutchAuctioneer
    function priceAt(uint256 id, uint64 time) external view returns (uint256) {
        Lot storage asked = _known(id);
        return _auctions[id].priceUp(time, asked.floor, asked.scale);
    }

    /// @inheritdoc IDutchAuctioneer
    function auction(uint256 id) external view returns (Auction memory) {
        _known(id);
        return _auctions[id];
    }

    /// @inheritdoc IAuctioneer
    function kind() external pure returns (string memory) {
        return "dutch";
    }

    /* INTERNAL */

    function _open(Opening calldata opening, Lot storage made, bytes calldata encoded)
        internal
        override
        returns (uint256, uint256)
    {
        Terms memory terms = abi.decode(encoded, (Terms));
        uint256 duration = made.conclusion - made.openedAt;
        _requireTerm(
            "depositInterval", terms.depositInterval, BondConstants.MIN_DEPOSIT_INTERVAL, duration
        );
        _requireTerm("debtBufferBps", terms.debtBufferBps, 0, BondConstants.BPS);
        _requireTerm("floor", terms.floor, 1, BondConstants.MAX_PRICE);
        _requireTerm("price", terms.price, terms.floor, BondConstants.MAX_PRICE);

        Auction memory begun =
            DutchAuction.begin(terms, opening.capacity, made.openedAt, duration, made.scale);
        _requireTerm("control", begun.controlTo, 1, BondConstants.MAX_CONTROL);
        _auctions[opening.id] = begun;

        return (terms.price, terms.floor);
    }

    function _sold(uint256 id, uint256 payout, uint256 price_) internal override {
        Auction storage sold = _auctions[id];
        sold.debt = (DutchAuction.debtUp(sold, block.timestamp) + payout).toUint128();
        sold.last = block.timestamp.toUint64();
        _tuneIfDue(id, price_);
    }

    function _freed(uint256 id, uint256 amount) internal override {
        Lot storage left = _lots[id];
        Auction memory shorter = _auctions[id];
        uint256 elapsed = block.timestamp - left.openedAt;
        shorter.cut(amount, elapsed, left.conclusion - left.openedAt);
        _auctions[id] = shorter;
    }

    function _tuneIfDue(uint256 id, uint256 price_) private returns (bool due) {
        Auction memory tuned = _auctions[id];
        uint256 neutral = _neutral(id);
        due = tuned.tuneDue(_lots[id].capacity, neutral, block.timestamp);
        if (!due) return false;

        tuned.tune(price_, neutral, block.timestamp, _lots[id]);
        _auctions[id] = tuned;

        emit Tune(id, tuned.controlTo, tuned.target, tuned.maxDebtTo);
    }

    function _price(uint256 id) internal view override returns (uint256) {
        return _auctions[id].priceUp(block.timestamp, _lots[id].floor, _lots[id].scale);
    }

    function _available(uint256 id) internal view override returns (uint256) {
        return _auctions[id].available(_lots[id].capacity, block.timestamp);
    }

    function _neutral(uint256 id) private view returns (uint256) {
        Lot storage asked = _lots[id];
        return _auctions[id].timeNeutralCapacity(
            asked.capacity, block.timestamp - asked.openedAt, asked.conclusion - asked.openedAt
        );
    }
}
