"""Market data of places the keeper watches and does not trade on, turned into events."""
