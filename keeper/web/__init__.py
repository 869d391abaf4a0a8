"""What a browser shows of running keepers: read-only, on loopback unless a token guards it."""
