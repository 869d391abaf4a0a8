"""The treasurer: moves collateral between own places, on requests filed in the vault alone."""
