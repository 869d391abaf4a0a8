"""The sections of the configuration by subject; `keeper.config.model` composes them."""
