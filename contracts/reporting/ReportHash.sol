// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {INavReporter} from "../interfaces/INavReporter.sol";

/// @title EIP-712 struct hash of a report
library ReportHash {
    bytes32 internal constant LEG_TYPEHASH =
        keccak256("Leg(int256 equity,uint128 credited,uint128 debited,uint64 venueHeight)");
    bytes32 internal constant REPORT_TYPEHASH = keccak256(
        "Report(address vault,uint64 epoch,uint32 setId,bytes32 prevHash,Leg[] legs,"
        "int256[5] pnl,int256 externalFlow,bytes32 dataRoot,bytes32 dataCid)"
        "Leg(int256 equity,uint128 credited,uint128 debited,uint64 venueHeight)"
    );

    /// @notice Struct hash of `report`, bound to `vault`.
    function structHash(address vault, INavReporter.Report calldata report)
        internal
        pure
        returns (bytes32)
    {
        bytes32[] memory legs = new bytes32[](report.legs.length);
        for (uint256 i; i < legs.length; ++i) {
            legs[i] = _legHash(report.legs[i]);
        }

        return keccak256(
            abi.encode(
                REPORT_TYPEHASH,
                vault,
                report.epoch,
                report.setId,
                report.prevHash,
                keccak256(abi.encodePacked(legs)),
                keccak256(abi.encodePacked(report.pnl)),
                report.externalFlow,
                report.dataRoot,
                report.dataCid
            )
        );
    }

    function _legHash(INavReporter.Leg calldata leg) private pure returns (bytes32) {
        return
            keccak256(
                abi.encode(LEG_TYPEHASH, leg.equity, leg.credited, leg.debited, leg.venueHeight)
            );
    }
}
