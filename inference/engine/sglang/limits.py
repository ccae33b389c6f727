"""What one running server can take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from inference.adapters.safe import SafeAdapter


class ServerLimits(BaseModel):
    """The part of `/server_info` that decides what the server can serve."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True, protected_namespaces=())

    version: str = "?"
    served_name: str = Field(alias="served_model_name")
    model_path: str
    """Where the server has the model from: a folder on its machine, or a name on a hub."""
    enable_lora: bool = False
    backend: str | None = Field(None, alias="lora_backend")
    max_rank: int | None = Field(None, alias="max_lora_rank")
    modules: frozenset[str] | None = Field(None, alias="lora_target_modules")
    """Modules whose adapters it has room for; None when it was not said, and it then takes what it has at its start."""
    slots: int = Field(8, alias="max_loras_per_batch")
    """Adapters in one batch, the base model counted as one."""
    max_loaded: int | None = Field(None, alias="max_loaded_loras")
    """Adapters in memory; None for no limit."""
    overlap: bool = Field(False, alias="enable_lora_overlap_loading")
    """Whether an adapter is copied to its slot beside decoding."""
    dp_size: int = 1
    input_tokens: int | None = Field(None, alias="max_req_input_len")
    """Longest prompt."""
    cache_tokens: int | None = Field(None, alias="max_total_num_tokens")
    """Tokens that all running answers and the prefix cache may hold together."""

    @property
    def adapters_disabled_reason(self) -> str | None:
        """Why it takes no adapters at all; None when it does."""
        if not self.enable_lora:
            return "it was started without --enable-lora"
        if self.dp_size > 1:
            return f"with data parallelism ({self.dp_size}) it cannot load them while it runs"
        return None

    @property
    def max_pinned(self) -> int:
        """How many adapters we pin: half of the slots. Pinned ones keep their slot, and the rest share what is left."""
        return self.slots // 2

    def exceeded_limit(self, adapter: SafeAdapter) -> str | None:
        """Why the server cannot take this adapter; None when it can."""
        if self.max_rank is not None and adapter.rank > self.max_rank:
            return f"its rank is {adapter.rank}, and the server was started for ranks up to {self.max_rank}"
        if self.modules is not None and (beyond := sorted(adapter.modules - self.modules)):
            return f"it adapts {', '.join(beyond)}, and the server was started for {', '.join(sorted(self.modules))}"
        return None
