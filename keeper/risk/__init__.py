"""Limits: what passes is wrapped in `Approved`, what does not is a `Refused` value (pure)."""
