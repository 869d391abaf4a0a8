"""Configuration: one TOML file plus secrets from the environment, checked once at the edge."""

import os

# No third-party plugin has a say in validation, and looking for some costs 30 ms at each start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from keeper.config.load import LoadedConfig, load_config, parse_config
from keeper.config.model import Config
from keeper.config.problems import ConfigInvalid, Problem
from keeper.config.settings import config_hash, params_hash, to_step_settings

__all__ = [
    "Config",
    "ConfigInvalid",
    "LoadedConfig",
    "Problem",
    "config_hash",
    "load_config",
    "params_hash",
    "parse_config",
    "to_step_settings",
]
