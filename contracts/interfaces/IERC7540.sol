// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title ERC-7540 operators
interface IERC7540Operator {
    /// @notice Emitted when a controller sets or unsets an operator.
    /// @param controller Account whose requests the operator may manage.
    /// @param operator Account that may manage them.
    /// @param approved True when allowed.
    event OperatorSet(address indexed controller, address indexed operator, bool approved);

    /// @notice Lets `operator` request, cancel and claim for the caller, or withdraws that permission.
    /// @return success Always true.
    function setOperator(address operator, bool approved) external returns (bool success);

    /// @notice Whether `operator` may manage the requests of `controller`.
    function isOperator(address controller, address operator) external view returns (bool status);
}

/// @title ERC-7540 asynchronous deposits
interface IERC7540Deposit {
    /// @notice Emitted when assets were locked in a deposit request.
    /// @param controller Account that controls the request.
    /// @param owner Account the assets came from.
    /// @param requestId Always 0: requests are aggregated per controller.
    /// @param sender Caller.
    /// @param assets Amount locked [asset units].
    event DepositRequest(
        address indexed controller,
        address indexed owner,
        uint256 indexed requestId,
        address sender,
        uint256 assets
    );

    /// @notice Locks assets in a deposit request. Only `owner` or its operator.
    /// @return requestId Always 0.
    function requestDeposit(uint256 assets, address controller, address owner)
        external
        returns (uint256 requestId);

    /// @notice Assets requested and not yet settled [asset units].
    function pendingDepositRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256 pendingAssets);

    /// @notice Assets settled whose shares wait to be claimed [asset units].
    function claimableDepositRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256 claimableAssets);

    /// @notice Claims shares for `assets` of the settled request. Only `controller` or its operator.
    /// @return shares Shares sent to `receiver`, rounded down [share units].
    function deposit(uint256 assets, address receiver, address controller)
        external
        returns (uint256 shares);

    /// @notice Claims exactly `shares` of the settled request. Only `controller` or its operator.
    /// @return assets Settled assets consumed, rounded up [asset units].
    function mint(uint256 shares, address receiver, address controller)
        external
        returns (uint256 assets);
}

/// @title ERC-7540 asynchronous redemptions
interface IERC7540Redeem {
    /// @notice Emitted when shares were locked in a redemption request.
    /// @param controller Account that controls the request.
    /// @param owner Account the shares came from.
    /// @param requestId Always 0: requests are aggregated per controller.
    /// @param sender Caller.
    /// @param shares Amount locked [share units].
    event RedeemRequest(
        address indexed controller,
        address indexed owner,
        uint256 indexed requestId,
        address sender,
        uint256 shares
    );

    /// @notice Locks shares in a redemption request. Only `owner`, its operator, or a spender of its shares.
    /// @return requestId Always 0.
    function requestRedeem(uint256 shares, address controller, address owner)
        external
        returns (uint256 requestId);

    /// @notice Shares requested and not yet settled [share units].
    function pendingRedeemRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256 pendingShares);

    /// @notice Shares settled whose assets wait to be claimed [share units].
    function claimableRedeemRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256 claimableShares);
}

/// @title ERC-7887 cancellation of a deposit request
/// @notice Synchronous: what is cancelled is claimable at once, and no cancellation is ever pending.
interface IERC7887CancelDeposit {
    /// @notice Emitted when a controller cancels what is still cancellable of its deposit request.
    event CancelDepositRequest(
        address indexed controller, uint256 indexed requestId, address sender
    );

    /// @notice Emitted when cancelled assets were fetched.
    /// @param assets Amount sent to `receiver` [asset units].
    event CancelDepositClaim(
        address indexed controller,
        address indexed receiver,
        uint256 indexed requestId,
        address sender,
        uint256 assets
    );

    /// @notice Cancels what is cancellable now: everything unfilled, in a live cut what was requested since. Only
    /// `controller` or its operator.
    /// @param requestId Must be 0.
    /// @return assets Amount cancelled and now claimable [asset units].
    function cancelDepositRequest(uint256 requestId, address controller)
        external
        returns (uint256 assets);

    /// @notice Sends everything cancelled and not yet fetched to `receiver`. Only `controller` or its operator.
    /// @param requestId Must be 0.
    /// @return assets Amount sent [asset units].
    function claimCancelDepositRequest(uint256 requestId, address receiver, address controller)
        external
        returns (uint256 assets);

    /// @notice Always false: a cancellation waits for nobody.
    function pendingCancelDepositRequest(uint256 requestId, address controller)
        external
        view
        returns (bool isPending);

    /// @notice Cancelled and not yet fetched [asset units].
    function claimableCancelDepositRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256 assets);
}

/// @title ERC-7887 cancellation of a redemption request
/// @notice Synchronous: what is cancelled is claimable at once, and no cancellation is ever pending.
interface IERC7887CancelRedeem {
    /// @notice Emitted when a controller cancels what is still cancellable of its redemption request.
    event CancelRedeemRequest(
        address indexed controller, uint256 indexed requestId, address sender
    );

    /// @notice Emitted when cancelled shares were fetched.
    /// @param shares Amount sent to `receiver` [share units].
    event CancelRedeemClaim(
        address indexed controller,
        address indexed receiver,
        uint256 indexed requestId,
        address sender,
        uint256 shares
    );

    /// @notice Cancels what is cancellable now: everything unfilled, in a live cut what was requested since. Only
    /// `controller` or its operator.
    /// @param requestId Must be 0.
    /// @return shares Amount cancelled and now claimable [share units].
    function cancelRedeemRequest(uint256 requestId, address controller)
        external
        returns (uint256 shares);

    /// @notice Sends everything cancelled and not yet fetched to `receiver`. Only `controller` or its operator.
    /// @param requestId Must be 0.
    /// @return shares Amount sent [share units].
    function claimCancelRedeemRequest(uint256 requestId, address receiver, address controller)
        external
        returns (uint256 shares);

    /// @notice Always false: a cancellation waits for nobody.
    function pendingCancelRedeemRequest(uint256 requestId, address controller)
        external
        view
        returns (bool isPending);

    /// @notice Cancelled and not yet fetched [share units].
    function claimableCancelRedeemRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256 shares);
}
