// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Handler} from "./Handler.sol";
import {Laws} from "./Laws.sol";
import {VM} from "./Vm.sol";

function make(uint8 decimals) returns (Handler) {
    return new Handler(decimals);
}

/// @title The laws over seeded sequences, with a count of what the sequences contained
/// @dev `FUZZ_SEEDS` and `FUZZ_STEPS` make it longer; each decimals has its own seeds.
contract SequencesTest {
    uint256 private constant MANY = 20; // sequences among which even rare events have to be

    function test_sequences__6_decimals__keep_every_law() external {
        _run(6);
    }

    function test_sequences__8_decimals__keep_every_law() external {
        _run(8);
    }

    function test_sequences__18_decimals__keep_every_law() external {
        _run(18);
    }

    function _run(uint8 decimals) private {
        uint256 seeds = VM.envOr("FUZZ_SEEDS", uint256(3));
        uint256 steps = VM.envOr("FUZZ_STEPS", uint256(300));
        Laws.Counts memory all;
        for (uint256 seed; seed < seeds; ++seed) {
            Handler handler = make(decimals);
            for (uint256 i; i < steps; ++i) {
                handler.step(uint256(keccak256(abi.encode(decimals, seed, i))));
                _check(handler);
            }
            _add(all, handler.counted());
        }
        _requireCommon(all, seeds);
    }

    /// @dev A law that only quiet sequences kept would say little.
    function _requireCommon(Laws.Counts memory all, uint256 seeds) private pure {
        require(all.cuts >= 10 * seeds, "too few cuts");
        require(all.fills >= 5 * seeds, "too few fills");
        require(all.allocations >= 5 * seeds, "too few allocations");
        require(all.cancels >= seeds, "too few cancels");
        require(all.gated >= seeds, "too few gated gains");
        require(all.losses != 0, "no loss");
        require(all.partials != 0, "no partial fill");
        require(all.fees != 0, "no fee");
        if (seeds >= MANY) _requireRare(all);
    }

    /// @dev What a few sequences may well lack.
    function _requireRare(Laws.Counts memory all) private pure {
        require(all.holds != 0, "no hold");
        require(all.carried != 0, "no carried deposit");
        require(all.lapses != 0, "no lapse");
        require(all.objections != 0, "no objection");
        require(all.vetoes != 0, "no veto");
        require(all.spent != 0, "keeper never lost too much");
        require(all.penalties != 0, "no penalty");
        require(all.wholeExits != 0, "no whole exit");
        require(all.starts != 0, "no start of an empty vault");
        require(all.ends != 0, "no wind-down");
        require(all.exits != 0, "no exit from a wind-down");
    }

    function _add(Laws.Counts memory all, Laws.Counts memory one) private pure {
        all.steps += one.steps;
        all.cuts += one.cuts;
        all.fills += one.fills;
        all.partials += one.partials;
        all.carried += one.carried;
        all.gated += one.gated;
        all.losses += one.losses;
        all.holds += one.holds;
        all.lapses += one.lapses;
        all.objections += one.objections;
        all.cancels += one.cancels;
        all.allocations += one.allocations;
        all.wholeExits += one.wholeExits;
        all.fees += one.fees;
        all.spent += one.spent;
        all.penalties += one.penalties;
        all.starts += one.starts;
        all.vetoes += one.vetoes;
        all.ends += one.ends;
        all.exits += one.exits;
    }

    function _check(Handler handler) private view {
        handler.v01();
        handler.v03();
        handler.v04();
        handler.v05();
        handler.v09();
        handler.v14();
        handler.v19();
    }
}

/// @title The same laws under forge's own invariant runner, which shrinks what it finds
abstract contract Invariants {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Handler internal handler;

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0].addr = address(handler);
        targets[0].selectors = new bytes4[](1);
        targets[0].selectors[0] = Handler.step.selector;
    }

    function invariant_V01_V03_V04_V05_V09_V14_V19_and_of_steps_V02_V06_V10_V11_V12_V18_V20_V21_V24_V27_V28_V29()
        external
        view
    {
        handler.v01();
        handler.v03();
        handler.v04();
        handler.v05();
        handler.v09();
        handler.v14();
        handler.v19();
    }
}

contract Invariants6 is Invariants {
    function setUp() external {
        handler = make(6);
    }
}

contract Invariants8 is Invariants {
    function setUp() external {
        handler = make(8);
    }
}

contract Invariants18 is Invariants {
    function setUp() external {
        handler = make(18);
    }
}
