// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title USDC-like token for tests and the local world: configurable decimals, issuer mints, issuer blacklists
contract TestUSDC is ERC20 {
    address public immutable issuer;
    uint8 private immutable _decimals;

    mapping(address account => bool) public isBlacklisted;

    event Blacklist(address indexed account, bool blacklisted);

    error NotIssuer(address caller);
    error Blacklisted(address account);

    modifier onlyIssuer() {
        require(msg.sender == issuer, NotIssuer(msg.sender));
        _;
    }

    constructor(uint8 decimals_) ERC20("Test USD Coin", "USDC") {
        issuer = msg.sender;
        _decimals = decimals_;
    }

    function mint(address to, uint256 amount) external onlyIssuer {
        _mint(to, amount);
    }

    function setBlacklisted(address account, bool blacklisted) external onlyIssuer {
        isBlacklisted[account] = blacklisted;

        emit Blacklist(account, blacklisted);
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }

    function _update(address from, address to, uint256 value) internal override {
        require(!isBlacklisted[from], Blacklisted(from));
        require(!isBlacklisted[to], Blacklisted(to));

        super._update(from, to, value);
    }
}
