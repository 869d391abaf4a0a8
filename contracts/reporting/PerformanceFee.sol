// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IMandate} from "../interfaces/IMandate.sol";
import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {INavReporter} from "../interfaces/INavReporter.sol";
import {Constants} from "../libraries/Constants.sol";
import {ReporterSet} from "./ReporterSet.sol";

/// @title The high-water mark of a vault, and who gets the fee above it
/// @notice Accounting: the mark is the highest price a share was ever settled at, flows included, and what strangers
/// gave lifts it before it is compared. A fee is therefore taken once for each gain and never for a recovery, a
/// donation or a flow. The vault mints the fee's shares to this contract, which owes them to the signers of the report
/// and to the fee recipient.
///
/// Trust: a quorum says what strangers gave. Called profit, a gift costs depositors the fee on it; called a gift, a
/// profit costs the fee recipient and the signers theirs.
/// @dev Marks round up, shares of a fee down. Invariant V-21.
abstract contract PerformanceFee is ReporterSet {
    using SafeERC20 for IERC20;

    /// @inheritdoc INavReporter
    uint256 public exempt;
    /// @inheritdoc INavReporter
    mapping(address account => uint256 shares) public feeOf;

    uint256 private _mark; // as of the last report
    uint256 private _markShares; // share units then, virtual ones included

    constructor() {
        _mark = Constants.PRICE_ONE / IMarketMakingVault(vault).virtualShares();
    }

    /* ANYONE */

    /// @inheritdoc INavReporter
    function claimFee(address account) external returns (uint256 shares) {
        shares = feeOf[account];
        require(shares != 0, NoFee(account));

        feeOf[account] = 0;

        emit ClaimFee(account, shares);
        IERC20(vault).safeTransfer(account, shares);
    }

    /* VIEWS */

    /// @inheritdoc INavReporter
    /// @dev Between two reports supply falls by a burnt stake alone, which raises the price without a gain.
    function mark() public view returns (uint256) {
        uint256 shares = _shares();
        if (shares >= _markShares) return _mark;
        return Math.mulDiv(_mark, _markShares, shares, Math.Rounding.Ceil);
    }

    /* INTERNAL */

    /// @dev The mark that a report is compared with, and what strangers gave that no settlement has accepted yet. More
    /// than `gross` cannot have been given to what is left, whatever a quorum says.
    function _lifted(int256 externalFlow, uint256 gross, uint256 shares)
        internal
        view
        returns (uint256 liftedMark, uint256 newExempt)
    {
        (liftedMark, newExempt) = (mark(), exempt);
        if (externalFlow <= 0) return (liftedMark, newExempt);

        uint256 given = Math.min(uint256(externalFlow), gross); // safe: positive
        liftedMark += Math.mulDiv(given, Constants.PRICE_ONE, shares, Math.Rounding.Ceil);
        newExempt += given;
    }

    /// @dev Share units of the vault, virtual ones included.
    function _shares() internal view returns (uint256) {
        return IMarketMakingVault(vault).totalSupply() + IMarketMakingVault(vault).virtualShares();
    }

    /// @dev Price of a share unit, rounded up: a mark is never lower than what it stands for.
    function _priceUp(uint256 accepted, uint256 shares) internal pure returns (uint256) {
        return Math.mulDiv(accepted + 1, Constants.PRICE_ONE, shares, Math.Rounding.Ceil);
    }

    /// @dev The mark after a settlement. Who leaves at the accepted NAV leaves what is not accepted to who stays; so
    /// far as that was given, the mark follows. A whole exit leaves nobody who has paid for the old mark.
    function _markAfter(
        uint256 liftedMark,
        uint256 newExempt,
        IMarketMakingVault.Fill memory fill,
        uint256 shares
    ) internal pure returns (uint256) {
        uint256 price = _priceUp(fill.acceptedAfter, shares);
        if (fill.wholeExit) return price;

        uint256 staying = shares - fill.depositShares;
        uint256 each = Math.mulDiv(newExempt, Constants.PRICE_ONE, staying, Math.Rounding.Ceil);
        uint256 before = Math.mulDiv(newExempt, Constants.PRICE_ONE, staying + fill.redeemShares);
        return Math.max(liftedMark + each - before, price);
    }

    /// @param shares Share units that `newMark` is a price of, virtual ones included.
    function _storeMark(uint64 epoch, uint256 newMark, uint256 newExempt, uint256 shares) internal {
        _mark = newMark;
        _markShares = shares;
        exempt = newExempt;

        emit MoveMark(epoch, newMark, newExempt);
    }

    /// @dev What does not divide goes to the recipient.
    function _bookFee(uint64 epoch, uint256 shares, address[] memory signers) internal {
        if (shares == 0) return;

        address recipient = IMandate(IMarketMakingVault(vault).mandate()).feeRecipient();
        // The same rounded part for each is the point; the remainder is the recipient's.
        // slither-disable-next-line divide-before-multiply
        uint256 perSigner = (shares * Constants.SIGNER_FEE_BPS) / Constants.BPS;
        for (uint256 i; i < signers.length; ++i) {
            feeOf[signers[i]] += perSigner;
        }
        feeOf[recipient] += shares - perSigner * signers.length;

        emit ChargeFee(epoch, recipient, shares, perSigner, signers);
    }
}
