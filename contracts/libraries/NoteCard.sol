// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {IBondNote} from "../interfaces/IBondNote.sol";
import {CalendarDate} from "./CalendarDate.sol";
import {TokenText} from "./TokenText.sol";

// JSON and SVG are full of double quotes.
// solhint-disable quotes

/// @title The picture of a note
/// @notice Drawn from the chain alone: no link, no script, no font of somebody else. The only foreign text is the
/// token's symbol, which is cut, made printable and escaped.
library NoteCard {
    uint256 private constant BAR_WIDTH = 360; // of the vesting bar [px]

    /// @param token Payout token.
    /// @param symbol See `IBondTeller.Market`.
    /// @param decimals Decimals of the payout token.
    /// @param vested Vested so far [token units].
    struct Card {
        uint256 noteId;
        address token;
        string symbol;
        uint8 decimals;
        uint256 vested;
        IBondNote.Position position;
    }

    /// @return A data URI with name, attributes and picture.
    function uri(Card memory card) internal pure returns (string memory) {
        bytes memory json = bytes.concat(
            '{"name":"Athanor bond #',
            bytes(Strings.toString(card.noteId)),
            '","description":"Bonded ',
            bytes(Strings.escapeJSON(card.symbol)),
            ", vested until ",
            bytes(CalendarDate.text(card.position.expiry)),
            '. Whoever holds the note redeems it.","image":"data:image/svg+xml;base64,',
            bytes(Base64.encode(bytes(svg(card)))),
            '","attributes":[',
            _attributes(card),
            "]}"
        );
        return string.concat("data:application/json;base64,", Base64.encode(json));
    }

    /// @return The picture, 420 by 260.
    function svg(Card memory card) internal pure returns (string memory) {
        string memory colour = _colour(card.token);
        return string.concat(
            '<svg xmlns="http://www.w3.org/2000/svg" width="420" height="260" viewBox="0 0 420 260" ',
            'font-family="ui-sans-serif,Helvetica,Arial,sans-serif">',
            '<rect width="420" height="260" rx="18" fill="#14161a"/>',
            '<rect x="1.5" y="1.5" width="417" height="257" rx="16.5" fill="none" stroke="',
            colour,
            '" stroke-width="3"/>',
            _head(card, colour),
            _bar(card, colour),
            _foot(card),
            "</svg>"
        );
    }

    function _head(Card memory card, string memory colour) private pure returns (string memory) {
        return string.concat(
            _text(
                30,
                44,
                15,
                "#9aa3ad",
                string.concat("Athanor bond #", Strings.toString(card.noteId))
            ),
            _text(30, 96, 34, "#ffffff", TokenText.amountDown(card.position.payout, card.decimals)),
            _text(30, 126, 20, colour, TokenText.escapeXml(card.symbol))
        );
    }

    function _bar(Card memory card, string memory colour) private pure returns (string memory) {
        uint256 vested = _width(card.vested, card.position.payout);
        uint256 redeemed = _width(card.position.redeemed, card.position.payout);
        return string.concat(
            _rectangle(BAR_WIDTH, "#2a2e35"),
            _rectangle(vested, colour),
            _rectangle(redeemed, "#6b7280"),
            _text(30, 190, 13, "#cbd2d9", _progress(card))
        );
    }

    function _foot(Card memory card) private pure returns (string memory) {
        string memory days_ = string.concat(
            CalendarDate.text(card.position.start),
            "  -  cliff ",
            CalendarDate.text(card.position.cliffAt),
            "  -  all ",
            CalendarDate.text(card.position.expiry)
        );
        return string.concat(
            _text(30, 214, 13, "#9aa3ad", days_),
            _text(30, 238, 11, "#6b7280", Strings.toChecksumHexString(card.token))
        );
    }

    function _progress(Card memory card) private pure returns (string memory) {
        uint256 percent = card.vested * 100 / card.position.payout;
        return string.concat(
            "vested ",
            Strings.toString(percent),
            " %, redeemed ",
            TokenText.amountDown(card.position.redeemed, card.decimals)
        );
    }

    function _attributes(Card memory card) private pure returns (bytes memory) {
        IBondNote.Position memory position = card.position;
        return bytes.concat(
            _attribute("Market", Strings.toString(position.marketId)),
            ",",
            _attribute("Payout", TokenText.amountDown(position.payout, card.decimals)),
            ",",
            _attribute("Redeemed", TokenText.amountDown(position.redeemed, card.decimals)),
            ",",
            _attribute("Vested until", CalendarDate.text(position.expiry))
        );
    }

    function _attribute(string memory name, string memory value)
        private
        pure
        returns (bytes memory)
    {
        return bytes.concat('{"trait_type":"', bytes(name), '","value":"', bytes(value), '"}');
    }

    function _text(uint256 x, uint256 y, uint256 size, string memory colour, string memory content)
        private
        pure
        returns (string memory)
    {
        return string.concat(
            '<text xml:space="preserve" x="',
            Strings.toString(x),
            '" y="',
            Strings.toString(y),
            '" font-size="',
            Strings.toString(size),
            '" fill="',
            colour,
            '">',
            content,
            "</text>"
        );
    }

    function _rectangle(uint256 width, string memory colour) private pure returns (string memory) {
        return string.concat(
            '<rect x="30" y="150" width="',
            Strings.toString(width),
            '" height="14" rx="7" fill="',
            colour,
            '"/>'
        );
    }

    function _width(uint256 part, uint256 whole) private pure returns (uint256) {
        return part * BAR_WIDTH / whole;
    }

    /// @dev One colour a token, so that notes of a project look alike.
    function _colour(address token) private pure returns (string memory) {
        uint256 hue = uint256(keccak256(abi.encode(token))) % 360;
        return string.concat("hsl(", Strings.toString(hue), ",70%,62%)");
    }
}
