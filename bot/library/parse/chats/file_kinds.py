"""What kind of attachment a file is, by its name."""

from __future__ import annotations

from typing import Final

from bot.library.parse.chats.conversation import AttachmentKind

_BY_SUFFIX: Final = {
    AttachmentKind.PHOTO: "jpg jpeg png webp heic heif avif bmp tif tiff",
    AttachmentKind.VIDEO: "mp4 mov 3gp mkv webm avi m4v",
    AttachmentKind.ANIMATION: "gif",
    AttachmentKind.VOICE: "opus",
    AttachmentKind.AUDIO: "mp3 m4a aac ogg oga wav flac amr",
    AttachmentKind.CONTACT: "vcf",
}
_KIND_OF_SUFFIX: Final = {suffix: kind for kind, suffixes in _BY_SUFFIX.items() for suffix in suffixes.split()}


def kind_by_name(name: str) -> AttachmentKind:
    """The kind of a file by its suffix; `FILE` where the suffix says nothing else."""
    return _KIND_OF_SUFFIX.get(name.rpartition(".")[2].lower(), AttachmentKind.FILE)
