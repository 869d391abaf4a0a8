"""Strategies: parameters and a snapshot in, desired quotes and ranges out (pure)."""
