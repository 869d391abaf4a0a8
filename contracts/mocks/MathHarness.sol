// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {INavReporter} from "../interfaces/INavReporter.sol";
import {RequestPool} from "../libraries/RequestPool.sol";
import {Settlement} from "../libraries/Settlement.sol";
import {GainGate} from "../reporting/GainGate.sol";

/// @title The internal libraries, callable from outside: pool sequences in one call, settlement, gate
contract MathHarness {
    using RequestPool for RequestPool.Pool;
    using GainGate for INavReporter.Gate;

    enum Kind {
        REQUEST,
        CANCEL,
        CANCEL_OPEN,
        CUT,
        FILL,
        CLAIM_IN,
        CLAIM_OUT
    }

    struct Step {
        Kind kind;
        address controller;
        uint256 amount;
        uint256 pay;
    }

    struct Totals {
        uint256 total;
        uint256 open;
        uint256 gen;
        uint256 p;
        uint256 s;
    }

    RequestPool.Pool private _pool;

    /// @notice Runs `steps` on a fresh pool. Meant for `eth_call`: nothing should be kept.
    function runPool(Step[] calldata steps, address[] calldata controllers)
        external
        returns (Totals memory totals, RequestPool.Position[] memory positions)
    {
        _pool.init();
        for (uint256 i; i < steps.length; ++i) {
            _take(steps[i]);
        }

        totals = Totals(_pool.total, _pool.open, _pool.gen, _pool.p, _pool.s);
        positions = new RequestPool.Position[](controllers.length);
        for (uint256 i; i < controllers.length; ++i) {
            positions[i] = _pool.viewPosition(controllers[i]);
        }
    }

    function quote(Settlement.Books calldata books, IMarketMakingVault.Pricing calldata pricing)
        external
        pure
        returns (IMarketMakingVault.Fill memory)
    {
        return Settlement.quote(books, pricing);
    }

    function stepGate(
        INavReporter.Gate calldata before,
        uint256 accepted,
        uint256 gross,
        uint256 shares,
        uint64 time
    )
        external
        pure
        returns (uint256 newAccepted, bool overdrawn, INavReporter.Gate memory newGate)
    {
        newGate = before;
        (newAccepted, overdrawn) = newGate.step(accepted, gross, shares, time);
    }

    function _take(Step calldata step) private {
        if (step.kind == Kind.REQUEST) _pool.request(step.controller, step.amount);
        else if (step.kind == Kind.CANCEL) _pool.cancel(step.controller, false);
        else if (step.kind == Kind.CANCEL_OPEN) _pool.cancel(step.controller, true);
        else if (step.kind == Kind.CUT) _pool.cut();
        else if (step.kind == Kind.FILL) _pool.fill(step.amount, step.pay);
        else if (step.kind == Kind.CLAIM_IN) _pool.claimByIn(step.controller, step.amount);
        else _pool.claimByOut(step.controller, step.amount);
    }
}
