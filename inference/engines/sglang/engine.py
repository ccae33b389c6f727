"""The engine over SGLang servers."""

from __future__ import annotations

from typing import ClassVar

from inference.engines.remote.engine import RemoteEngine
from inference.engines.sglang.dialect import SGLangDialect


class SGLangEngine(RemoteEngine):
    """One SGLang server, or several behind sglang-router."""

    dialect: ClassVar[SGLangDialect] = SGLangDialect()
