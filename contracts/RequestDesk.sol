// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {
    IERC7540Deposit,
    IERC7540Operator,
    IERC7540Redeem,
    IERC7887CancelDeposit,
    IERC7887CancelRedeem
} from "./interfaces/IERC7540.sol";
import {IERC7575} from "./interfaces/IERC7575.sol";
import {IMandate} from "./interfaces/IMandate.sol";
import {IMarketMakingVault} from "./interfaces/IMarketMakingVault.sol";
import {Constants} from "./libraries/Constants.sol";
import {RequestPool} from "./libraries/RequestPool.sol";
import {RequestSilo} from "./RequestSilo.sol";

/// @title The depositors' side of a vault
/// @notice The share token, requests, their cancellation and claims, and the standards that they follow. It prices
/// nothing and settles nothing: the vault that inherits it fills the two pools and says in which state they are.
///
/// Accounting: whatever is pending or claimable lies in the silo, and the pools say whose it is.
///
/// Trust: a controller and its operators act for a request; nobody else can. No pause stops a redemption request, a
/// cancellation or a claim.
///
/// Token assumptions, for safety: a transfer moves the amount asked for (measured when assets come in), balances do
/// not rebase. For liveness: the issuer refuses neither vault nor silo; a refused receiver blocks its own claim only.
abstract contract RequestDesk is ERC20Permit, ReentrancyGuardTransient, IMarketMakingVault {
    using RequestPool for RequestPool.Pool;
    using SafeERC20 for IERC20;

    bytes4 private constant ERC7575_ID = 0x2f0a18c5; // of the vault side, fixed by the standard

    IERC20 internal immutable _asset;
    RequestSilo internal immutable _silo;
    uint8 private immutable _decimals;

    /// @inheritdoc IMarketMakingVault
    uint256 public immutable virtualShares;
    /// @inheritdoc IMarketMakingVault
    uint256 public immutable minDeposit;
    /// @inheritdoc IMarketMakingVault
    uint256 public immutable minRedeem;

    /// @inheritdoc IERC7540Operator
    mapping(address controller => mapping(address operator => bool)) public isOperator;

    /* QUEUES: both count epochs alike; the silo covers what they hold (V-03) */

    RequestPool.Pool internal _deposits; // in: asset units, out: share units
    RequestPool.Pool internal _redeems; // in: share units, out: asset units

    constructor(address asset_) {
        uint8 assetDecimals = IERC20Metadata(asset_).decimals();
        require(
            assetDecimals >= Constants.MIN_ASSET_DECIMALS
                && assetDecimals <= Constants.MAX_ASSET_DECIMALS,
            DecimalsOutOfRange(assetDecimals)
        );

        uint8 virtualDecimals = _virtualDecimals(assetDecimals);
        _asset = IERC20(asset_);
        _silo = new RequestSilo(asset_);
        _decimals = assetDecimals + virtualDecimals;
        virtualShares = 10 ** virtualDecimals;
        minDeposit = 10 ** assetDecimals;
        minRedeem = 10 ** (assetDecimals + virtualDecimals);
        _deposits.init();
        _redeems.init();
    }

    /* DEPOSITORS: REQUEST AND CANCEL */

    /// @inheritdoc IERC7540Operator
    function setOperator(address operator, bool approved) external returns (bool) {
        isOperator[msg.sender][operator] = approved;

        emit OperatorSet(msg.sender, operator, approved);
        return true;
    }

    /// @inheritdoc IERC7540Deposit
    function requestDeposit(uint256 assets, address controller, address owner_)
        external
        nonReentrant
        returns (uint256)
    {
        _requireNotEnded();
        _requireActsFor(owner_);
        _requireNonZero(controller);
        require(assets >= minDeposit, RequestTooSmall(assets, minDeposit));
        IMandate(mandate()).checkDeposit(owner_, controller, assets);

        _deposits.request(controller, assets);

        emit DepositRequest(controller, owner_, 0, msg.sender, assets);
        _pullExactly(owner_, address(_silo), assets);
        return 0;
    }

    /// @inheritdoc IERC7540Redeem
    function requestRedeem(uint256 shares, address controller, address owner_)
        external
        nonReentrant
        returns (uint256)
    {
        _requireNotEnded();
        _requireNonZero(controller);
        require(
            shares != 0 && (shares >= minRedeem || shares == balanceOf(owner_)),
            RequestTooSmall(shares, minRedeem)
        );
        if (!_actsFor(owner_)) _spendAllowance(owner_, msg.sender, shares);

        _redeems.request(controller, shares);
        _transfer(owner_, address(_silo), shares);

        emit RedeemRequest(controller, owner_, 0, msg.sender, shares);
        return 0;
    }

    /// @inheritdoc IERC7887CancelDeposit
    function cancelDepositRequest(uint256 requestId, address controller)
        external
        nonReentrant
        returns (uint256 assets)
    {
        assets = _cancel(_deposits, requestId, controller);

        emit CancelDepositRequest(controller, 0, msg.sender);
    }

    /// @inheritdoc IERC7887CancelRedeem
    function cancelRedeemRequest(uint256 requestId, address controller)
        external
        nonReentrant
        returns (uint256 shares)
    {
        shares = _cancel(_redeems, requestId, controller);

        emit CancelRedeemRequest(controller, 0, msg.sender);
    }

    /// @inheritdoc IERC7887CancelDeposit
    function claimCancelDepositRequest(uint256 requestId, address receiver, address controller)
        external
        nonReentrant
        returns (uint256 assets)
    {
        assets = _claimCancelled(_deposits, requestId, controller);

        emit CancelDepositClaim(controller, receiver, 0, msg.sender, assets);
        _silo.sendAssets(receiver, assets);
    }

    /// @inheritdoc IERC7887CancelRedeem
    function claimCancelRedeemRequest(uint256 requestId, address receiver, address controller)
        external
        nonReentrant
        returns (uint256 shares)
    {
        shares = _claimCancelled(_redeems, requestId, controller);

        emit CancelRedeemClaim(controller, receiver, 0, msg.sender, shares);
        _silo.sendShares(receiver, shares);
    }

    /* DEPOSITORS: CLAIM */

    /// @inheritdoc IERC4626
    function deposit(uint256 assets, address receiver) external returns (uint256) {
        return deposit(assets, receiver, msg.sender);
    }

    /// @inheritdoc IERC4626
    function mint(uint256 shares, address receiver) external returns (uint256) {
        return mint(shares, receiver, msg.sender);
    }

    /// @inheritdoc IERC4626
    function withdraw(uint256 assets, address receiver, address controller)
        external
        nonReentrant
        returns (uint256 shares)
    {
        _requireActsFor(controller);
        _requireClaimable(assets, maxWithdraw(controller));

        shares = _redeems.claimByOut(controller, assets);
        _payAssets(assets, shares, receiver, controller);
    }

    /// @inheritdoc IERC4626
    function redeem(uint256 shares, address receiver, address controller)
        external
        nonReentrant
        returns (uint256 assets)
    {
        _requireActsFor(controller);
        _requireClaimable(shares, maxRedeem(controller));

        assets = _redeems.claimByIn(controller, shares);
        _payAssets(assets, shares, receiver, controller);
    }

    /// @inheritdoc IERC7540Deposit
    function deposit(uint256 assets, address receiver, address controller)
        public
        nonReentrant
        returns (uint256 shares)
    {
        _requireActsFor(controller);
        _requireClaimable(assets, maxDeposit(controller));

        shares = _deposits.claimByIn(controller, assets);
        _payShares(assets, shares, receiver, controller);
    }

    /// @inheritdoc IERC7540Deposit
    function mint(uint256 shares, address receiver, address controller)
        public
        nonReentrant
        returns (uint256 assets)
    {
        _requireActsFor(controller);
        _requireClaimable(shares, maxMint(controller));

        assets = _deposits.claimByOut(controller, shares);
        _payShares(assets, shares, receiver, controller);
    }

    /* VIEWS: REQUESTS */

    /// @inheritdoc IERC7540Deposit
    function pendingDepositRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256)
    {
        return _pending(_deposits, requestId, controller);
    }

    /// @inheritdoc IERC7540Deposit
    function claimableDepositRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256)
    {
        return requestId == 0 ? maxDeposit(controller) : 0;
    }

    /// @inheritdoc IERC7540Redeem
    function pendingRedeemRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256)
    {
        return _pending(_redeems, requestId, controller);
    }

    /// @inheritdoc IERC7540Redeem
    function claimableRedeemRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256)
    {
        return requestId == 0 ? maxRedeem(controller) : 0;
    }

    /// @inheritdoc IERC7887CancelDeposit
    function pendingCancelDepositRequest(uint256, address) external pure returns (bool) {
        return false;
    }

    /// @inheritdoc IERC7887CancelRedeem
    function pendingCancelRedeemRequest(uint256, address) external pure returns (bool) {
        return false;
    }

    /// @inheritdoc IERC7887CancelDeposit
    function claimableCancelDepositRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256)
    {
        return requestId == 0 ? _deposits.cancelled[controller] : 0;
    }

    /// @inheritdoc IERC7887CancelRedeem
    function claimableCancelRedeemRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256)
    {
        return requestId == 0 ? _redeems.cancelled[controller] : 0;
    }

    /// @inheritdoc IERC4626
    /// @dev Of a controller: settled assets whose shares wait. Never reverts.
    function maxDeposit(address controller) public view returns (uint256) {
        return _deposits.viewPosition(controller).claimIn;
    }

    /// @inheritdoc IERC4626
    /// @dev Of a controller: shares that wait. Never reverts.
    function maxMint(address controller) public view returns (uint256) {
        return _deposits.viewPosition(controller).claimOut;
    }

    /// @inheritdoc IERC4626
    /// @dev Of a controller: assets that wait. Never reverts.
    function maxWithdraw(address controller) public view returns (uint256) {
        return _redeems.viewPosition(controller).claimOut;
    }

    /// @inheritdoc IERC4626
    /// @dev Of a controller: settled shares whose assets wait. Never reverts.
    function maxRedeem(address controller) public view returns (uint256) {
        return _redeems.viewPosition(controller).claimIn;
    }

    /// @inheritdoc IERC4626
    function previewDeposit(uint256) external pure returns (uint256) {
        revert PreviewUnavailable();
    }

    /// @inheritdoc IERC4626
    function previewMint(uint256) external pure returns (uint256) {
        revert PreviewUnavailable();
    }

    /// @inheritdoc IERC4626
    function previewWithdraw(uint256) external pure returns (uint256) {
        revert PreviewUnavailable();
    }

    /// @inheritdoc IERC4626
    function previewRedeem(uint256) external pure returns (uint256) {
        revert PreviewUnavailable();
    }

    /* VIEWS: QUEUES */

    /// @inheritdoc IMarketMakingVault
    function isUnpaid(uint64 epoch) external view returns (bool) {
        return _redeems.unfilledPart(epoch) > Constants.COHORT_UNPAID;
    }

    /// @inheritdoc IMarketMakingVault
    function openEpoch() external view returns (uint64) {
        return _deposits.openEpoch;
    }

    /// @inheritdoc IMarketMakingVault
    function depositQueue() external view returns (Queue memory) {
        return Queue({total: _deposits.total, open: _deposits.open});
    }

    /// @inheritdoc IMarketMakingVault
    function redeemQueue() external view returns (Queue memory) {
        return Queue({total: _redeems.total, open: _redeems.open});
    }

    /* VIEWS: STANDARDS AND PARTS */

    /// @inheritdoc IERC4626
    function asset() external view returns (address) {
        return address(_asset);
    }

    /// @inheritdoc IERC7575
    function share() external view returns (address) {
        return address(this);
    }

    /// @inheritdoc IERC20Metadata
    function decimals() public view override(ERC20, IERC20Metadata) returns (uint8) {
        return _decimals;
    }

    /// @inheritdoc IERC7575
    function vault(address asset_) external view returns (address) {
        return asset_ == address(_asset) ? address(this) : address(0);
    }

    /// @notice ERC-165: operators, asynchronous deposits and redemptions, their cancellation, both sides of ERC-7575.
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC165).interfaceId
            || interfaceId == type(IERC7540Operator).interfaceId
            || interfaceId == type(IERC7540Deposit).interfaceId
            || interfaceId == type(IERC7540Redeem).interfaceId
            || interfaceId == type(IERC7887CancelDeposit).interfaceId
            || interfaceId == type(IERC7887CancelRedeem).interfaceId || interfaceId == ERC7575_ID
            || interfaceId == IERC7575.vault.selector;
    }

    /// @inheritdoc IMarketMakingVault
    function silo() external view returns (address) {
        return address(_silo);
    }

    /// @inheritdoc IMarketMakingVault
    function mandate() public view virtual returns (address);

    /// @inheritdoc IMarketMakingVault
    function state() public view virtual returns (State);

    /* INTERNAL: GUARDS */

    function _requireNonZero(address account) private pure {
        require(account != address(0), ZeroAddress());
    }

    function _requireActsFor(address account) private view {
        require(_actsFor(account), NotAuthorised(account, msg.sender));
    }

    function _actsFor(address account) private view returns (bool) {
        return msg.sender == account || isOperator[account][msg.sender];
    }

    function _requireRequest(uint256 requestId, address controller) private view {
        require(requestId == 0, UnknownRequest(requestId));
        _requireActsFor(controller);
    }

    function _requireNotEnded() private view {
        require(state() != State.WINDDOWN, WrongState(State.WINDDOWN));
    }

    function _requireClaimable(uint256 wanted, uint256 claimable) private pure {
        require(wanted <= claimable, ClaimTooLarge(wanted, claimable));
    }

    /* INTERNAL: REQUESTS AND MONEY */

    function _cancel(RequestPool.Pool storage pool, uint256 requestId, address controller)
        private
        returns (uint256 amount)
    {
        _requireRequest(requestId, controller);

        amount = pool.cancel(controller, state() == State.CUT);
        require(amount != 0, NothingToCancel(controller));
    }

    function _claimCancelled(RequestPool.Pool storage pool, uint256 requestId, address controller)
        private
        returns (uint256)
    {
        _requireRequest(requestId, controller);

        return pool.claimCancelled(controller);
    }

    function _payShares(uint256 assets, uint256 shares, address receiver, address controller)
        private
    {
        emit Deposit(controller, receiver, assets, shares);
        _silo.sendShares(receiver, shares);
    }

    function _payAssets(uint256 assets, uint256 shares, address receiver, address controller)
        private
    {
        emit Withdraw(msg.sender, receiver, controller, assets, shares);
        _silo.sendAssets(receiver, assets);
    }

    function _pullExactly(address from, address to, uint256 assets) internal {
        uint256 before = _asset.balanceOf(to);
        _asset.safeTransferFrom(from, to, assets);
        uint256 moved = _asset.balanceOf(to) - before;
        // Equality is the point: an asset that takes a fee or rebases is refused.
        // slither-disable-next-line incorrect-equality
        require(moved == assets, TransferMismatch(assets, moved));
    }

    function _pending(RequestPool.Pool storage pool, uint256 requestId, address controller)
        private
        view
        returns (uint256)
    {
        if (requestId != 0) return 0;
        RequestPool.Position memory position = pool.viewPosition(controller);
        return uint256(position.amount) + position.openAmount;
    }

    function _virtualDecimals(uint8 assetDecimals) private pure returns (uint8) {
        uint8 toWhole = Constants.LEAST_SHARE_DECIMALS - assetDecimals;
        return toWhole > Constants.MIN_VIRTUAL_DECIMALS ? toWhole : Constants.MIN_VIRTUAL_DECIMALS;
    }
}
