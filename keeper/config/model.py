"""The whole configuration as frozen sections; every field's description names its unit.

No field that could lose money has a default: amounts, limits, gas caps and spreads are written
out by the operator. What has a default is a time-out, a pace, a local file name, or a limit at the
figure of docs/spec.md section 9 (off where what it needs may not be there).
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from keeper.config.fields import (
    DydxAddress,
    EnvName,
    EvmAddress,
    GrpcEndpoint,
    Milliseconds,
    NonNegative,
    Positive,
    Ppm,
    PublicKeyHex,
    Section,
    Url,
    WebsocketUrl,
    described,
)
from keeper.config.strategies import Overlays, Rule

__all__ = [
    "FORMAT_VERSION",
    "NO_HEDGE",
    "Allocation",
    "Clock",
    "Config",
    "Evm",
    "Housekeeping",
    "JournalSection",
    "Key",
    "Keys",
    "Leader",
    "Limits",
    "Market",
    "MarketLeader",
    "OrderToTrade",
    "Pool",
    "PoolEconomics",
    "Relay",
    "Reporter",
    "Resting",
    "Treasurer",
    "Vault",
    "Venue",
]

FORMAT_VERSION: Final = 1
NO_LEG: Final = "none"
NO_HEDGE: Final = "none"


class Vault(Section):
    """The vault this configuration is about."""

    address: EvmAddress = described("MarketMakingVault contract.")
    reporter: EvmAddress = described("NavReporter contract of that vault.")
    deployed_block: NonNegative = described(
        "Block of its deployment: `keeper run` looks for operators in its logs from there.", 0
    )
    asset_feed: EvmAddress | None = described(
        "Feed (Chainlink's interface) of the price of the vault's asset in US dollars; absent: "
        "none is read.",
        None,
    )


class Evm(Section):
    """The EVM chain the vault lives on."""

    rpc_url: Url = described("JSON-RPC endpoint.")
    chain_id: Positive = described("Chain id; an endpoint that answers another one is refused.")
    confirmations: NonNegative = described("Blocks on top of a receipt before it counts as final.")
    max_fee_per_gas_wei: Positive = described("Most a transaction may pay per gas, in wei.")
    max_priority_fee_per_gas_wei: NonNegative = described("Most of it that is a tip, in wei.")
    max_gas: Positive = described("Most gas a single transaction may use, in gas units.")
    request_timeout_ms: Milliseconds = described("Time an RPC call may take, in ms.", 5_000)
    poll_interval_ms: Milliseconds = described("Pace of asking for new blocks, in ms.", 500)
    fee_bump_after_ms: Milliseconds = described(
        "Time without inclusion after which the fee of a transaction is raised, in ms.", 15_000
    )


class Venue(Section):
    """The order-book venue the vault's collateral trades on."""

    kind: Literal["dydx"] = described("Protocol of the venue: dydx (v4).")
    chain_id: str = described(
        "dydx-mainnet-1, dydx-testnet-4 or localdydxprotocol; another at the endpoint is refused."
    )
    grpc_endpoint: GrpcEndpoint = described("Validator gRPC as host:port.")
    grpc_insecure: bool = described("True only for a loopback endpoint without TLS.")
    grpc_fallbacks: tuple[GrpcEndpoint, ...] = described(
        "Further validators as host:port, asked in turn when one does not answer.", ()
    )
    rest_url: Url = described("Indexer REST base URL, without /v4.")
    ws_url: WebsocketUrl = described("Indexer websocket URL.")
    address: DydxAddress = described("Account that owns the subaccount, dydx1...")
    subaccount: NonNegative = described("Number of the trading subaccount.", le=128_000)
    reserve_subaccount: NonNegative | None = described(
        "Subaccount for collateral the hot key cannot reach; absent: there is none.", None
    )
    adapter: EvmAddress | Literal["none"] = described(
        "ClobAdapter contract whose collateral this account holds; 'none': the vault has none, "
        "and nothing is traded on the venue."
    )
    bridge_address: DydxAddress = described(
        "Venue account that collateral comes from and goes home through, dydx1..."
    )
    authenticator_ids: tuple[NonNegative, ...] = described(
        "Authenticators of a permissioned hot key; empty when the key is the account's own.", ()
    )
    grpc_messages_per_minute: NonNegative = described(
        "Messages the validator's endpoint takes in a minute (public ones 250 to 300); "
        "0: no limit, a node of one's own.",
        0,
    )
    short_block_window: Positive = described(
        "Blocks a short-term order may live, as the chain sets it.", 40
    )
    place_deadline_ms: Milliseconds = described("Time an order message may take, in ms.", 2_000)
    query_deadline_ms: Milliseconds = described("Time a read may take, in ms.", 5_000)

    @property
    def leg(self) -> str | None:
        """The order-book leg's adapter; None for a vault without one."""
        return None if self.adapter == NO_LEG else self.adapter


class Clock(Section):
    """Where time comes from."""

    source: str = described("'system', or the path of the local world's clock file.", "system")


class JournalSection(Section):
    """The log everything can be replayed from."""

    folder: str = described("Folder of segment files; relative to this file.")
    segment_bytes: Positive = described("Size at which a segment is sealed, in bytes.", 67_108_864)
    sync_interval_ms: Milliseconds = described("Longest time before fdatasync, in ms.", 50, le=50)


class Leader(Section):
    """Public books of the exchange that leads the venue's prices; nothing is traded there."""

    kind: Literal["binance-usdm", "binance-spot"] = described(
        "Protocol of the feed: Binance's USD-margined futures or its spot exchange."
    )
    ws_url: WebsocketUrl = described("Market stream base URL, without /stream.")
    rest_url: Url = described("REST base URL, without /fapi or /api.")
    pace_ms: Milliseconds = described(
        "Least time between two recorded quotes of a symbol, in ms; the newest one wins.", 100
    )
    query_deadline_ms: Milliseconds = described("Time a connect or read may take, in ms.", 5_000)


class MarketLeader(Section):
    """How the leader's book enters one market's reference price; the oracle weighs the rest."""

    symbol: str = described("Its name at the leader, e.g. ETHUSDT.", pattern=r"^[A-Z0-9_]{3,32}$")
    base_units: Positive = described(
        "Units of our base asset in one of the leader's (1000PEPEUSDT: 1000).", 1
    )
    weight_ppm: Ppm = described(
        "Weight of the leader's microprice, in ppm; 0 records it and decides nothing by it."
    )
    venue_weight_ppm: Ppm = described(
        "Weight of the venue's own microprice without our orders, in ppm."
    )
    max_age_ms: Milliseconds = described("An older quote of the leader is missing, in ms.")
    band_ppm: Ppm = described(
        "Distance of a source from the reference beyond which quotes widen by the excess, in ppm."
    )
    pull_band_ppm: Ppm = described("Distance beyond which quotes are pulled, in ppm.")
    basis_seconds: Positive = described(
        "Time constant of the average of leader against oracle that is taken out, in seconds."
    )
    max_basis_ppm: Ppm = described("Largest such average; beyond it quotes are pulled, in ppm.")
    on_missing: Literal["pull", "widen"] = described(
        "Without the leader: pull the quotes, or go on wider by missing_widen_ppm.", "pull"
    )
    missing_widen_ppm: Ppm = described("How much wider then, in ppm; 0 where quotes are pulled.")


class OrderToTrade(Section):
    """How many messages for a price or a size a market may take for what it fills."""

    window_seconds: Positive = described(
        "How far back messages and fills are counted, in seconds.", ge=60, le=86_400
    )
    free_messages: Positive = described(
        "Messages in that time that are not counted, whatever fills."
    )
    max_ratio: NonNegative = described(
        "Most messages for each fill, less one; renewals are not counted."
    )
    max_volume_ratio: NonNegative = described(
        "Most volume offered for each volume filled, less one."
    )


class Resting(Section):
    """How long an order rests before its price or size changes."""

    min_resting_ms: Milliseconds = described("Least time, in ms.", le=60_000)
    urgent_ppm: Ppm = described(
        "An order nearer to the market than wanted by more than this does not wait, in ppm."
    )


class Market(Section):
    """One perpetual market that is quoted."""

    ticker: str = described("Name at the venue, e.g. ETH-USD.", pattern=r"^[A-Z0-9,.\-]{3,32}$")
    strategy: Annotated[Rule, Field(discriminator="kind")] = described(
        "The quoting rule: megavault, fixed_spread, avellaneda_stoikov, glft, constant_product or "
        "range_on_book."
    )
    good_til_block_offset: Positive = described(
        "Blocks after which an order dies by itself, in venue blocks.", le=20
    )
    refresh_blocks: Positive = described("Blocks left at which an order is renewed.")
    price_tolerance_ppm: Ppm = described("Price change that is worth a replacement, in ppm.")
    size_tolerance_ppm: Ppm = described("Size change that is worth a replacement, in ppm.")
    oracle_max_age_ms: Milliseconds = described("Older oracle prices stop quoting, in ms.")
    book_max_age_ms: Milliseconds = described("Older books stop quoting, in ms.")
    max_position_quote_quantums: Positive = described("Largest position, in 1e-6 USDC.")
    inventory_band_quote_quantums: NonNegative = described(
        "Net inventory at which it is brought home by an immediate order, in 1e-6 USDC."
    )
    hedge_max_slippage_ppm: Ppm = described(
        "Worst price of that order, in ppm of the oracle price."
    )
    leader: MarketLeader | None = described(
        "The market that leads this one; absent: quotes stand around the oracle alone.", None
    )
    overlays: Overlays | None = described("What bends the rule; absent: nothing.", None)
    resting: Resting | None = described(
        "How long an order rests before its price or size changes; absent: up to a block.", None
    )
    order_to_trade: OrderToTrade | None = described(
        "Cap on messages for what fills; absent: none.", None
    )


class PoolEconomics(Section):
    """When moving a pool's range pays, how wide it is then, and how it leans on inventory."""

    standing_seconds: Positive = described("How long a moved range is meant to stand, in seconds.")
    volume_assets_per_day: Positive = described("Volume of the pool, in asset units a day.")
    volatility_ppm: Positive = described("Standard deviation of a day's move, in ppm.")
    width_ppm: NonNegative = described(
        "Half width, in ppm of the deviation over that time (the pool's fee is added); "
        "0: half_width_ticks."
    )
    gas_assets: NonNegative = described("Least gas of a move, in asset units (1e-6 USDC).")
    skew_ticks: NonNegative = described(
        "Ticks the range stands aside at the hedge market's largest position."
    )


class Pool(Section):
    """One Uniswap v3 pool reached through an adapter of the vault."""

    adapter: EvmAddress = described("UniswapV3Adapter contract.")
    pool: EvmAddress = described("Uniswap v3 pool contract.")
    hedge_market: str = described(
        "Ticker of the perpetual that hedges this pool; 'none': nothing does."
    )
    asset_is_token0: bool = described("Whether the vault's asset is the pool's token0.")
    asset_decimals: NonNegative = described("Decimals of the vault's asset.", le=18)
    base_decimals: NonNegative = described("Decimals of the pool's other token.", le=36)
    half_width_ticks: Positive = described("Half of the range's width, in the pool's ticks.")
    recentre_ticks: Positive = described("Drift at which the range is moved, in ticks.")
    max_slippage_ppm: Ppm = described("Worst price of a mint, burn or swap, in ppm.")
    snapshot_max_age_ms: Milliseconds = described("Older pool states stop acting, in ms.")
    cooldown_seconds: NonNegative = described("Least time between two moves, in seconds.")
    economics: PoolEconomics | None = described(
        "Move the range only where it pays; absent: whenever it is off centre.", None
    )


class Allocation(Section):
    """Where the vault's capital should be, in ppm of accepted NAV; the rest stays idle."""

    clob_target_ppm: Ppm = described("Share on the order-book venue, in ppm of accepted NAV.")
    pool_target_ppm: Ppm = described("Share in pools, in ppm of accepted NAV.")
    min_move_assets: Positive = described("Least amount worth moving, in asset units (1e-6 USDC).")
    transaction_deadline_seconds: Positive = described("Life of a pool transaction, in seconds.")


class Housekeeping(Section):
    """What `keeper run` does for depositors: cut, report, claims, capital home, alerts in time."""

    cut_lead_seconds: NonNegative = described(
        "Time for which a due cut, and its report, is left to others, in seconds."
    )
    cut_jitter_seconds: NonNegative = described(
        "Up to so much more, drawn anew for each epoch, so that keepers do not race, in seconds."
    )
    redemption_buffer_ppm: Ppm = described(
        "What is kept for redemptions beyond their worth at the settled price, in ppm of it."
    )
    claim_floor_assets: Positive = described(
        "Least claim worth its gas, for who named this keeper their operator, in asset units."
    )
    report_retry_seconds: Positive = described(
        "Pause before reporters are asked again about a cut, in seconds."
    )
    report_alert_seconds: Positive = described(
        "Time left of the report window (6 h) at which a missing report is told, in seconds."
    )
    payment_alert_seconds: Positive = described(
        "Time before a cut's payment is late (3 d), or may end the vault (7 d), in seconds."
    )
    settlement_alert_seconds: Positive = described(
        "Age of the last settlement at which that is told (7 d may end the vault), in seconds."
    )
    stake_room_alert_ppm: Ppm = described(
        "Least room for deposits under the keeper's stake that is not told, in ppm of NAV."
    )


class Limits(Section):
    """Vault-wide limits, evaluated per event."""

    max_order_quote_quantums: Positive = described("Largest order, in 1e-6 USDC.")
    max_gross_quote_quantums: Positive = described("Largest open exposure, in 1e-6 USDC.")
    price_band_ppm: Ppm = described("Farthest order from the reference price, in ppm.")
    daily_loss_quote_quantums: Positive = described("Loss of a day that stops it, in 1e-6 USDC.")
    drawdown_ppm: Ppm = described("Fall from the highest equity that stops it, in ppm.")
    max_messages_per_block: Positive = described("Most order messages in one venue block.")
    max_intent_age_ms: Milliseconds = described("Older commands are decided again, in ms.")
    max_height_age_ms: Milliseconds = described("A venue height older than this is stale, in ms.")
    max_clock_skew_ms: Milliseconds = described("Most the venue's clock may differ, in ms.")
    stress_shock_ppm: Ppm = described(
        "Move of all markets together whose loss is bounded, in ppm; 0: not bounded.", 200_000
    )
    stress_loss_multiple: Positive = described(
        "Most that move may cost, in multiples of daily_loss_quote_quantums.", 3
    )
    hedge_shock_ppm: Ppm = described(
        "Rise that the pools' hedge survives without fresh collateral, in ppm; 0: not checked.",
        250_000,
    )
    max_lp_quote_quantums: NonNegative = described(
        "Largest value of all ranges in pools, in 1e-6 USDC; 0: no cap.", 0
    )
    max_open_interest_ppm: Ppm = described(
        "Largest position as a part of the market's open interest, in ppm; 0: no cap.", 0
    )
    max_volume_ppm: Ppm = described(
        "Largest position as a part of what the market trades in 24 hours, in ppm; 0: no cap.", 0
    )
    depth_refills: NonNegative = described(
        "Largest position in multiples of what the closing side of the book shows near its best "
        "price: how often that returns in 10 minutes; 0: no cap.",
        0,
        le=10_000,
    )
    depth_band_ppm: Ppm = described("How near, in ppm.", 20_000)
    max_market_facts_age_ms: Milliseconds = described(
        "Older open interest, volume and funding stop what raises net delta, in ms.", 900_000
    )
    max_funding_ppm_per_day: NonNegative = described(
        "Funding beyond which the side that pays it raises nothing, in ppm a day; 0: no ceiling.",
        0,
    )
    other_venue_band_ppm: Ppm = described(
        "Farthest order from the leader's and the pools' price, in ppm; 0: no band.", 0
    )
    loss_window_minutes: Positive = described(
        "Minutes over which loss_window_quote_quantums counts.", 60, le=1_440
    )
    loss_window_quote_quantums: NonNegative = described(
        "Loss within the window that stops it, in 1e-6 USDC; 0: no window.", 0
    )
    max_report_age_seconds: NonNegative = described(
        "Age of the last settled report beyond which nothing is raised, in seconds; 0: none.",
        518_400,
    )
    max_depeg_ppm: Ppm = described(
        "Distance of the asset's price from 1 beyond which nothing is raised, in ppm; 0: not "
        "judged. Needs vault.asset_feed.",
        0,
    )
    max_asset_price_age_seconds: Positive = described(
        "An older price of the asset stops what raises net delta, in seconds.", 90_000
    )
    max_base_fee_wei: NonNegative = described(
        "Base fee per gas beyond which all but exits waits, in wei; 0: no ceiling.", 0
    )


class Key(Section):
    """Where one secret comes from; the secret itself is never in this file."""

    env: EnvName | None = described(
        "Environment variable with the secret (or NAME_FILE, naming a file with it).", None
    )
    keystore_file: str | None = described(
        "Encrypted keystore (web3 v3); relative to this file.", None
    )
    password_env: EnvName | None = described(
        "Name of the environment variable with the keystore's password (or NAME_FILE).", None
    )
    command: tuple[str, ...] | None = described(
        "Program and arguments that sign for a key held elsewhere (venue keys alone).", None
    )
    public_key: PublicKeyHex | None = described(
        "Compressed public key, in hex, that the command signs for.", None
    )
    timeout_ms: Milliseconds | None = described(
        "Longest wait for one signature of the command, in ms; quoting stops beyond it.", None
    )


class Keys(Section):
    """Who signs; a process reads only the keys of its role."""

    keeper: Key | None = described("Hot EVM key of `keeper run`: trades, never withdraws.", None)
    venue: Key | None = described("Hot venue key of `keeper run`: places and cancels orders.", None)
    reporter: Key | None = described("EVM key of `keeper reporter serve`.", None)
    treasurer_venue: Key | None = described(
        "Owner key of the venue account, for `keeper treasurer serve` alone.", None
    )
    relayer: Key | None = described("EVM key that pays gas for `keeper report submit`.", None)


class Reporter(Section):
    """A reporter process: own key, own connections, own reads."""

    bind_host: str = described("Address to listen on.", "127.0.0.1")
    bind_port: NonNegative = described("Port to listen on; 0 takes a free one.", le=65_535)
    evm_rpc_url: Url = described("This reporter's own JSON-RPC endpoint.")
    venue_grpc_endpoint: str = described(
        "This reporter's own validator gRPC, host:port.", pattern=r"^[^/\s]+:\d{1,5}$"
    )
    venue_grpc_insecure: bool = described("True only for a loopback endpoint without TLS.")
    venue_rest_url: Url = described("This reporter's own indexer REST base URL, without /v4.")
    journal_folder: str | None = described(
        "Copy of the keeper's journal to replay before signing; relative to this file. "
        "Absent: the report's data root is signed as zero.",
        None,
    )
    capture_folder: str = described(
        "Folder for the raw answers a signature rests on; relative to this file."
    )
    capture_timeout_ms: Milliseconds = described(
        "Time after a cut within which state must be read, in ms.", 60_000, le=60_000
    )


class Treasurer(Section):
    """The process that moves collateral, on requests filed in the vault alone."""

    poll_interval_ms: Milliseconds = described("Pace of looking for requests, in ms.", 1_000)
    trading_share_ppm: Ppm = described(
        "Largest share of the account in the trading subaccount where there is a reserve, in ppm."
    )
    wallet_float_quote_quantums: NonNegative = described(
        "What stays in the wallet to pay fees, in 1e-6 USDC."
    )
    min_move_quote_quantums: Positive = described("Least amount worth moving, in 1e-6 USDC.")


class Relay(Section):
    """Where signatures are collected from."""

    reporter_urls: tuple[Url, ...] = described("One URL per reporter.", min_length=1, max_length=9)
    request_timeout_ms: Milliseconds = described("Time a reporter may take, in ms.", 60_000)


class Config(Section):
    """One TOML file; secrets come from the environment, overrides from KEEPER__SECTION__KEY."""

    format_version: Literal[1] = described("Version of this file's format.")
    mode: Literal["live", "shadow"] = described(
        "live: `keeper run` trades. shadow: it reads and decides, sends nothing, needs no key.",
        "live",
    )
    vault: Vault = described("The vault.")
    evm: Evm = described("The EVM chain.")
    venue: Venue = described("The order-book venue.")
    clock: Clock = described("Where time comes from.", Clock.model_construct())
    journal: JournalSection | None = described("The log; needed by `keeper run`.", None)
    leader: Leader | None = described("Where leaders' books come from; absent: nowhere.", None)
    markets: tuple[Market, ...] = described("Markets to quote; needed by `keeper run`.", ())
    pools: tuple[Pool, ...] = described("Pools to hold ranges in.", ())
    allocation: Allocation | None = described("Absent: the keeper moves no capital.", None)
    housekeeping: Housekeeping | None = described(
        "Absent: the keeper neither cuts, reports and claims, nor tells of deadlines.", None
    )
    limits: Limits | None = described("Risk limits; needed by `keeper run`.", None)
    keys: Keys = described("Names of the secrets.", Keys.model_construct())
    reporter: Reporter | None = described("Needed by `keeper reporter serve`.", None)
    treasurer: Treasurer | None = described("Needed by `keeper treasurer serve`.", None)
    relay: Relay | None = described(
        "Needed by `keeper report`, and by a `keeper run` that cuts and reports.", None
    )
