"""Orders as dYdX's official client sends them and as the keeper does, against one exchange."""
