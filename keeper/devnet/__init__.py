"""The local world: a real EVM node, a local exchange and market actors on one clock.

Nothing in the product imports this package; `keeper devnet` starts it.
"""
