// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

import {IAdapter} from "./IAdapter.sol";

/// @title The way to one account on an order-book venue and back: a fixed route, nothing else.
/// @notice Its share of NAV is the attested equity plus what is in transit; `value()` is zero.
interface IClobAdapter is IAdapter {
    /// @notice Zero assets were asked for.
    error ZeroAmount();
    /// @notice The route is zero, or would send assets in a circle.
    error RouteInvalid(address route);
    /// @notice The asset delivered less than it was told to (asset units).
    error TransferShort(uint256 expected, uint256 received);

    /// @notice The vault wants assets home; the treasurer acts on this and nothing else.
    /// @param id Number of the request, from one.
    /// @param assets Asset units of this request.
    event ReturnRequested(uint256 indexed id, uint256 assets);

    /// @return The only address assets are ever sent to besides the vault.
    function route() external view returns (address);

    /// @return Cumulative asset units asked home.
    function returnRequested() external view returns (uint256);

    /// @return Number of requests filed.
    function returnRequests() external view returns (uint256);
}
