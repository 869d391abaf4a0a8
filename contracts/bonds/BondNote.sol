// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IBondNote} from "../interfaces/IBondNote.sol";
import {IBondTeller} from "../interfaces/IBondTeller.sol";
import {NoteCard} from "../libraries/NoteCard.sol";
import {Vesting} from "../libraries/Vesting.sol";

/// @title Bond positions
/// @notice Accounting: payout less redeemed, over all notes of a token, is what the teller owes their holders.
///
/// Trust: the teller alone issues and redeems. Whoever buys a note from its holder should know that the holder can
/// redeem what is vested until the moment of the transfer: look at `position` in the same transaction.
/// @dev Invariants B-01, B-02.
contract BondNote is ERC721, IBondNote {
    using SafeCast for uint256;

    /// @inheritdoc IBondNote
    address public immutable teller;

    /// @inheritdoc IBondNote
    uint256 public noteCount;

    mapping(uint256 noteId => Position) private _positions;

    modifier onlyTeller() {
        require(msg.sender == teller, NotTeller(msg.sender));
        _;
    }

    constructor(address teller_) ERC721("Athanor Bond Note", "aBOND") {
        teller = teller_;
    }

    /* TELLER */

    /// @inheritdoc IBondNote
    function mint(address receiver, Position calldata issued)
        external
        onlyTeller
        returns (uint256 noteId)
    {
        noteId = ++noteCount;
        _positions[noteId] = issued;
        _mint(receiver, noteId);
    }

    /// @inheritdoc IBondNote
    function redeem(uint256 noteId) external onlyTeller returns (uint256 amount) {
        Position memory held = position(noteId);
        uint256 ripe = Vesting.vestedDown(held, block.timestamp);
        amount = ripe - held.redeemed;

        _positions[noteId].redeemed = ripe.toUint128();
        // Equality is the point: `ripe` is at most the payout.
        // slither-disable-next-line incorrect-equality
        if (ripe == held.payout) {
            delete _positions[noteId];
            _burn(noteId);
        }
    }

    /* VIEWS */

    /// @inheritdoc IBondNote
    function position(uint256 noteId) public view returns (Position memory) {
        _requireOwned(noteId);
        return _positions[noteId];
    }

    /// @inheritdoc IBondNote
    function vested(uint256 noteId) public view returns (uint256) {
        return Vesting.vestedDown(position(noteId), block.timestamp);
    }

    /// @inheritdoc IBondNote
    function redeemable(uint256 noteId) external view returns (uint256) {
        return vested(noteId) - _positions[noteId].redeemed;
    }

    /// @inheritdoc IBondNote
    function isAuthorised(address account, uint256 noteId) external view returns (bool) {
        return _isAuthorized(_requireOwned(noteId), account, noteId);
    }

    /// @notice Name, attributes and picture of the note, drawn on the chain.
    function tokenURI(uint256 noteId) public view override returns (string memory) {
        Position memory held = position(noteId);
        IBondTeller.Market memory market = IBondTeller(teller).market(held.marketId);
        return NoteCard.uri(
            NoteCard.Card({
                noteId: noteId,
                token: market.token,
                symbol: market.symbol,
                decimals: market.tokenDecimals,
                vested: Vesting.vestedDown(held, block.timestamp),
                position: held
            })
        );
    }
}
