"""The TLS settings that all clients of this process share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    import ssl


@cache
def tls_context() -> ssl.SSLContext:
    """The context for a client's `verify`. Reading the certificate authorities takes a tenth of a second, so it is done
    once, and not for each client."""
    return httpx.create_ssl_context(trust_env=False)
