// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAuctioneer} from "../interfaces/IAuctioneer.sol";
import {BondConstants} from "../libraries/BondConstants.sol";
import {DutchAuction} from "../libraries/DutchAuction.sol";

/// @title What every kind of auction shares: capacity, floor, notice, conclusion
/// @notice Accounting: tokens for sale and tokens freed together are what the teller holds of a market unsold.
/// Selling, freeing and releasing only move between those two and out.
///
/// Trust: the teller alone, for whatever money depends on. Nobody can name a price, lower a floor or add capacity.
/// @dev Invariants B-01, B-04, B-05.
abstract contract Auctioneer is IAuctioneer {
    using SafeCast for uint256;

    /// @inheritdoc IAuctioneer
    address public immutable teller;

    mapping(uint256 id => Lot) internal _lots;
    mapping(uint256 id => Change) private _changes;

    modifier onlyTeller() {
        require(msg.sender == teller, NotTeller(msg.sender));
        _;
    }

    constructor(address teller_) {
        teller = teller_;
    }

    /* TELLER */

    /// @inheritdoc IAuctioneer
    function open(Opening calldata opening, bytes calldata terms)
        external
        onlyTeller
        returns (uint256 floor)
    {
        Lot storage made = _lots[opening.id];
        require(made.openedAt == 0, MarketExists(opening.id));

        made.capacity = opening.capacity;
        made.openedAt = block.timestamp.toUint64();
        made.conclusion = opening.conclusion;
        made.scale =
            10 ** (BondConstants.PRICE_DECIMALS + opening.tokenDecimals - opening.assetDecimals);
        uint256 first;
        (first, floor) = _open(opening, made, terms);
        made.floor = floor;

        emit Open(opening.id, opening.capacity, first, floor, opening.conclusion);
    }

    /// @inheritdoc IAuctioneer
    function sell(uint256 id, uint256 amount, uint256 minAmountOut)
        external
        onlyTeller
        returns (uint256 payout, uint256 cost)
    {
        Lot storage sold = _live(id);
        uint256 price_ = _price(id);
        (payout, cost) = _trade(id, amount, price_);
        require(payout != 0, NothingSold(id));
        require(payout >= minAmountOut, AmountOutTooLow(payout, minAmountOut));

        sold.capacity -= payout.toUint128();

        emit Sell(id, payout, cost, price_, sold.capacity);
        _sold(id, payout, price_);
    }

    /// @inheritdoc IAuctioneer
    function announceChange(uint256 id, uint256 newFloor, uint128 newCapacity) external onlyTeller {
        Lot storage changed = _live(id);
        bool tighter = newFloor >= changed.floor && newCapacity <= changed.capacity;
        bool same = newFloor == changed.floor && newCapacity == changed.capacity;
        require(tighter && !same, ChangeNotAllowed(newFloor, newCapacity));

        uint64 effectiveAt = (block.timestamp + BondConstants.CHANGE_NOTICE).toUint64();
        _changes[id] = Change({capacity: newCapacity, effectiveAt: effectiveAt, floor: newFloor});

        emit AnnounceChange(id, newFloor, newCapacity, effectiveAt);
    }

    /// @inheritdoc IAuctioneer
    function withdrawChange(uint256 id) external onlyTeller {
        _announced(id);

        delete _changes[id];

        emit WithdrawChange(id);
    }

    /// @inheritdoc IAuctioneer
    function applyChange(uint256 id) external onlyTeller {
        Lot storage changed = _live(id);
        Change memory announced = _announced(id);
        require(block.timestamp >= announced.effectiveAt, ChangeTooEarly(announced.effectiveAt));

        delete _changes[id];
        uint128 capacity = Math.min(changed.capacity, announced.capacity).toUint128();
        uint128 amount = changed.capacity - capacity;
        changed.freed += amount;
        changed.capacity = capacity;
        changed.floor = announced.floor;

        emit ApplyChange(id, announced.floor, capacity, changed.freed);
        _freed(id, amount);
    }

    /// @inheritdoc IAuctioneer
    function release(uint256 id) external onlyTeller returns (uint256 amount) {
        Lot storage released = _known(id);

        amount = released.freed;
        released.freed = 0;
        if (block.timestamp >= released.conclusion) {
            amount += released.capacity;
            released.capacity = 0;
        }
    }

    /* VIEWS */

    /// @inheritdoc IAuctioneer
    function price(uint256 id) external view returns (uint256) {
        return isLive(id) ? _price(id) : _lots[id].floor;
    }

    /// @inheritdoc IAuctioneer
    function available(uint256 id) external view returns (uint256) {
        return isLive(id) ? _available(id) : 0;
    }

    /// @inheritdoc IAuctioneer
    function quote(uint256 id, uint256 amount)
        external
        view
        returns (uint256 payout, uint256 cost)
    {
        return isLive(id) ? _trade(id, amount, _price(id)) : (0, 0);
    }

    /// @inheritdoc IAuctioneer
    function costOf(uint256 id, uint256 payout) external view returns (uint256) {
        uint256 price_ = isLive(id) ? _price(id) : _lots[id].floor;
        return DutchAuction.costUp(payout, price_, _lots[id].scale);
    }

    /// @inheritdoc IAuctioneer
    function isLive(uint256 id) public view returns (bool) {
        return block.timestamp < _known(id).conclusion;
    }

    /// @inheritdoc IAuctioneer
    function lot(uint256 id) external view returns (Lot memory) {
        return _known(id);
    }

    /// @inheritdoc IAuctioneer
    function change(uint256 id) external view returns (Change memory) {
        return _changes[id];
    }

    /* INTERNAL: FOR EACH KIND TO SAY */

    /// @dev Checks the terms and keeps them. Returns the first price and the floor.
    function _open(Opening calldata opening, Lot storage made, bytes calldata terms)
        internal
        virtual
        returns (uint256 first, uint256 floor);

    /// @dev Price of a live market.
    function _price(uint256 id) internal view virtual returns (uint256);

    /// @dev The most that one purchase gets in a live market.
    function _available(uint256 id) internal view virtual returns (uint256);

    /// @dev After a sale, capacity already reduced.
    function _sold(uint256 id, uint256 payout, uint256 price_) internal virtual;

    /// @dev After a change that freed an amount, capacity already reduced.
    function _freed(uint256 id, uint256 amount) internal virtual;

    /* INTERNAL */

    function _requireTerm(string memory name, uint256 given, uint256 least, uint256 most)
        internal
        pure
    {
        require(given >= least && given <= most, TermOutOfRange(name, given, least, most));
    }

    function _known(uint256 id) internal view returns (Lot storage known) {
        known = _lots[id];
        require(known.openedAt != 0, MarketUnknown(id));
    }

    function _live(uint256 id) internal view returns (Lot storage live) {
        live = _known(id);
        require(block.timestamp < live.conclusion, MarketConcluded(id, live.conclusion));
    }

    function _announced(uint256 id) private view returns (Change memory announced) {
        announced = _changes[id];
        require(announced.effectiveAt != 0, NoChange(id));
    }

    /// @dev The payout is cut to what is available, and the cost follows the payout: never more than `amount`.
    function _trade(uint256 id, uint256 amount, uint256 price_)
        private
        view
        returns (uint256 payout, uint256 cost)
    {
        uint256 scale = _lots[id].scale;
        payout = Math.min(DutchAuction.payoutDown(amount, price_, scale), _available(id));
        cost = DutchAuction.costUp(payout, price_, scale);
    }
}
