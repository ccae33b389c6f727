"""The only place that builds things: settings in, a running service out, closed in the reverse order."""

from bot.services.building import base_model_folder, database_dsn, make_embedder, make_engine, open_composer
from bot.services.opening import Progress, Services, open_services

__all__ = [
    "Progress",
    "Services",
    "base_model_folder",
    "database_dsn",
    "make_embedder",
    "make_engine",
    "open_composer",
    "open_services",
]
