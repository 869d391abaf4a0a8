"""Rebalancing, hedging and allocation: what each way back to target costs (pure)."""
