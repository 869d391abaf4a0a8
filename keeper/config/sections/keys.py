"""Where secrets come from, and which of them a process reads."""

from keeper.config.fields import EnvName, Milliseconds, PublicKeyHex, Section, described

__all__ = ["Key", "Keys"]


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
