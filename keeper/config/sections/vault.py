"""The vault, the EVM chain that it lives on, and what a keeper does for its depositors."""

from keeper.config.fields import (
    EvmAddress,
    Milliseconds,
    NonNegative,
    Positive,
    Ppm,
    Section,
    Url,
    described,
)

__all__ = ["Allocation", "Evm", "Housekeeping", "Vault"]


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
