// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title Token that calls somebody during a transfer, as an attacker's asset would
contract HookToken is ERC20 {
    address public target;
    bytes public payload;
    bytes public lastAnswer;
    bool public lastSuccess;
    bool private _inHook;

    constructor() ERC20("Hook Token", "HOOK") {
        _mint(msg.sender, 1_000_000e18);
    }

    function setHook(address newTarget, bytes calldata newPayload) external {
        target = newTarget;
        payload = newPayload;
    }

    function act(address to, bytes calldata data) external {
        // Forwards anything, as an attacker does.
        // solhint-disable-next-line avoid-low-level-calls
        (bool success, bytes memory answer) = to.call(data);
        require(success, string(answer));
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (target == address(0) || _inHook) return;

        _inHook = true;
        // solhint-disable-next-line avoid-low-level-calls
        (lastSuccess, lastAnswer) = target.call(payload);
        _inHook = false;
    }
}
