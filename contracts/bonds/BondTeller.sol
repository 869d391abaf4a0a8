// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAuctioneer} from "../interfaces/IAuctioneer.sol";
import {IBondNote} from "../interfaces/IBondNote.sol";
import {IBondTeller} from "../interfaces/IBondTeller.sol";
import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {IProjectTreasury} from "../interfaces/IProjectTreasury.sol";
import {BondConstants} from "../libraries/BondConstants.sol";
import {TokenText} from "../libraries/TokenText.sol";
import {Vesting} from "../libraries/Vesting.sol";

/// @title Counter of the bond markets
/// @notice Accounting: `escrowed` of a token is what its markets have not sold and their notes have not redeemed. It
/// grows by what is pulled at a creation, and falls by what is paid to a holder or returned to a project.
///
/// Trust: nobody. The deployer wires once and is nobody after. Auctioneer, token and treasury of a market are looked
/// up here, never taken from a caller; there is no callback and no fee.
///
/// Tokens, safety: a transfer moves the amount asked for, measured on each, and balances do not shrink by themselves,
/// measured at each purchase; a token that does otherwise is refused, or refuses its own market alone. Liveness: a
/// token that its issuer pauses, or that refuses a receiver, waits; the holder names another receiver.
/// @dev Invariants B-01, B-02, B-10.
contract BondTeller is IBondTeller, ReentrancyGuardTransient {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @inheritdoc IBondTeller
    address public immutable factory;
    /// @inheritdoc IBondTeller
    address public immutable deployer;

    /* WIRING */

    /// @inheritdoc IBondTeller
    address public note;
    /// @inheritdoc IBondTeller
    address public treasuryImplementation;
    /// @inheritdoc IBondTeller
    mapping(address auctioneer => bool) public isAuctioneer;

    address[] private _auctioneers;

    /* PROJECTS AND MARKETS */

    /// @inheritdoc IBondTeller
    mapping(address project => bool) public isProject;
    /// @inheritdoc IBondTeller
    uint256 public marketCount;

    address[] private _projects;
    mapping(uint256 marketId => Market) private _markets;
    mapping(address project => uint256[]) private _marketsOf;

    /* MONEY */

    /// @inheritdoc IBondTeller
    /// @dev Invariant B-01: at most the balance.
    mapping(address token => uint256) public escrowed;

    constructor(address factory_) {
        factory = factory_;
        deployer = msg.sender;
    }

    /* DEPLOYER, ONCE */

    /// @inheritdoc IBondTeller
    function wire(address note_, address treasury, address[] calldata auctioneers_) external {
        require(msg.sender == deployer, NotDeployer(msg.sender));
        require(note == address(0), AlreadyWired());
        require(IBondNote(note_).teller() == address(this), ForeignComponent(note_));
        bool mine = IProjectTreasury(treasury).teller() == address(this)
            && IProjectTreasury(treasury).factory() == factory;
        require(mine, ForeignComponent(treasury));

        note = note_;
        treasuryImplementation = treasury;
        for (uint256 i; i < auctioneers_.length; ++i) {
            address auctioneer = auctioneers_[i];
            bool new_ =
                IAuctioneer(auctioneer).teller() == address(this) && !isAuctioneer[auctioneer];
            require(new_, ForeignComponent(auctioneer));
            isAuctioneer[auctioneer] = true;
            _auctioneers.push(auctioneer);
        }

        emit Wire(note_, treasury, auctioneers_);
    }

    /* PROJECT */

    /// @inheritdoc IBondTeller
    function createProject(ProjectParams calldata params) external nonReentrant returns (address) {
        return _createProject(params);
    }

    /// @inheritdoc IBondTeller
    function createMarket(MarketParams calldata params, uint256 minFloor, uint256 deadline)
        external
        nonReentrant
        returns (uint256)
    {
        return _createMarket(params, params.project, minFloor, deadline);
    }

    /// @inheritdoc IBondTeller
    function createProjectAndMarket(
        ProjectParams calldata projectParams,
        MarketParams calldata marketParams,
        uint256 minFloor,
        uint256 deadline
    ) external nonReentrant returns (address project, uint256 marketId) {
        require(marketParams.project == address(0), ProjectUnknown(marketParams.project));

        project = _createProject(projectParams);
        marketId = _createMarket(marketParams, project, minFloor, deadline);
    }

    /// @inheritdoc IBondTeller
    function announceChange(uint256 marketId, uint256 newFloor, uint128 newCapacity) external {
        _owned(marketId).announceChange(marketId, newFloor, newCapacity);
    }

    /// @inheritdoc IBondTeller
    function withdrawChange(uint256 marketId) external {
        _owned(marketId).withdrawChange(marketId);
    }

    /// @inheritdoc IBondTeller
    function reclaim(uint256 marketId, address receiver)
        external
        nonReentrant
        returns (uint256 amount)
    {
        amount = _owned(marketId).release(marketId);
        require(amount != 0, NothingToReclaim(marketId));

        address token = _markets[marketId].token;
        escrowed[token] -= amount;

        emit Reclaim(marketId, receiver, amount);
        _payExactly(token, receiver, amount);
    }

    /* ANYONE */

    /// @inheritdoc IBondTeller
    function purchase(
        uint256 marketId,
        uint256 amount,
        uint256 minAmountOut,
        address receiver,
        uint256 deadline
    ) external nonReentrant returns (uint256 noteId, uint256 payout) {
        Market storage from = _requireOrder(marketId, receiver, deadline);

        uint256 cost;
        (payout, cost) = IAuctioneer(from.auctioneer).sell(marketId, amount, minAmountOut);
        noteId = _issue(marketId, receiver, payout);

        emit Purchase(marketId, noteId, msg.sender, receiver, from.asset, cost, cost, payout);
        _pullExactly(from.asset, from.project, cost);
        _requireEscrow(from.token);
    }

    /// @inheritdoc IBondTeller
    function purchaseWithShares(
        uint256 marketId,
        uint256 shares,
        uint256 minAmountOut,
        address receiver,
        uint256 deadline
    ) external nonReentrant returns (uint256 noteId, uint256 payout) {
        Market storage from = _requireOrder(marketId, receiver, deadline);
        uint256 value = shareValue(marketId, shares);

        uint256 cost;
        (payout, cost) = IAuctioneer(from.auctioneer).sell(marketId, value, minAmountOut);
        uint256 paid = Math.mulDiv(shares, cost, value, Math.Rounding.Ceil);
        noteId = _issue(marketId, receiver, payout);

        emit Purchase(marketId, noteId, msg.sender, receiver, from.vault, paid, cost, payout);
        _pullExactly(from.vault, from.project, paid);
        _requireEscrow(from.token);
    }

    /// @inheritdoc IBondTeller
    /// @dev The note is a number of this teller's own note contract: there is no address to forge.
    function redeem(uint256 noteId, address receiver)
        external
        nonReentrant
        returns (uint256 amount)
    {
        IBondNote note_ = IBondNote(note);
        require(note_.isAuthorised(msg.sender, noteId), NotAuthorised(noteId, msg.sender));
        uint256 marketId = note_.position(noteId).marketId;
        amount = note_.redeem(noteId);
        require(amount != 0, NothingVested(noteId));

        address token = _markets[marketId].token;
        escrowed[token] -= amount;

        emit Redeem(noteId, marketId, receiver, amount);
        _payExactly(token, receiver, amount);
    }

    /// @inheritdoc IBondTeller
    function applyChange(uint256 marketId) external {
        IAuctioneer(_market(marketId).auctioneer).applyChange(marketId);
    }

    /* VIEWS */

    /// @inheritdoc IBondTeller
    function quote(uint256 marketId, uint256 amount)
        external
        view
        returns (uint256 payout, uint256 cost)
    {
        return IAuctioneer(_market(marketId).auctioneer).quote(marketId, amount);
    }

    /// @inheritdoc IBondTeller
    function quoteShares(uint256 marketId, uint256 shares)
        external
        view
        returns (uint256 payout, uint256 sharesPaid)
    {
        uint256 value = shareValue(marketId, shares);
        if (value == 0) return (0, 0);
        uint256 cost;
        (payout, cost) = IAuctioneer(_markets[marketId].auctioneer).quote(marketId, value);
        sharesPaid = Math.mulDiv(shares, cost, value, Math.Rounding.Ceil);
    }

    /// @inheritdoc IBondTeller
    function shareValue(uint256 marketId, uint256 shares) public view returns (uint256) {
        Market storage from = _market(marketId);
        // A project that went to another vault has no more use for shares of this one.
        bool accepted = from.acceptsShares && IProjectTreasury(from.project).vault() == from.vault;
        require(accepted, SharesNotAccepted(marketId));
        IMarketMakingVault vault = IMarketMakingVault(from.vault);
        uint256 settledAt = vault.lastSettledAt();
        bool inWindow = settledAt != 0 && block.timestamp <= settledAt + BondConstants.SHARE_WINDOW
            && vault.state() == IMarketMakingVault.State.OPEN;
        require(inWindow, ShareWindowClosed(settledAt));

        uint256 settled = vault.convertToAssets(shares);
        return Math.mulDiv(settled, BondConstants.SHARE_VALUE_BPS, BondConstants.BPS);
    }

    /// @inheritdoc IBondTeller
    function market(uint256 marketId) external view returns (Market memory) {
        return _market(marketId);
    }

    /// @inheritdoc IBondTeller
    function marketsOf(address project) external view returns (uint256[] memory) {
        return _marketsOf[project];
    }

    /// @inheritdoc IBondTeller
    function projectCount() external view returns (uint256) {
        return _projects.length;
    }

    /// @inheritdoc IBondTeller
    function projects(uint256 first, uint256 count) external view returns (address[] memory page) {
        uint256 total = _projects.length;
        if (first >= total) return page;

        page = new address[](Math.min(count, total - first));
        for (uint256 i; i < page.length; ++i) {
            page[i] = _projects[first + i];
        }
    }

    /// @inheritdoc IBondTeller
    function auctioneers() external view returns (address[] memory) {
        return _auctioneers;
    }

    /* INTERNAL: CREATION */

    function _createProject(ProjectParams calldata params) private returns (address project) {
        project = Clones.clone(treasuryImplementation);
        isProject[project] = true;
        _projects.push(project);

        IProjectTreasury(project)
            .initialise(
                IProjectTreasury.Init({
                owner: msg.sender,
                token: params.token,
                vault: params.vault,
                markets: params.markets,
                pool: params.pool,
                polUnlock: params.polUnlock
            })
            );
        address pool = params.markets.pools[params.pool].pool;
        emit CreateProject(project, params.token, params.vault, msg.sender, pool, params.polUnlock);
    }

    function _createMarket(
        MarketParams calldata params,
        address project,
        uint256 minFloor,
        uint256 deadline
    ) private returns (uint256 marketId) {
        _requireBefore(deadline);
        require(isProject[project], ProjectUnknown(project));
        _requireOwner(project);
        require(isAuctioneer[params.auctioneer], AuctioneerUnknown(params.auctioneer));
        Market memory made = _draft(params, project);
        _requireRange(
            "capacity", params.capacity, 10 ** made.tokenDecimals, BondConstants.MAX_CAPACITY
        );

        marketId = ++marketCount;
        _markets[marketId] = made;
        _marketsOf[project].push(marketId);
        escrowed[made.token] += params.capacity;
        uint256 floor = _openAuction(marketId, made, params);
        require(floor >= minFloor, FloorTooLow(floor, minFloor));

        emit CreateMarket(
            marketId, project, made.token, made.auctioneer, params.capacity, floor, made.conclusion
        );
        _pullExactly(made.token, address(this), params.capacity);
    }

    function _draft(MarketParams calldata params, address project)
        private
        view
        returns (Market memory made)
    {
        _requireRange(
            "duration", params.duration, BondConstants.MIN_DURATION, BondConstants.MAX_DURATION
        );
        _requireRange(
            "vesting", params.vesting, BondConstants.MIN_VESTING, BondConstants.MAX_VESTING
        );
        _requireRange("cliff", params.cliff, 0, params.vesting);
        IProjectTreasury treasury = IProjectTreasury(project);

        made.project = project;
        made.auctioneer = params.auctioneer;
        made.token = treasury.token();
        made.asset = treasury.asset();
        made.vault = treasury.vault();
        made.createdAt = block.timestamp.toUint64();
        made.conclusion = (block.timestamp + params.duration).toUint64();
        made.cliff = params.cliff;
        made.vesting = params.vesting;
        made.acceptsShares = params.acceptsShares;
        bool distinct = made.token != made.asset && made.token != made.vault;
        require(distinct, SameToken(made.token));
        uint256 lastExpiry = Vesting.expiryUp(made.conclusion, made.vesting);
        uint64 unlock = treasury.polUnlock();
        require(unlock >= lastExpiry, LockTooShort(unlock, lastExpiry));

        made.tokenDecimals = _decimalsOf("tokenDecimals", made.token);
        made.assetDecimals = _decimalsOf("assetDecimals", made.asset);
        made.symbol = TokenText.symbolOf(made.token);
    }

    function _openAuction(uint256 marketId, Market memory made, MarketParams calldata params)
        private
        returns (uint256 floor)
    {
        IAuctioneer.Opening memory opening = IAuctioneer.Opening({
            id: marketId,
            capacity: params.capacity,
            conclusion: made.conclusion,
            token: made.token,
            tokenDecimals: made.tokenDecimals,
            asset: made.asset,
            assetDecimals: made.assetDecimals,
            pool: IProjectTreasury(made.project).pool()
        });
        return IAuctioneer(made.auctioneer).open(opening, params.terms);
    }

    function _decimalsOf(string memory name, address token) private view returns (uint8 decimals) {
        decimals = IERC20Metadata(token).decimals();
        _requireRange(name, decimals, BondConstants.MIN_DECIMALS, BondConstants.MAX_DECIMALS);
    }

    /* INTERNAL: PURCHASE AND MONEY */

    function _issue(uint256 marketId, address receiver, uint256 payout)
        private
        returns (uint256 noteId)
    {
        Market storage from = _markets[marketId];
        uint256 expiry = Vesting.expiryUp(block.timestamp, from.vesting);
        return IBondNote(note)
            .mint(
                receiver,
                IBondNote.Position({
                marketId: marketId,
                payout: payout.toUint128(),
                redeemed: 0,
                start: block.timestamp.toUint64(),
                cliffAt: (block.timestamp + from.cliff).toUint64(),
                expiry: expiry.toUint64()
            })
            );
    }

    function _pullExactly(address token, address to, uint256 amount) private {
        uint256 before = IERC20(token).balanceOf(to);
        IERC20(token).safeTransferFrom(msg.sender, to, amount);
        uint256 moved = IERC20(token).balanceOf(to) - before;
        // Equality is the point: a token that takes a fee or rebases is refused.
        // slither-disable-next-line incorrect-equality
        require(moved == amount, TransferMismatch(token, amount, moved));
    }

    function _payExactly(address token, address to, uint256 amount) private {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransfer(to, amount);
        uint256 moved = before - IERC20(token).balanceOf(address(this));
        // As above: one holder's payment must not come out of another's.
        // slither-disable-next-line incorrect-equality
        require(moved == amount, TransferMismatch(token, amount, moved));
    }

    /* INTERNAL: GUARDS */

    function _market(uint256 marketId) private view returns (Market storage known) {
        known = _markets[marketId];
        require(known.createdAt != 0, MarketUnknown(marketId));
    }

    function _owned(uint256 marketId) private view returns (IAuctioneer) {
        Market storage known = _market(marketId);
        _requireOwner(known.project);
        return IAuctioneer(known.auctioneer);
    }

    function _requireOwner(address project) private view {
        require(msg.sender == IProjectTreasury(project).owner(), NotProjectOwner(msg.sender));
    }

    function _requireOrder(uint256 marketId, address receiver, uint256 deadline)
        private
        view
        returns (Market storage)
    {
        _requireBefore(deadline);
        require(receiver != address(0), ZeroAddress());
        return _market(marketId);
    }

    function _requireBefore(uint256 deadline) private view {
        require(block.timestamp <= deadline, DeadlineOver(deadline));
    }

    function _requireEscrow(address token) private view {
        uint256 balance = IERC20(token).balanceOf(address(this));
        require(balance >= escrowed[token], EscrowShort(token, balance, escrowed[token]));
    }

    function _requireRange(string memory name, uint256 given, uint256 least, uint256 most)
        private
        pure
    {
        require(given >= least && given <= most, OutOfRange(name, given, least, most));
    }
}
