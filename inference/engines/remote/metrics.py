"""What can be watched of servers and of the adapters on them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

ADAPTER_LOADS: Final = Counter("consilium_adapter_loads", "Adapters brought to a server", ["server", "result"])
ADAPTER_LOAD_SECONDS: Final = Histogram(
    "consilium_adapter_load_seconds",
    "From the first request for an adapter until the server holds it, with the wait for a place",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
ADAPTER_EVICTIONS: Final = Counter("consilium_adapter_evictions", "Idle adapters unloaded to make room", ["server"])
ADAPTER_LOSSES: Final = Counter(
    "consilium_adapter_losses", "Adapters a server no longer held, as after a restart", ["server"]
)
ADAPTERS_RESIDENT: Final = Gauge("consilium_adapters_resident", "Adapters a server holds", ["server"])
SERVERS_STUCK: Final = Gauge(
    "consilium_engine_servers_stuck", "1 for a server that hangs in unloading an adapter", ["server"]
)
ENGINE_SERVERS: Final = Gauge("consilium_engine_servers", "Servers that may be sent requests")
ENGINE_RECOVERIES: Final = Counter(
    "consilium_engine_recoveries", "Answers taken up again after a server failed", ["stage"]
)
"""`stage`: before the first piece of the answer, or in its middle."""
