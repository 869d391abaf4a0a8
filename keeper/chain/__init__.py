"""The EVM edge: reads at one block, blocks and reorganisations, and the one owner of the nonce."""
