"""Fills, positions, PnL and NAV in integers, and the share maths that mirror the contracts."""
