// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IDepositGate} from "../interfaces/IDepositGate.sol";

/// @title A deposit gate for tests: owner and controller must both be on the list
contract AllowList is IDepositGate {
    mapping(address account => bool) public isAllowed;

    /// @notice Puts an account on the list.
    function allow(address account) external {
        isAllowed[account] = true;
    }

    /// @notice Takes an account off the list.
    function refuse(address account) external {
        isAllowed[account] = false;
    }

    /// @inheritdoc IDepositGate
    function mayDeposit(address owner, address controller, uint256) external view returns (bool) {
        return isAllowed[owner] && isAllowed[controller];
    }
}
