"""Orders on a CLOB venue: desired against working set, exposure, expiry (pure)."""
