"""What WhatsApp itself writes into an export, in the languages of its users: attachments, edits, service messages."""

from __future__ import annotations

import re
from typing import Final

from bot.library.parse.chats.conversation import Attachment, AttachmentKind
from bot.library.parse.chats.file_kinds import kind_by_name
from bot.library.parse.chats.whatsapp_dates import MARKS

_OMITTED_NOUNS: Final = {
    AttachmentKind.PHOTO: "image|photo|изображение|фото|bild|imagen|imagem|immagine|görüntü|зображення|afbeelding",
    AttachmentKind.VIDEO: "video|video note|vídeo|vidéo|видео|видеозаметка|видеосообщение|videonachricht|відео",
    AttachmentKind.VOICE: "audio|áudio|аудио|аудиофайл|голосовое сообщение|аудіо|ses",
    AttachmentKind.STICKER: "sticker|стикер|figurinha|çıkartma|стікер",
    AttachmentKind.ANIMATION: "gif",
    AttachmentKind.FILE: "document|документ|dokument|documento|belge|файл",
    AttachmentKind.CONTACT: "contact card|карточка контакта|контакт|kontaktkarte|tarjeta de contacto|fiche contact"
    "|scheda contatto|cartão do contato|kişi kartı|картка контакту",
}
_OMITTED_VERBS: Final = (
    "omitted|отсутствует|опущен[оаы]?|пропущен[оаы]?|не включен[оаы]?|скрыт[оаы]?|weggelassen|omitid[oa]|omis[e]?"
    "|absente|manquant|retirée?|omess[oa]|non inclus[oa]|esclusa|ocultad[oa]|dahil edilmedi|пропущено|weggelaten"
)
_OMITTED: Final = {
    kind: re.compile(rf"(?:(?P<name>\S.*\.\w{{2,5}})\b.*\s)?(?:{nouns}) (?:{_OMITTED_VERBS})\.?", re.IGNORECASE)
    for kind, nouns in _OMITTED_NOUNS.items()
}
_MAX_OMITTED: Final = 300
"""Characters of a line that says that a file was left out."""
_ANY_OMITTED: Final = re.compile(
    r"<(?:media omitted|без медиафайлов|медиа (?:скрыто|отсутствует)|(?:медіа|файл) пропущено|medien ausgeschlossen"
    r"|multimedia omitido|archivo omitido|médias? omis|fichier omis|media omessi|(?:arquivo de )?mídia oculta?o?"
    r"|ficheiro não revelado|medya dahil edilmedi|media weggelaten|pominięto multimedia|média vynechány"
    r"|video message omitted|video note omitted)>",
    re.IGNORECASE,
)
_ATTACHED: Final = re.compile(r"<[^<>:\n]{3,30}:\s(?P<name>[^<>\n]+\.\w{2,5})>")
"""As iOS marks a file in any language."""
_ATTACHED_AFTER_NAME: Final = re.compile(
    r"(?P<name>\S[^\n]*\.\w{2,5}) \((?:file attached|файл добавлен|файл прикреплен|файл додано|datei angehängt"
    r"|archivo adjunto|fichier joint|file allegato|arquivo anexado|ficheiro anexado|dosya ekli|bestand bijgevoegd"
    r"|załączono plik|soubor byl přiložen)\)",
    re.IGNORECASE,
)
"""As Android marks it."""
_LOCATION: Final = re.compile(r"[^\W\d_][^:\n]{0,30}: (?P<name>https://maps\.google\.com/\S+)", re.IGNORECASE)
_POLL: Final = re.compile(
    r"(?:poll|опрос|umfrage|encuesta|sondage|sondaggio|enquete|anket|опитування):\n", re.IGNORECASE
)
_POLL_ANSWER: Final = re.compile(
    r"^(?:option|вариант|opción|opzione|opção|seçenek|варіант): ", re.IGNORECASE | re.MULTILINE
)
_EDITED: Final = re.compile(
    rf"\s?[{MARKS}]{{0,4}}<(?:this message was edited|сообщение изменено|повідомлення змінено"
    r"|diese nachricht wurde bearbeitet|se editó este mensaje|ce message a été modifié"
    r"|questo messaggio è stato modificato|mensagem editada|bu mesaj düzenlendi|dit bericht is bewerkt)"
    rf"\.?>[{MARKS}]{{0,4}}$",
    re.IGNORECASE,
)
_SERVICE: Final = re.compile(
    r"(?:(?:this message was deleted|you deleted this message|this message was deleted by admin .{1,60}"
    r"|данное сообщение удалено|это сообщение (?:было )?удалено|вы удалили (?:это|данное) сообщение"
    r"|diese nachricht wurde gelöscht|du hast diese nachricht gelöscht|se eliminó este mensaje"
    r"|eliminaste este mensaje|ce message a été supprimé|vous avez supprimé ce message"
    r"|questo messaggio è stato eliminato|hai eliminato questo messaggio|mensagem apagada"
    r"|você apagou esta mensagem|bu mesaj silindi|це повідомлення видалено|ви видалили це повідомлення"
    r"|tato zpráva byla odstraněna|tuto zprávu jste odstranil/a|zmeškaný hovor"
    r"|(?:missed (?:group )?(?:voice|video) call|пропущенный (?:групповой )?(?:аудио|видео)звонок"
    r"|verpasster (?:sprach|video)anruf)(?:, .{1,40})?"
    r"|(?:voice call|video call|аудиозвонок|видеозвонок), (?:\d{1,3} \w{1,8}|no answer|нет ответа))\.?"
    r"|messages and calls are (?:now )?end-to-end encrypted\..*|сообщения и звонки защищены сквозным шифрованием\..*"
    r"|nachrichten und anrufe sind ende-zu-ende-verschlüsselt\..*)",
    re.IGNORECASE | re.DOTALL,
)
_KIND_MARKS: Final = (
    (re.compile(r"photo|^img", re.IGNORECASE), AttachmentKind.PHOTO),
    (re.compile(r"sticker|^stk", re.IGNORECASE), AttachmentKind.STICKER),
    (re.compile(r"\bgif\b", re.IGNORECASE), AttachmentKind.ANIMATION),
    (re.compile(r"video|^vid", re.IGNORECASE), AttachmentKind.VIDEO),
    (re.compile(r"^ptt|^\d+-(?:audio|ptt)-", re.IGNORECASE), AttachmentKind.VOICE),
    (re.compile(r"^aud", re.IGNORECASE), AttachmentKind.AUDIO),
)
"""What WhatsApp's own names of files say: `00000012-PHOTO-2026-05-12-09-41-12.jpg`, `PTT-20260512-WA0001.opus`."""
_OWN_NAME: Final = re.compile(r"\d{2,}-[A-Z]+[-.]|(?:IMG|VID|PTT|AUD|STK)-\d", re.IGNORECASE)


def is_service(text: str) -> bool:
    """Whether WhatsApp wrote this in the name of somebody: about a deleted message, a call or encryption."""
    return _SERVICE.fullmatch(text) is not None


def split_edit_mark(text: str) -> tuple[str, bool]:
    """A text without the mark at its end that it was edited, and whether there was one."""
    rest = _EDITED.sub("", text)
    return rest, rest != text


def split_attachment(text: str) -> tuple[str, Attachment | None]:
    """A text without what stands in it for an attachment, and that attachment."""
    first, _, others = text.partition("\n")
    if _ANY_OMITTED.fullmatch(first):
        return others.strip(), Attachment(AttachmentKind.OTHER)
    if len(first) <= _MAX_OMITTED and (omitted := _find_omitted(first)):
        return others.strip(), omitted
    if match := _ATTACHED_AFTER_NAME.match(text):
        return text[match.end() :].strip(), _attached_file(match["name"])
    if match := _ATTACHED.search(text):
        return f"{text[: match.start()].rstrip()}\n{text[match.end() :].lstrip()}".strip(), _attached_file(
            match["name"]
        )
    if match := _LOCATION.fullmatch(text):
        return "", Attachment(AttachmentKind.LOCATION, match["name"])
    if match := _POLL.match(text):
        return "", Attachment(AttachmentKind.POLL, _POLL_ANSWER.sub("", text[match.end() :]).strip())
    return text, None


def _find_omitted(line: str) -> Attachment | None:
    for kind, omitted in _OMITTED.items():
        if match := omitted.fullmatch(line):
            return Attachment(kind, match["name"] or "")
    return None


def _attached_file(name: str) -> Attachment:
    if _OWN_NAME.match(name):
        for mark, kind in _KIND_MARKS:
            if mark.search(name):
                return Attachment(kind, name)
    return Attachment(kind_by_name(name), name)
