"""config.toml → a validated `Config`; every fault at once; secrets never shown."""

from daemon.config.faults import ConfigError
from daemon.config.loaded import Config
from daemon.config.loading import load

__all__ = ["Config", "ConfigError", "load"]
