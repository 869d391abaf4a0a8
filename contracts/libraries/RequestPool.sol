// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title One request queue with settlements of constant cost
/// @notice Every request in the cut is filled by the same ratio. What is not filled stays a request and is filled
/// with the newer ones by the next settlement. A position learns of all of it when it is next touched.
/// @dev Within a generation `p` is the part of a request of size `ONE` that is still unfilled, and `s` what such a
/// request has been paid. A fill that empties the pool, or that leaves `p` too small to be exact, ends the generation
/// and stores its last `p` and `s`. Every quotient is rounded down, so that the positions together never own more
/// than the pool holds. Invariants V-05, V-09, V-12, V-14.
library RequestPool {
    using SafeCast for uint256;

    uint256 internal constant ONE = 1e54; // p of a fresh generation
    uint256 internal constant LEAST_P = 1e36; // below it a generation ends: 18 digits of ONE are spent

    /// @notice Where a generation stands: at its end, or when an epoch's requests joined it.
    struct Mark {
        uint256 p;
        uint256 s;
        uint64 gen;
    }

    /// @notice Requests of one controller.
    /// @param amount Unfilled part that is in the cut, as of `gen`, `p` and `s`.
    /// @param openAmount Part requested since the cut of `openEpoch - 1`.
    /// @param claimIn Filled part, not yet claimed.
    /// @param claimOut What was paid for it.
    struct Position {
        uint128 amount;
        uint128 openAmount;
        uint64 gen;
        uint64 openEpoch;
        uint256 p;
        uint256 s;
        uint256 claimIn;
        uint256 claimOut;
    }

    /// @param total Unfilled requests in the cut.
    /// @param open Requests since the last cut.
    /// @param newestAt Newest epoch with requests up to a given one; 0 for none.
    struct Pool {
        uint128 total;
        uint128 open;
        uint64 gen;
        uint64 openEpoch;
        uint256 p;
        uint256 s;
        mapping(uint64 gen => Mark) ends;
        mapping(uint64 epoch => Mark) joins;
        mapping(uint64 epoch => uint64) newestAt;
        mapping(address controller => Position) positions;
        mapping(address controller => uint256) cancelled; // taken back and not yet fetched
    }

    /// @notice Prepares an empty pool; epochs count from 1.
    function init(Pool storage pool) internal {
        pool.p = ONE;
        pool.openEpoch = 1;
    }

    /// @notice Adds `amount` to what joins at the next cut.
    function request(Pool storage pool, address controller, uint256 amount) internal {
        Position memory position = viewPosition(pool, controller);
        position.openAmount += amount.toUint128();
        position.openEpoch = pool.openEpoch;

        pool.open += amount.toUint128();
        pool.positions[controller] = position;
    }

    /// @notice Takes back what may be cancelled: the open part, and the part in the cut too unless `openOnly`.
    /// @return amount Amount taken back.
    function cancel(Pool storage pool, address controller, bool openOnly)
        internal
        returns (uint256 amount)
    {
        Position memory position = viewPosition(pool, controller);
        amount = position.openAmount;
        pool.open -= position.openAmount;
        position.openAmount = 0;

        if (!openOnly && position.amount != 0) {
            amount += position.amount;
            pool.total -= position.amount;
            position.amount = 0;
            if (pool.total == 0) _endGeneration(pool, 0, pool.s);
        }

        pool.positions[controller] = position;
        pool.cancelled[controller] += amount;
    }

    /// @notice Fetches what was taken back.
    function claimCancelled(Pool storage pool, address controller)
        internal
        returns (uint256 amount)
    {
        amount = pool.cancelled[controller];
        delete pool.cancelled[controller];
    }

    /// @notice Moves the open requests into the cut.
    function cut(Pool storage pool) internal {
        pool.joins[pool.openEpoch] = Mark({p: pool.p, s: pool.s, gen: pool.gen});
        pool.newestAt[pool.openEpoch] =
            pool.open == 0 ? pool.newestAt[pool.openEpoch - 1] : pool.openEpoch;
        pool.total += pool.open;
        pool.open = 0;
        pool.openEpoch += 1;
    }

    /// @notice Fills `amount` of the pool's total and shares `pay` out over all of it.
    function fill(Pool storage pool, uint256 amount, uint256 pay) internal {
        if (amount == 0) return;

        uint256 total = pool.total;
        uint256 p = pool.p;
        uint256 s = pool.s + Math.mulDiv(pay, p, total);
        pool.total = (total - amount).toUint128();

        if (amount == total) {
            _endGeneration(pool, 0, s);
            return;
        }
        p = Math.mulDiv(p, total - amount, total);
        if (p < LEAST_P) {
            _endGeneration(pool, p, s);
            return;
        }
        pool.p = p;
        pool.s = s;
    }

    /// @notice Part of an epoch's requests that no settlement has filled, cancelled ones aside; in an epoch without
    /// requests, that of the newest before it. Older ones are filled at least as far.
    /// @return [1e18 = 1], rounded down; 0 also when nothing waits.
    function unfilledPart(Pool storage pool, uint64 epoch) internal view returns (uint256) {
        uint64 newest = pool.newestAt[epoch];
        Mark storage join = pool.joins[newest];
        if (newest == 0 || pool.total == 0 || join.gen != pool.gen) return 0;
        return Math.mulDiv(pool.p, 1e18, join.p);
    }

    /// @notice Claims `amountIn` of the filled part.
    /// @return amountOut What is paid for it, rounded down.
    function claimByIn(Pool storage pool, address controller, uint256 amountIn)
        internal
        returns (uint256 amountOut)
    {
        Position memory position = viewPosition(pool, controller);
        amountOut = amountIn == position.claimIn
            ? position.claimOut
            : Math.mulDiv(position.claimOut, amountIn, position.claimIn);
        _storeClaim(pool, controller, position, amountIn, amountOut);
    }

    /// @notice Claims exactly `amountOut` of what was paid.
    /// @return amountIn The filled part it consumes, rounded up.
    function claimByOut(Pool storage pool, address controller, uint256 amountOut)
        internal
        returns (uint256 amountIn)
    {
        Position memory position = viewPosition(pool, controller);
        amountIn = amountOut == position.claimOut
            ? position.claimIn
            : Math.mulDiv(position.claimIn, amountOut, position.claimOut, Math.Rounding.Ceil);
        _storeClaim(pool, controller, position, amountIn, amountOut);
    }

    /// @notice The position as it stands now: all fills since it was last touched are applied.
    function viewPosition(Pool storage pool, address controller)
        internal
        view
        returns (Position memory position)
    {
        position = pool.positions[controller];
        Mark memory mark = Mark({p: position.p, s: position.s, gen: position.gen});
        uint256 left = _apply(pool, position, position.amount, mark);

        if (position.openAmount != 0 && position.openEpoch < pool.openEpoch) {
            left += _apply(pool, position, position.openAmount, pool.joins[position.openEpoch]);
            position.openAmount = 0;
        }

        position.amount = uint128(left); // safe: at most the pool's total
        (position.gen, position.p, position.s) = (pool.gen, pool.p, pool.s);
    }

    function _apply(Pool storage pool, Position memory position, uint256 amount, Mark memory from)
        private
        view
        returns (uint256 left)
    {
        uint256 out;
        (left, out) = _walk(pool, amount, from);
        position.claimIn += amount - left;
        position.claimOut += out;
    }

    /// @dev Ends early when nothing is left, so its length is the number of generations that ended for lack of
    /// digits while this amount stayed unfilled: at least 18 decimal digits of it each.
    function _walk(Pool storage pool, uint256 amount, Mark memory from)
        private
        view
        returns (uint256 left, uint256 out)
    {
        left = amount;
        uint64 last = pool.gen;
        while (left != 0 && from.gen < last) {
            Mark memory end = pool.ends[from.gen];
            out += Math.mulDiv(left, end.s - from.s, from.p);
            left = Math.mulDiv(left, end.p, from.p);
            from = Mark({p: ONE, s: 0, gen: from.gen + 1});
        }
        if (left == 0) return (left, out);

        out += Math.mulDiv(left, pool.s - from.s, from.p);
        left = Math.mulDiv(left, pool.p, from.p);
    }

    function _endGeneration(Pool storage pool, uint256 p, uint256 s) private {
        pool.ends[pool.gen] = Mark({p: p, s: s, gen: pool.gen});
        pool.gen += 1;
        pool.p = ONE;
        pool.s = 0;
    }

    function _storeClaim(
        Pool storage pool,
        address controller,
        Position memory position,
        uint256 amountIn,
        uint256 amountOut
    ) private {
        position.claimIn -= amountIn;
        position.claimOut -= amountOut;
        pool.positions[controller] = position;
    }
}
