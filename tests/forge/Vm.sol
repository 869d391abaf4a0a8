// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title The part of forge's cheat codes that the tests use
interface Vm {
    function prank(address sender) external;
    function warp(uint256 time) external;
    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function readFile(string calldata path) external view returns (string memory text);
    function parseJsonBytes(string calldata json, string calldata key)
        external
        pure
        returns (bytes memory value);
    function envOr(string calldata name, uint256 fallback_) external view returns (uint256);
}

/// @dev Where forge answers cheat codes.
Vm constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
