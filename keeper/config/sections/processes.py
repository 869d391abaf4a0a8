"""What a process needs besides: clock, log, reporter, treasurer, relay."""

from keeper.config.fields import Milliseconds, NonNegative, Positive, Ppm, Section, Url, described

__all__ = ["Clock", "JournalSection", "Relay", "Reporter", "Treasurer"]


class Clock(Section):
    """Where time comes from."""

    source: str = described("'system', or the path of the local world's clock file.", "system")


class JournalSection(Section):
    """The log everything can be replayed from."""

    folder: str = described("Folder of segment files; relative to this file.")
    segment_bytes: Positive = described("Size at which a segment is sealed, in bytes.", 67_108_864)
    sync_interval_ms: Milliseconds = described("Longest time before fdatasync, in ms.", 50, le=50)


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
