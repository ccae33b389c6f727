"""Adapters as trainers write them, brought into the safe form."""

from inference.adapters.importing.importer import ImportReport, import_adapter
from inference.adapters.importing.source import HUB_FILES

__all__ = ["HUB_FILES", "ImportReport", "import_adapter"]
