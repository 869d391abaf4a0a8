// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title Project token whose author changes its mind: decimals, symbol, balances, fees
contract OddToken is ERC20 {
    uint8 public decimals_ = 18;
    uint256 public feeBps;
    bool public paused;

    string private _symbol;
    bytes private _rawSymbol;

    mapping(address account => bool) public refused;

    error TransfersPaused();
    error Refused(address account);

    constructor(string memory symbol_) ERC20("Odd Token", symbol_) {
        _symbol = symbol_;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @notice Takes balances away without a transfer, as a negative rebase does.
    function shrink(address account, uint256 amount) external {
        _burn(account, amount);
    }

    function setDecimals(uint8 newDecimals) external {
        decimals_ = newDecimals;
    }

    function setFeeBps(uint256 newFeeBps) external {
        feeBps = newFeeBps;
    }

    function setPaused(bool newPaused) external {
        paused = newPaused;
    }

    function setRefused(address account, bool refused_) external {
        refused[account] = refused_;
    }

    function setSymbol(string calldata newSymbol) external {
        _symbol = newSymbol;
    }

    /// @notice Answers `symbol()` with these bytes as they are; a single byte reverts.
    function setRawSymbol(bytes calldata raw) external {
        _rawSymbol = raw;
    }

    function decimals() public view override returns (uint8) {
        return decimals_;
    }

    function symbol() public view override returns (string memory) {
        bytes memory raw = _rawSymbol;
        if (raw.length == 0) return _symbol;
        require(raw.length > 1, Refused(address(0)));
        // Only assembly returns what no decoder would.
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            return(add(raw, 32), mload(raw))
        }
    }

    function _update(address from, address to, uint256 value) internal override {
        require(!paused, TransfersPaused());
        require(!refused[from], Refused(from));
        require(!refused[to], Refused(to));

        uint256 fee = from == address(0) || to == address(0) ? 0 : value * feeBps / 10_000;
        super._update(from, to, value - fee);
        if (fee != 0) super._update(from, address(this), fee);
    }
}
