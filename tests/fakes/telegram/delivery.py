"""Methods that get updates, or say where they go."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.telegram.core import Core, method
from tests.fakes.telegram.refusals import bad
from tests.fakes.telegram.updates import Webhook
from tests.fakes.telegram.wire import Call

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@method
async def get_updates(core: Core, call: Call) -> Any:
    """getUpdates."""
    core.updates.wants(_kinds(call))
    return await core.updates.poll(call.integer("offset"), call.integer("limit", 100), call.integer("timeout"))


@method
def set_webhook(core: Core, call: Call) -> Any:
    """setWebhook. As a server in local mode does, it takes plain HTTP, and only to this machine."""
    url, secret = call.text("url"), call.text("secret_token")
    if not url:
        return delete_webhook(core, call)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise bad("invalid webhook URL specified")
    if len(secret) > 256:
        raise bad("secret token is too long")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", secret):
        raise bad("secret token contains unallowed characters")
    if parts.hostname not in LOOPBACK:
        raise bad(
            "bad webhook: An HTTPS URL must be provided for webhook"
            if parts.scheme == "http"
            else "bad webhook: Failed to resolve host: Name or service not known"
        )
    core.updates.wants(_kinds(call))
    connections = min(max(call.integer("max_connections", 40), 1), 100)
    core.updates.set_webhook(Webhook(url, secret, connections), drop=call.flag("drop_pending_updates"))
    return True


@method
def delete_webhook(core: Core, call: Call) -> Any:
    """deleteWebhook."""
    core.updates.set_webhook(None, drop=call.flag("drop_pending_updates"))
    return True


@method
def get_webhook_info(core: Core, call: Call) -> Any:
    """getWebhookInfo."""
    webhook = core.updates.webhook
    info: dict[str, Any] = {
        "url": webhook.url if webhook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(core.updates.pending),
    }
    if webhook is not None:
        info |= {"max_connections": webhook.max_connections, "ip_address": "127.0.0.1"}
        if webhook.last_error is not None:
            info |= {"last_error_date": webhook.last_error[0], "last_error_message": webhook.last_error[1]}
    return info | ({"allowed_updates": core.updates.allowed} if core.updates.allowed else {})


def _kinds(call: Call) -> Any:
    """The list of kinds of a call; one that is no JSON is as none."""
    try:
        return json.loads(call.text("allowed_updates") or "null")
    except ValueError:
        return None
