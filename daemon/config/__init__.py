"""The configuration: one TOML file in, everything that the daemon needs out, or every mistake at once."""

from daemon.config.errors import ConfigError
from daemon.config.loading import Loaded, Panel, load

__all__ = ["ConfigError", "Loaded", "Panel", "load"]
