"""Mistakes in a mind's folder: each names its file, its line and what to write instead."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticKnownError

from bot.core.errors import describe_error
from bot.core.i18n import Translator
from bot.minds import BrokenMind, Mistake, load_mind
from bot.minds.schema import StrictModel
from bot.minds.validation import PYDANTIC_MESSAGES, explain_validation_error
from bot.minds.yaml_document import YamlDocument

Rewrite = Callable[[str, str | bytes], list[Mistake]]

MIND_MISTAKES = [
    # replaced text, its replacement, line of the mistake, part of the message
    ("kind: isolated", "Kind: isolated", 17, "“Kind” is not a known key. Write “kind”."),
    ("kind: isolated", "kin: isolated", 17, "“kin” is not a known key. Write “kind”."),
    ("kind: isolated", "kin: isolated", 16, "“kind” is missing. Write `kind: topic`."),
    ("name: trial", "name:", 1, "“name” cannot be “null”: Input should be a valid string. Write `name: agoge`."),
    ("name: trial", "name: {en: x}", 1, '“name” cannot be “{"en": "x"}”: Input should be a valid string.'),
    ("name: trial\n", "", 1, "“name” is missing. Write `name: agoge`."),
    ("name: trial", "name: Trial", 1, "“Trial” is not how modes write this name. Write `trial`."),
    ("name: trial", "name: 7", 1, "“name” cannot be “7”: Input should be a valid string. Write `name: agoge`."),
    (
        "base_model: SmolLM2-135M-Instruct",
        "base_model: ''",
        3,
        "“base_model” cannot be “”: Input should be text that is not",
    ),
    (
        "languages: [en, ru]",
        "languages: en",
        4,
        "“languages” cannot be “en”: Input should be a list. Write",
    ),
    ("languages: [en, ru]", "languages: [English]", 4, "“languages.1” cannot be “English”: Input should be a word of"),
    ("kind: isolated", "kind: solo", 17, "one of core, topic, isolated. Write `kind: topic`."),
    ("aliases: [спорт]", "aliases: спорт", 14, "“adapters.sport.aliases” cannot be “спорт”: Input should be a list"),
    ("aliases: [спорт]", "aliases: [ядро]", 14, "“ядро” already stands for core. Give sport another name here."),
    ("aliases: [спорт]", "aliases: [тренер]", 23, "“тренер” already stands for sport."),
    ("aliases: [спорт]", "aliases: [Auto]", 14, "“Auto” is a word of the mode grammar itself."),
    ("aliases: [спорт]", "aliases: [base]", 14, "the reserved words are auto, авто, base, база."),
    ("aliases: [спорт]", "aliases: [a+b]", 14, "“a+b” cannot be a name."),
    ("  coach:", "  sport:", 21, "“sport” already stands for sport."),
    ("kind: topic", "kind: core", 12, "sport is a second core; core is one already. Write `kind: topic`."),
    ("kind: core", "kind: topic", 5, "no adapter is the core. Write `kind: core`"),
    ("path: adapters/sport", "path: adapters/sprot", 13, "there is no adapter in adapters/sprot. Train it"),
    ("path: adapters/sport", "path: ../trial/adapters/sport", 13, "does not stay inside the mind's folder."),
    ("path: adapters/sport", "path: /etc", 13, "/etc does not stay inside the mind's folder."),
    ("path: adapters/sport", "path: 'C:/adapters'", 13, "C:/adapters does not stay inside the mind's folder."),
    ("path: adapters/sport", "path: 'adapters\\sport'", 13, "with “/” and without “..”."),
    (
        "path: adapters/sport",
        "path: [adapters/sport]",
        13,
        '“adapters.sport.path” cannot be “["adapters/sport"]”: Input should be a valid string.',
    ),
    ("path: adapters/sport", f"path: {'a' * 5000}", 13, "there is no adapter in"),
    ("dialogues/core.jsonl", "dialogues/cor.jsonl", 10, "there is no file dialogues/cor.jsonl."),
    ("collections: [articles]", "collections: [article]", 15, "“article” is not known. Write “articles”."),
    ("mode: core+sport", "mode: core+sprot", 22, "no adapter or mode named “sprot”. Try sport."),
    ("mode: core+sport", "mode: sport*5", 22, "try sport*3."),
    ("mode: core+sport", "mode: core+classical", 22, "Try classical, core."),
    ("mode: core+sport", "mode: coach", 22, "“coach” is a named mode itself."),
    ("mode: core+sport", "mode: coach+sport", 22, "coach stands alone"),
    ("default_mode: auto", "default_mode: atuo", 24, "no adapter or mode named “atuo”. Try auto."),
    ("core_joins: true", "core_joins: perhaps", 26, "Input should be true or false. Write `core_joins: true`."),
    ("core_joins: true", "forbidden: [{adapters: [core, sprot], reason: x}]", 26, "“sprot” is not known."),
    ("core_joins: true", "adapter_strength: '0.5'", 26, "cannot be “0.5”: Input should be a valid number."),
    ("core_joins: true", "adapter_strength: true", 26, "cannot be “true”: Input should be a valid number."),
    ("core_joins: true", "adapter_strength: 0", 26, "Input should be greater than or equal to 0.1."),
    (
        "core_joins: true",
        "merge: tise",
        26,
        "“policies.merge.method” cannot be “tise”: Input should be one of sum, ties",
    ),
    ("core_joins: true", "merge: {method: ties, density: 2}", 26, "Input should be less than or equal to 1"),
    ("core_joins: true", "merge: {method: ties, densty: 0.2}", 26, "“densty” is not a known key. Write “density”."),
    ("mode: core+sport", "mode: core+sport\n    merge: {rank: 0}", 23, "greater than or equal to 1. Write `rank: 16`."),
    ("mode: core+sport", "mode: core+sport\n    curves: {sprot: [1.0]}", 23, "“sprot” is not known. Write “sport”."),
    ("mode: core+sport", "mode: core+sport\n    curves: {sport: [0.0, 0.0]}", 23, "leaves nothing of it."),
    ("mode: core+sport", "mode: core+sport\n    curves: {sport: [4.0]}", 23, "less than or equal to 3"),
    ("core_joins: true", "adapter_strength: 2.5", 26, "equal to 2.0. Write `adapter_strength: 0.5`."),
    (
        "core_joins: true",
        "forbidden: [{adapters: [sport], reason: x}]",
        26,
        "a list with 2 or more items.",
    ),
    ("core_joins: true", "forbidden: [{adapters: [sport, sport], reason: x}]", 26, "names one adapter."),
    ("core_joins: true", "forbidden: [{adapters: [core, sport], reason: x}]", 11, "does not join core, sport: “x”"),
    ("core_joins: true", "forbidden: [{adapters: [core, sport]}]", 26, "“reason” is missing."),
    ("max_tokens: 160", "max_tokens: many", 28, "cannot be “many”: Input should be a valid integer. Write `max_"),
    ("max_tokens: 160", "max_tokens: true", 28, "cannot be “true”: Input should be a valid integer."),
    (
        "max_tokens: 160",
        "max_tokens: 0",
        28,
        "cannot be “0”: Input should be greater than or equal to 1.",
    ),
    ("temperature: 0.6", "temperature: .nan", 29, "“sampling.temperature”"),
    ("temperature: 0.6", "temprature: 0.6", 29, "“temprature” is not a known key. Write “temperature”."),
    ("  classical: [editor]", "  clasical: [editor]", 31, "“clasical” is not known. Write “classical”."),
    ("  classical: [editor]", "  classical: [The Editor]", 31, "Input should be a word of lower-case Latin letters."),
    ("default_mode: auto", "default_mode: auto\ndefault_mode: base", 25, "“default_mode” is written twice."),
    ("default_mode: auto", "default_mode: !!python/name:os.system", 24, "has no meaning here."),
    ("default_mode: auto", "<<: {default_mode: auto}", 24, "this key is not a plain word."),
    ("default_mode: auto", "default_mode: [a, b", 25, "this is not YAML"),
    ("default_mode: auto", "default_mode: a: b", 24, "this is not YAML"),
    ("default_mode: auto", "\tdefault_mode: auto", 24, "this is not YAML"),
    ("default_mode: auto", "default_mode: *nothing", 24, "this is not YAML: found undefined alias"),
    ("default_mode: auto", "default_mode: a\x07b", 24, "this is not YAML: special characters"),
    (
        "default_mode: auto",
        "default_mode: " + "[" * 5000,
        24,
        "the brackets are nested too deep. Write",
    ),
    ("default_mode: auto", "default_mode:\n" + "- " * 1500, 1, "indented too deep"),
]

RAG_MISTAKES = [
    ("collections:", "colections:", 1, "“colections” is not a known key. Write “collections”."),
    ("kind: article", "kind: artcle", 3, "one of article, lecture, table, diary, dialogue, voice."),
    ("*.md", "*.markdown", 4, "no file matches library/articles/*.markdown."),
    ("*.md", "**.md", 4, "no file matches library/articles/**.md."),
    ("library/articles/*.md", "../*.md", 4, "../*.md does not stay inside the mind's folder."),
    ("library/articles/*.md", "[]", 4, "“collections.articles.path” cannot be “[]”"),
    ("language: [en, ru]", "language: []", 5, "Input should be a list with 1 or more items."),
    ("overlap: 0", "overlap: 120", 10, "repeats 120 tokens in chunks of 120. Write an `overlap` smaller"),
    ("size: 120", "size: 5", 10, "Input should be greater than or equal to 32. Write `size: 200`."),
    ("adapters: [core, sport]", "adapters: [core, spotr]", 11, "“spotr” is not known. Write “sport”."),
    ("language: [en, ru]", "language: en\n    adapters: [core]", 15, "which rag_config.yaml does not open to it."),
    ("kind: table", "kind: table\n    trust: rumours", 8, "Input should be one of author, tables, user."),
]

PROMPT_MISTAKES = [
    ("{% endif %}", "", 8, "the template does not work: Unexpected end of template"),
    ("{{ language }}", "{{ langage }}", 8, "the template does not work: 'langage' is undefined."),
    (
        "Be impersonal.",
        "{{ mind.folder.unlink() }}",
        3,
        "Correct it; it can use mind, mode, memories, passages, examples, language.",
    ),
    ("Be impersonal.", "{{ 1 / 0 }}", 3, "division by zero"),
    ("- {{ memory }}", "- {{ memory.__class__ }}", 6, "the template does not work"),
    ("- {{ memory }}", "{% include 'other.j2' %}", 6, "there is no template other.j2."),
]


def check(mistakes: list[Mistake], file: str, line: int | None, message: str) -> None:
    """One of the mistakes is on that line and has the message in it; in Russian none of them has English in it."""
    here = [str(mistake) for mistake in mistakes if (mistake.file, mistake.line) == (file, line)]
    assert any(message in text for text in here), [str(mistake) for mistake in mistakes]
    russian = Translator("ru").translate
    for mistake in mistakes:
        text = mistake.localize("ru", russian)
        assert text.startswith(f"{mistake.file}")
        assert not re.search(r"Input|should", text)


@pytest.mark.parametrize(("old", "new", "line", "message"), MIND_MISTAKES)
def test_mistake_in_mind_yaml(
    mistakes_after: Rewrite, folder: Path, old: str, new: str, line: int, message: str
) -> None:
    text = (folder / "mind.yaml").read_text(encoding="utf-8")
    assert old in text
    check(mistakes_after("mind.yaml", text.replace(old, new, 1)), "mind.yaml", line, message)


@pytest.mark.parametrize(("old", "new", "line", "message"), RAG_MISTAKES)
def test_mistake_in_rag_config_yaml(
    mistakes_after: Rewrite, folder: Path, old: str, new: str, line: int, message: str
) -> None:
    text = (folder / "rag_config.yaml").read_text(encoding="utf-8")
    assert old in text
    mistakes = mistakes_after("rag_config.yaml", text.replace(old, new, 1))
    check(mistakes, "mind.yaml" if line == 15 else "rag_config.yaml", line, message)
    assert not any("factory" in str(mistake) for mistake in mistakes)


@pytest.mark.parametrize(("old", "new", "line", "message"), PROMPT_MISTAKES)
def test_mistake_in_system_prompt(
    mistakes_after: Rewrite, folder: Path, old: str, new: str, line: int, message: str
) -> None:
    text = (folder / "prompts/system.j2").read_text(encoding="utf-8")
    check(mistakes_after("prompts/system.j2", text.replace(old, new, 1)), "prompts/system.j2", line, message)


@pytest.mark.parametrize("file", ["mind.yaml", "rag_config.yaml"])
@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"", 1, "this file is empty."),
        (b"\xef\xbb\xbf# only a comment\n", 1, "this file is empty."),
        (b"- a\n- b\n", 1, "keys with values are needed here."),
        (b"just words\n", 1, "keys with values are needed here."),
        ("# ок\nname: Агоге".encode("cp1251"), 1, "byte 0xee is not UTF-8 text. Save the file as UTF-8."),
        ("name: x\n".encode("utf-16"), 1, "byte 0xff is not UTF-8 text."),
        (b"a: 1\n---\nb: 2\n", 2, "this is not YAML: but found another document"),
        (b"#" * 1_000_001, None, "this file is over 1000000 bytes."),
        (b"a: &a [" + b"*a, " * 1000 + b"1]\n", 1, "there are too many values."),
    ],
)
def test_file_that_is_not_a_yaml_mapping(
    mistakes_after: Rewrite, file: str, content: bytes, line: int | None, message: str
) -> None:
    check(mistakes_after(file, content), file, line, message)


def test_all_mistakes_are_reported_sorted_by_file_and_line(folder: Path) -> None:
    mind, rag = folder / "mind.yaml", folder / "rag_config.yaml"
    text = mind.read_text(encoding="utf-8").replace("kind: topic", "kind: topik").replace("max_tokens", "tokens")
    mind.write_text(text, encoding="utf-8")
    rag.write_text(rag.read_text(encoding="utf-8").replace("*.md", "*.txt"), encoding="utf-8")
    with pytest.raises(BrokenMind) as caught:
        load_mind(folder)
    places = [(mistake.file, mistake.line) for mistake in caught.value.mistakes]
    assert places == [("mind.yaml", 12), ("mind.yaml", 28), ("rag_config.yaml", 4)]
    assert str(caught.value).count("\n") == 3
    translated = describe_error(
        caught.value, "ru", lambda text: "Исправьте: {mistakes}" if "{folder}" in text else "так"
    )
    assert translated.splitlines()[0] == "Исправьте: mind.yaml:12: так так"


def test_rare_error_keeps_pydantics_message() -> None:
    class Entry(StrictModel):
        day: date

    document = YamlDocument("diary.yaml", {"day": "never"}, {("day",): 3})
    with pytest.raises(ValidationError) as caught:
        Entry.model_validate(document.values)
    [mistake] = explain_validation_error(caught.value, document, Entry)
    assert str(mistake).startswith("diary.yaml:3: “day” cannot be “never”: Input should be a valid date")
    assert str(mistake).endswith("Write `key: value`.")


def test_translated_messages_are_pydantics_own() -> None:
    own = {
        PydanticKnownError("string_type").message_template,
        *(PydanticKnownError(kind).message_template for kind in ("int_type", "int_parsing", "int_from_float")),
        *(PydanticKnownError(kind).message_template for kind in ("float_type", "finite_number")),
        PydanticKnownError("greater_than_equal", {"ge": 0}).message_template,
        PydanticKnownError("greater_than", {"gt": 0}).message_template,
        PydanticKnownError("less_than_equal", {"le": 0}).message_template,
    }
    assert set(PYDANTIC_MESSAGES) == own


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(BrokenMind, match="there is no such folder"):
        load_mind(tmp_path / "nowhere")


def test_missing_or_misnamed_file(folder: Path) -> None:
    (folder / "mind.yaml").rename(folder / "mind.yml")
    (folder / "rag_config.yaml").unlink()
    with pytest.raises(BrokenMind) as caught:
        load_mind(folder)
    report = str(caught.value)
    assert "Rename mind.yml to mind.yaml." in report
    assert "rag_config.yaml: this file cannot be read" in report


def test_missing_system_prompt(folder: Path) -> None:
    (folder / "prompts/system.j2").unlink()
    with pytest.raises(BrokenMind, match=r"prompts/system\.j2: there is no such file"):
        load_mind(folder)


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
@pytest.mark.parametrize("name", ["dialogues/core.jsonl", "adapters/sport", "library/loads.csv", "prompts/extra.j2"])
def test_link_out_of_the_mind_is_rejected(folder: Path, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    path = folder / name
    if path.is_dir():
        path.rename(outside)
    else:
        outside.write_text("secret", encoding="utf-8")
        path.unlink(missing_ok=True)
    path.symlink_to(outside)
    with pytest.raises(BrokenMind):
        load_mind(folder)


def test_cyclic_link_is_rejected(folder: Path) -> None:
    path = folder / "dialogues/core.jsonl"
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(BrokenMind):
        load_mind(folder)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data())
def test_any_damage_to_a_file_raises_broken_mind_or_nothing(folder: Path, data: st.DataObject) -> None:
    file = folder / data.draw(st.sampled_from(["mind.yaml", "rag_config.yaml", "prompts/system.j2"]))
    original = file.read_bytes()
    at = data.draw(st.integers(0, len(original)))
    cut = data.draw(st.integers(0, 12))
    junk = data.draw(
        st.one_of(st.binary(max_size=8), st.sampled_from([b"{", b"[", b": ", b"- ", b"*a", b"&a ", b"!x "]))
    )
    file.write_bytes(original[:at] + junk + original[at + cut :])
    try:
        load_mind(folder)
    except BrokenMind as error:
        describe_error(error, "ru", str).encode()
    finally:
        file.write_bytes(original)
