// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";

/// @title Text that strangers chose, and amounts, for people to read
library TokenText {
    uint256 private constant SYMBOL_GAS = 60_000; // bounds what a token may answer with
    uint256 private constant SYMBOL_LENGTH = 12;
    uint256 private constant SHOWN_DECIMALS = 4;

    /// @return Symbol of a token, cut to 12 printable ASCII characters; `?` for others, `TOKEN` for none.
    /// @dev A token may answer with text, with 32 bytes, with nonsense or not at all; none of it reverts here.
    function symbolOf(address token) internal view returns (string memory) {
        // The answer is attacker's: it is read by hand, because the decoder reverts on nonsense.
        // solhint-disable-next-line avoid-low-level-calls
        (bool success, bytes memory answer) =
            token.staticcall{gas: SYMBOL_GAS}(abi.encodeCall(IERC20Metadata.symbol, ()));
        if (!success || answer.length < 32) return "TOKEN";

        if (answer.length == 32) return _printable(answer, 0, 32);
        if (answer.length < 64) return "TOKEN";
        uint256 length = uint256(_word(answer, 32));
        bool sound = uint256(_word(answer, 0)) == 32 && length <= answer.length - 64;
        return sound ? _printable(answer, 64, length) : "TOKEN";
    }

    /// @return The text as XML character data.
    function escapeXml(string memory text) internal pure returns (string memory) {
        bytes memory raw = bytes(text);
        bytes memory escaped = "";
        for (uint256 i; i < raw.length; ++i) {
            escaped = bytes.concat(escaped, _entity(raw[i]));
        }
        return string(escaped);
    }

    /// @return Whole units with at most four decimals, the rest cut off, e.g. `1014.0845`.
    function amountDown(uint256 amount, uint8 decimals) internal pure returns (string memory) {
        uint256 whole = amount / 10 ** decimals;
        uint256 part = (amount % 10 ** decimals) / 10 ** (decimals - SHOWN_DECIMALS);
        if (part == 0) return Strings.toString(whole);

        uint256 digits = SHOWN_DECIMALS;
        while (part % 10 == 0) {
            part /= 10;
            --digits;
        }
        return string.concat(Strings.toString(whole), ".", padded(part, digits));
    }

    /// @return text The number with leading zeros.
    function padded(uint256 value, uint256 digits) internal pure returns (string memory text) {
        text = Strings.toString(value);
        while (bytes(text).length < digits) {
            text = string.concat("0", text);
        }
    }

    function _printable(bytes memory answer, uint256 from, uint256 length)
        private
        pure
        returns (string memory)
    {
        bytes memory text = new bytes(length < SYMBOL_LENGTH ? length : SYMBOL_LENGTH);
        uint256 used = 0;
        for (uint256 i; i < text.length && answer[from + i] != 0; ++i) {
            bytes1 letter = answer[from + i];
            text[i] = letter < 0x20 || letter > 0x7e ? bytes1("?") : letter;
            ++used;
        }
        if (used == 0) return "TOKEN";
        bytes memory cut = new bytes(used);
        for (uint256 i; i < used; ++i) {
            cut[i] = text[i];
        }
        return string(cut);
    }

    function _entity(bytes1 letter) private pure returns (bytes memory) {
        if (letter == "&") return "&amp;";
        if (letter == "<") return "&lt;";
        if (letter == ">") return "&gt;";
        if (letter == 0x22) return "&quot;";
        if (letter == "'") return "&apos;";
        return abi.encodePacked(letter);
    }

    function _word(bytes memory data, uint256 from) private pure returns (bytes32 word) {
        for (uint256 i; i < 32; ++i) {
            word |= bytes32(data[from + i]) >> (8 * i);
        }
    }
}
