"""The deterministic heart: state, fold, decide and the synchronous step."""
