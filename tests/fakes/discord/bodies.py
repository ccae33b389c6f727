"""What Discord demands of a message's body: content, embeds, mentions, files."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord.components import check_components
from tests.fakes.discord.errors import Form

SUPPRESS_EMBEDS, HAS_THREAD, EPHEMERAL, LOADING = 1 << 2, 1 << 5, 1 << 6, 1 << 7
SUPPRESS_NOTIFICATIONS, IS_COMPONENTS_V2 = 1 << 12, 1 << 15
CONTENT_LIMIT = 2000
FILE_LIMIT = 10 * 1024 * 1024
REQUEST_LIMIT = 25 * 1024 * 1024
EMBED_TEXTS = (("title", 256), ("description", 4096))


def check_body(body: dict[str, Any], path: tuple[str | int, ...] = ()) -> None:
    """Refuses a body with anything wrong in it."""
    form = Form()
    form.text(body.get("content"), (*path, "content"), 0, CONTENT_LIMIT)
    sound = form.number(body.get("flags"), (*path, "flags"), 0, (1 << 31) - 1)
    flags = body["flags"] if sound else 0
    if body.get("nonce") is not None:
        form.text(str(body["nonce"]), (*path, "nonce"), 1, 25)
    if body.get("embeds") is not None:
        _check_embeds(form, body["embeds"], (*path, "embeds"))
    if body.get("components") is not None:
        check_components(form, body["components"], (*path, "components"), layout=bool(flags & IS_COMPONENTS_V2))
    if flags & IS_COMPONENTS_V2:
        for legacy in ("content", "embeds"):
            if body.get(legacy):
                code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
                form.add(
                    (*path, legacy),
                    code,
                    f"The '{legacy}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
                )
    if body.get("allowed_mentions") is not None:
        _check_mentions(form, body["allowed_mentions"], (*path, "allowed_mentions"))
    form.check()


def _check_embeds(form: Form, embeds: Any, path: tuple[str | int, ...]) -> None:
    total = 0
    for index, embed in enumerate(form.objects(embeds, path, 0, 10)):
        place = (*path, index)
        for name, limit in EMBED_TEXTS:
            form.text(embed.get(name), (*place, name), 0, limit)
        author, footer = embed.get("author") or {}, embed.get("footer") or {}
        form.text(author.get("name"), (*place, "author", "name"), 0, 256)
        form.text(footer.get("text"), (*place, "footer", "text"), 0, 2048)
        form.number(embed.get("color"), (*place, "color"), 0, 0xFFFFFF)
        fields = form.objects(embed.get("fields") or [], (*place, "fields"), 0, 25)
        for number, field in enumerate(fields):
            form.text(field.get("name"), (*place, "fields", number, "name"), 1, 256, needed=True)
            form.text(field.get("value"), (*place, "fields", number, "value"), 1, 1024, needed=True)
        for name, url in (("url", embed.get("url")), ("image", (embed.get("image") or {}).get("url"))):
            if url and not str(url).startswith(("http://", "https://", "attachment://")):
                form.add((*place, name), "URL_TYPE_INVALID_SCHEME", f'Scheme of "{url}" is not http(s).')
        texts = [embed.get("title"), embed.get("description"), author.get("name"), footer.get("text")]
        texts += [part for field in fields for part in (field.get("name"), field.get("value"))]
        if not any(texts) and not embed.get("image") and not embed.get("thumbnail"):
            form.add((*place, "description"), "BASE_TYPE_REQUIRED", "This field is required")
        total += sum(len(text.strip()) for text in texts if isinstance(text, str))
    if total > 6000:
        form.add(path, "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")


def _check_mentions(form: Form, mentions: dict[str, Any], path: tuple[str | int, ...]) -> None:
    parsed = form.listed(mentions.get("parse") or [], (*path, "parse"), 0, 3)
    for index, kind in enumerate(parsed):
        form.one_of(kind, (*path, "parse", index), ("roles", "users", "everyone"))
    for kind in ("users", "roles"):
        listed = form.listed(mentions.get(kind) or [], (*path, kind), 0, 100)
        if listed and kind in parsed:
            code = "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"
            form.add(path, code, f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.')


def is_empty(body: dict[str, Any], files: int) -> bool:
    """Whether nothing would be seen of it."""
    text = (body.get("content") or "").strip()
    return not (text or body.get("embeds") or body.get("components") or body.get("attachments") or files)
