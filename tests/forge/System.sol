// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IMandate} from "../../contracts/interfaces/IMandate.sol";
import {IMarketMakingVault} from "../../contracts/interfaces/IMarketMakingVault.sol";
import {INavReporter} from "../../contracts/interfaces/INavReporter.sol";
import {IKeeperStake} from "../../contracts/interfaces/IKeeperStake.sol";
import {IWindDown} from "../../contracts/interfaces/IWindDown.sol";
import {MockAdapter} from "../../contracts/mocks/MockAdapter.sol";
import {TestUSDC} from "../../contracts/mocks/TestUSDC.sol";
import {VM} from "./Vm.sol";

/// @title One wired vault with reporters who sign; what differs between tests is the legs
/// @dev The only place that knows the constructors. Contracts are made from the code that Ape compiled, so that the
/// laws are tried on the very bytes that are deployed, and forge compiles nothing but the tests.
abstract contract System {
    string private constant MANIFEST = ".build/__local__.json"; // written by `ape compile`
    uint256 internal constant FIRST_KEY = 101;
    uint256 internal constant FEE_BPS = 1_000;
    uint256 internal constant STAKE_BPS = 500;
    address internal constant OWNER = address(0xA001);
    address internal constant KEEPER = address(0xA002);
    address internal constant GUARDIAN = address(0xA003);
    address internal constant VENUE = address(0xA004);
    address internal constant TREASURY = address(0xA005);

    TestUSDC internal token;
    IMarketMakingVault internal vault;
    INavReporter internal nav;
    IMandate internal mandate;
    IKeeperStake internal stake;
    IWindDown internal end;
    uint256 internal quorum;
    uint256 internal unit; // one whole asset
    uint256 internal share; // one whole share

    function _deploy(uint8 decimals, uint256 reporters, uint256 quorum_) internal {
        token = TestUSDC(_make("TestUSDC", abi.encode(decimals)));
        vault = IMarketMakingVault(_make("MarketMakingVault", abi.encode(_params(decimals))));
        end = IWindDown(vault.windDown());
        mandate = IMandate(vault.mandate());
        stake = IKeeperStake(mandate.keeperStake());
        bytes memory arguments = abi.encode(address(vault), _reporters(reporters), quorum_);
        nav = INavReporter(_make("NavReporter", arguments));
        quorum = quorum_;
        unit = vault.minDeposit();
        share = vault.minRedeem();
    }

    function _params(uint8 decimals)
        private
        view
        returns (IMarketMakingVault.VaultParams memory params)
    {
        params.asset = address(token);
        params.name = "Athanor USDC";
        params.symbol = "aUSDC";
        params.terms.owner = OWNER;
        params.terms.keeper = KEEPER;
        params.terms.guardian = GUARDIAN;
        params.terms.feeRecipient = TREASURY;
        params.terms.limits.depositCap = uint128(1e9 * 10 ** decimals);
        params.terms.limits.venueCapBps = 5_000;
        params.terms.limits.minOnChainBps = 3_000;
        params.terms.limits.feeBps = uint16(FEE_BPS);
        params.terms.limits.minStakeBps = uint16(STAKE_BPS);
    }

    function _mock(address venue) internal returns (MockAdapter) {
        bytes memory arguments = abi.encode(address(vault), address(token), venue);
        return MockAdapter(_make("MockAdapter", arguments));
    }

    function _make(string memory name, bytes memory arguments) private returns (address made) {
        string memory at = string.concat(".contractTypes.", name, ".deploymentBytecode.bytecode");
        bytes memory code = VM.parseJsonBytes(VM.readFile(MANIFEST), at);
        bytes memory creation = abi.encodePacked(code, arguments);
        assembly ("memory-safe") {
            made := create(0, add(creation, 32), mload(creation))
        }
        require(made != address(0), name);
    }

    function _reporters(uint256 count) private pure returns (address[] memory accounts) {
        accounts = new address[](count);
        for (uint256 i; i < count; ++i) {
            accounts[i] = VM.addr(FIRST_KEY + i);
        }
    }

    /// @dev Signatures of the first `quorum` reporters.
    function _sign(INavReporter.Report memory report)
        internal
        view
        returns (bytes[] memory signatures)
    {
        bytes32 digest = nav.digest(report);
        signatures = new bytes[](quorum);
        for (uint256 i; i < quorum; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = VM.sign(FIRST_KEY + i, digest);
            signatures[i] = abi.encodePacked(r, s, v);
        }
    }

    /// @dev A report of the open cut without legs and causes.
    function _emptyReport(uint256 legs) internal view returns (INavReporter.Report memory report) {
        report.epoch = vault.cut().epoch;
        report.setId = nav.setId();
        report.prevHash = nav.lastReportHash();
        report.legs = new INavReporter.Leg[](legs);
    }

    function _fund(address account, uint256 assets) internal {
        token.mint(account, assets);
        VM.prank(account);
        token.approve(address(vault), assets);
    }
}
