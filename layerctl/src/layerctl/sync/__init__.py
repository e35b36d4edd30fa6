"""What a consumer's functions pin, brought to this machine, so that editor and tests see what production will."""

from __future__ import annotations

from layerctl.sync.install import Installed, install, installed, stale
from layerctl.sync.wanted import Wanted, wanted_layers

__all__ = ["Installed", "Wanted", "install", "installed", "stale", "wanted_layers"]
