"""What a vault shows: one block's numbers, read from the contracts and nowhere else."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from keeper.cli.amounts import shown
from keeper.cli.output import print_table
from keeper.config.checksum import checksum_address

if TYPE_CHECKING:
    from keeper.wallet import Wallet

__all__ = [
    "Token",
    "clock_time",
    "print_requests",
    "print_vault",
    "read_requests",
    "read_token",
    "read_vault",
]

STATES: Final = ("OPEN", "CUT", "WINDDOWN")
REPORT_WINDOW_SECONDS: Final = 6 * 3_600
PRICE_DIGITS: Final = 12
VIEWS: Final = (
    *("state", "cut", "openEpoch", "nextCutTime", "idle", "acceptedNav", "totalSupply"),
    *("depositQueue", "redeemQueue", "depositCap", "venueCapBps", "minOnChainBps"),
    *("adapters", "owner", "keeper", "guardian", "reporter", "asset", "decimals", "symbol"),
    *("virtualShares", "minDeposit", "minRedeem"),
)


class Token:
    """Asset and share of a vault: addresses, decimals, symbols."""

    def __init__(self, asset: str, decimals: int, symbol: str, share: tuple[int, str]) -> None:
        self.asset = asset
        self.decimals = decimals
        self.symbol = symbol
        self.share_decimals, self.share_symbol = share


async def read_token(wallet: "Wallet") -> Token:
    """Read the vault's asset and share. Raises ChainUnavailable, CallReverted."""
    from keeper.chain.calls import view

    asset, share_decimals, share_symbol = await wallet.vault_views(("asset", "decimals", "symbol"))
    # The vault's own ABI has the ERC-20 functions; they are the same on every token.
    decimals, symbol = await wallet.read(
        [view("MarketMakingVault", asset, "decimals"), view("MarketMakingVault", asset, "symbol")]
    )
    return Token(asset, decimals, symbol, (share_decimals, share_symbol))


async def read_vault(wallet: "Wallet") -> dict[str, Any]:
    """Read everything `vault show` prints, at one block."""
    from keeper.chain.calls import view

    block = await wallet.head()
    token = await read_token(wallet)
    seen = dict(zip(VIEWS, await wallet.vault_views(VIEWS, block), strict=True))
    reporter = seen["reporter"]
    reporters, quorum, last_hash, legs, attested = await wallet.read(
        [
            view("NavReporter", reporter, name)
            for name in ("reporters", "quorum", "lastReportHash", "lastLegs", "attestedValue")
        ],
        block,
    )
    adapters = [await _adapter(wallet, address, block) for address in seen["adapters"]]
    cut = seen["cut"]
    supply, virtual = seen["totalSupply"], seen["virtualShares"]
    return {
        "vault": wallet.vault,
        "chain_id": wallet.chain_id,
        "block": block.number,
        "block_time": block.timestamp,
        "state": STATES[seen["state"]],
        "epoch_open": seen["openEpoch"],
        "next_cut_at": seen["nextCutTime"],
        "last_cut_at": cut[1],
        "asset": token.asset,
        "asset_symbol": token.symbol,
        "asset_decimals": token.decimals,
        "share_symbol": seen["symbol"],
        "share_decimals": seen["decimals"],
        "accepted_nav_assets": seen["acceptedNav"],
        "idle_assets": seen["idle"],
        "attested_assets": attested,
        "total_supply_shares": supply,
        "price_e12_assets_per_share": _price_e12(seen["acceptedNav"], supply, virtual, token),
        "deposits_pending_assets": sum(seen["depositQueue"]),
        "redemptions_pending_shares": sum(seen["redeemQueue"]),
        "deposit_cap_assets": seen["depositCap"],
        "venue_cap_bps": seen["venueCapBps"],
        "min_on_chain_bps": seen["minOnChainBps"],
        "min_deposit_assets": seen["minDeposit"],
        "min_redeem_shares": seen["minRedeem"],
        "adapters": adapters,
        "owner": checksum_address(seen["owner"]),
        "keeper": checksum_address(seen["keeper"]),
        "guardian": checksum_address(seen["guardian"]),
        "reporter": checksum_address(reporter),
        "reporters": [checksum_address(address) for address in reporters],
        "quorum": quorum,
        "last_report_digest": "0x" + last_hash.hex(),
        "last_legs": [
            {
                "equity_assets": leg[0],
                "credited_assets": leg[1],
                "debited_assets": leg[2],
                "venue_height": leg[3],
            }
            for leg in legs
        ],
    }


def _price_e12(nav: int, supply: int, virtual: int, token: Token) -> int:
    """Settled price in 1e-12 of the asset per whole share, down: (nav+1) over supply+virtual."""
    per_share = (nav + 1) * 10 ** (token.share_decimals + PRICE_DIGITS)
    price: int = per_share // ((supply + virtual) * 10**token.decimals)
    return price


async def _adapter(wallet: "Wallet", address: str, block: Any) -> dict[str, Any]:
    from keeper.chain.calls import view

    names = ("isAttested", "sent", "returned", "value")
    attested, sent, returned, value = await wallet.read(
        [view("ClobAdapter", address, name) for name in names], block
    )
    return {
        "adapter": checksum_address(address),
        "custody": "order-book venue, attested" if attested else "on chain",
        "sent_assets": sent,
        "returned_assets": returned,
        "value_bid_assets": value[0],
        "value_ask_assets": value[1],
    }


def print_vault(data: dict[str, Any]) -> None:
    """Print what `read_vault` returned."""
    decimals, symbol = data["asset_decimals"], data["asset_symbol"]

    def money(amount: int) -> str:
        return shown(amount, decimals, symbol)

    def shares(amount: int) -> str:
        return shown(amount, data["share_decimals"], data["share_symbol"])

    rows = [
        ("vault", f"{data['vault']}  (chain {data['chain_id']}, block {data['block']:,})"),
        ("state", f"{data['state']}, epoch {data['epoch_open']} open"),
        ("next cut", _due(data["next_cut_at"], data["block_time"])),
        ("last cut", clock_time(data["last_cut_at"])),
        ("accepted NAV", money(data["accepted_nav_assets"])),
        ("  idle in the vault", money(data["idle_assets"])),
        ("  on the order book, attested", money(data["attested_assets"])),
    ]
    rows += [
        (f"  in {adapter['adapter']}", money(adapter["value_bid_assets"]))
        for adapter in data["adapters"]
        if adapter["custody"] == "on chain"
    ]
    rows += [
        ("shares", shares(data["total_supply_shares"])),
        ("settled price", shown(data["price_e12_assets_per_share"], PRICE_DIGITS, symbol)),
        ("deposits waiting", money(data["deposits_pending_assets"])),
        ("redemptions waiting", shares(data["redemptions_pending_shares"])),
        ("deposit cap", money(data["deposit_cap_assets"])),
        ("at most on the venue", f"{data['venue_cap_bps'] / 100:g} % of NAV"),
        ("at least on chain", f"{data['min_on_chain_bps'] / 100:g} % of NAV"),
        ("keeper (trades)", data["keeper"]),
        ("guardian (reduces risk)", data["guardian"]),
        ("owner", data["owner"]),
        ("reporters", f"{data['quorum']} of {len(data['reporters'])} sign each report"),
        *(("", address) for address in data["reporters"]),
        ("last report", data["last_report_digest"] if data["last_legs"] else "none yet"),
    ]
    print_table(rows)


def _due(at: int, now: int) -> str:
    """When the next cut may be taken, and how long that is from the block seen."""
    left = max(0, at - now)
    return f"from {clock_time(at)}, in {left // 3600} h {left % 3600 // 60} min" if left else "now"


def clock_time(seconds: int) -> str:
    """Write unix seconds as UTC; zero is never."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat() if seconds else "never"


async def read_requests(wallet: "Wallet", controller: str) -> dict[str, Any]:
    """Read what a controller has waiting and claimable, both directions, at one block."""
    from keeper.chain.calls import view

    block = await wallet.head()
    token = await read_token(wallet)
    requests = [
        view("MarketMakingVault", wallet.vault, name, 0, controller)
        for name in (
            *("pendingDepositRequest", "claimableDepositRequest"),
            *("pendingRedeemRequest", "claimableRedeemRequest"),
        )
    ]
    limits = [
        view("MarketMakingVault", wallet.vault, name, controller)
        for name in ("maxMint", "maxWithdraw", "balanceOf")
    ]
    held = [view("MarketMakingVault", token.asset, "balanceOf", controller)]
    (
        deposit,
        deposit_done,
        redeem,
        redeem_done,
        mintable,
        payable,
        shares,
        assets,
    ) = await wallet.read([*requests, *limits, *held], block)
    state, next_cut = await wallet.vault_views(("state", "nextCutTime"), block)
    return {
        "controller": controller,
        "block": block.number,
        "vault_state": STATES[state],
        "next_cut_at": next_cut,
        "block_time": block.timestamp,
        "deposit_pending_assets": deposit,
        "deposit_claimable_assets": deposit_done,
        "deposit_claimable_shares": mintable,
        "redeem_pending_shares": redeem,
        "redeem_claimable_shares": redeem_done,
        "redeem_claimable_assets": payable,
        "shares": shares,
        "assets_in_wallet": assets,
        "asset_symbol": token.symbol,
        "asset_decimals": token.decimals,
        "share_symbol": token.share_symbol,
        "share_decimals": token.share_decimals,
    }


def print_requests(data: dict[str, Any]) -> None:
    """Print what `read_requests` returned."""

    def assets(name: str) -> str:
        return shown(data[name], data["asset_decimals"], data["asset_symbol"])

    def shares(name: str) -> str:
        return shown(data[name], data["share_decimals"], data["share_symbol"])

    print_table(
        [
            ("account", data["controller"]),
            ("deposit waiting", assets("deposit_pending_assets")),
            (
                "deposit claimable",
                f"{shares('deposit_claimable_shares')} for {assets('deposit_claimable_assets')}",
            ),
            ("redemption waiting", shares("redeem_pending_shares")),
            (
                "redemption claimable",
                f"{assets('redeem_claimable_assets')} for {shares('redeem_claimable_shares')}",
            ),
            ("shares held", shares("shares")),
            ("in the wallet", assets("assets_in_wallet")),
            ("vault", data["vault_state"]),
            ("next cut", _due(data["next_cut_at"], data["block_time"])),
        ]
    )
