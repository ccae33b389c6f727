"""One model at a time is loaded in a process, and so are the libraries that models need.

Torch, transformers and what stands on them take seconds to import, and their modules import each other in circles:
two threads that import them at the same time may find each other's modules half done.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Final

load_lock: Final = threading.Lock()
"""Held by the thread that imports model libraries or loads a model."""


def import_library(name: str) -> None:
    """Import a model library, unless it is imported already. Blocks for seconds."""
    with load_lock:
        import_module(name)
