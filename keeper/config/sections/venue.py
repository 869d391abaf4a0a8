"""The order-book venue, and where the books of the exchange that leads it come from."""

from typing import Final, Literal

from keeper.config.fields import (
    DydxAddress,
    EvmAddress,
    GrpcEndpoint,
    Milliseconds,
    NonNegative,
    Positive,
    Section,
    Url,
    WebsocketUrl,
    described,
)

__all__ = ["Leader", "Venue"]

NO_LEG: Final = "none"


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
