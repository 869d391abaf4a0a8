"""What the dYdX adapter is told: endpoints, account, markets and deadlines; never a key."""

import msgspec

from keeper.domain.errors import ConfigError

__all__ = ["DydxSettings", "FeeSettings"]

USDC_DENOM = "ibc/8E27BA2D5493AF5636760E354E46004562C46AB7EC0CC4C1CA14E9E20E2545B5"


class FeeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fees of the messages that are not gas-free (transfers); paid in quote quantums.

    gas limit = gas used in a simulation * gas_multiplier_ppm / 1e6, down;
    fee = gas limit * gas_price_micro / 1e6, up.
    """

    denom: str = USDC_DENOM
    gas_price_micro: int = 25_000
    gas_multiplier_ppm: int = 1_800_000


class DydxSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One trading subaccount on one chain; milliseconds where named.

    `rest_url` is the indexer's base without /v4. `authenticator_ids` holds that of a permissioned
    key, and is empty when the key is the owner's own.
    `grpc_fallbacks` are further validators, asked in turn when one does not answer.
    `messages_per_minute` is what the endpoint takes (0: no limit known).
    Books are told anew every `book_refresh_ms`. A stream without any message for `silence_ms` is a
    lost one; a chain whose newest block is older than `chain_stale_ms` stands still, and its
    oracle prices are of the past; a node more than `max_node_lag_blocks` behind the indexer is
    left for the next.
    `max_messages_per_block` is what the keeper means to send at most; the chain's own limit is
    read at start and must carry it (0: not checked). Raises ConfigError on an impossible value.
    """

    chain_id: str
    grpc_endpoint: str
    grpc_insecure: bool
    grpc_fallbacks: tuple[str, ...] = ()
    rest_url: str
    ws_url: str
    address: str
    subaccount: int
    markets: tuple[str, ...]
    authenticator_ids: tuple[int, ...] = ()
    max_messages_per_block: int = 0
    messages_per_minute: int = 0
    place_deadline_ms: int = 2_000
    query_deadline_ms: int = 5_000
    observe_interval_ms: int = 15_000
    repair_interval_ms: int = 60_000
    book_refresh_ms: int = 60_000
    silence_ms: int = 10_000
    chain_stale_ms: int = 30_000
    max_node_lag_blocks: int = 10
    reconnect_first_ms: int = 250
    reconnect_max_ms: int = 10_000
    fees: FeeSettings = FeeSettings()

    def __post_init__(self) -> None:
        positive = (
            "place_deadline_ms",
            "query_deadline_ms",
            "observe_interval_ms",
            "repair_interval_ms",
            "book_refresh_ms",
            "silence_ms",
            "chain_stale_ms",
            "max_node_lag_blocks",
            "reconnect_first_ms",
            "reconnect_max_ms",
        )
        for name in positive:
            if getattr(self, name) <= 0:
                raise ConfigError(f"dydx setting {name} must be positive")
        if len(set(self.markets)) != len(self.markets):
            raise ConfigError("dydx setting markets must name each market once")
        if len(self.authenticator_ids) > 1:
            raise ConfigError(
                "dydx setting authenticator_ids: one authenticator checks a message, not several",
                next_step="list the one that keeper venue authorise has named",
            )
        if self.rest_url.rstrip("/").endswith("/v4"):
            raise ConfigError("dydx setting rest_url is the indexer's base without /v4")
