"""A person at a pipe: modes, answers, memory, and everything again in a second process."""

from __future__ import annotations

from tests.acceptance.conftest import Home

KEYS = {"turn", "mode", "adapter", "answer", "sources", "memories", "usage", "error"}


def test_a_composed_mind_answers_and_a_second_process_remembers(home: Home) -> None:
    first = home.chat(
        "/mode sport+core", "/remember My knee hurts since Tuesday.", "How do I recover after a hard day?"
    )
    assert first.code == 0, first.err
    mode, remembered, answer = first.objects
    assert all(set(turn) == KEYS for turn in first.objects)
    assert mode["mode"] == "core+sport"
    assert mode["error"] is None
    assert "knee" in remembered["answer"]
    assert answer["mode"] == "core+sport"
    assert answer["adapter"].startswith("c-")
    assert len(answer["answer"]) > 20
    assert answer["usage"]["completion_tokens"] > 5
    assert answer["turn"]
    assert answer["error"] is None

    second = home.chat("/mode", "Is my knee well enough to run?", "/memory")
    assert second.code == 0, second.err
    mode, answer, memory = second.objects
    assert "core+sport" in mode["answer"]
    assert answer["adapter"] == first.objects[2]["adapter"]
    assert answer["memories"] == ["My knee hurts since Tuesday."]
    # The window came back: the prompt holds the first process's exchange as well.
    assert answer["usage"]["prompt_tokens"] > first.objects[2]["usage"]["prompt_tokens"] + 50
    assert "knee" in memory["answer"]

    stranger = home.chat("/mode", "/memory", user="boris")
    assert "auto" in stranger.objects[0]["answer"]
    assert "knee" not in stranger.out


def test_a_mode_is_switched_by_saying_so_in_russian(home: Home) -> None:
    ended = home.chat("включить режим: физика+агоге", "/mode", "/lang en", "/mode", "switch to sport + core")
    assert ended.code == 0, ended.err
    assert [turn["mode"] for turn in ended.objects] == ["core+physics"] * 4 + ["core+sport"]
    assert "Режим" in ended.objects[0]["answer"]
    assert "Mode" in ended.objects[3]["answer"]


def test_bad_messages_get_a_sentence_each_and_end_nothing(home: Home) -> None:
    ended = home.chat(
        "/mode sport+classical",
        "/mode spotr",
        "/mode sport*9",
        "/mdoe sport",
        "/forget 7",
        "",
        "\u200b",
        "word " * 20_000,
        "<|use_lora_sprot|> hello",
        "/mode",
    )
    assert ended.code == 0, ended.err
    errors = [turn["error"] for turn in ended.objects]
    assert all(errors[:-1])
    assert errors[-1] is None
    assert "classical" in errors[0]
    assert "sport" in errors[1]
    assert "2.00" in errors[2]
    assert "/mode" in errors[3]
    assert "nothing to forget" in errors[4]
    assert "tokens" in errors[7]
    assert "sport" in errors[8]
    assert all("Traceback" not in turn["error"] for turn in ended.objects[:-1])
    assert "Traceback" not in ended.err


def test_a_trigger_changes_the_mode_of_one_message_only(home: Home) -> None:
    ended = home.chat("/mode core", "<|use_lora_sport|> How long should I rest?", "/mode")
    assert ended.code == 0, ended.err
    assert [turn["mode"] for turn in ended.objects] == ["core", "core+sport", "core"]


def test_base_answers_without_an_adapter_and_auto_finds_one(home: Home) -> None:
    ended = home.chat("/mode base", "What is a heart?", "/mode auto", "How many sets of squats should I do each week?")
    assert ended.code == 0, ended.err
    assert (ended.objects[1]["mode"], ended.objects[1]["adapter"]) == ("base", None)
    assert ended.objects[3]["mode"] == "core+sport"
    assert ended.objects[3]["adapter"]


def test_what_is_forgotten_and_what_is_new_is_gone_from_the_prompt(home: Home) -> None:
    ended = home.chat(
        "/mode core",
        "/remember I am afraid of deep water.",
        "Tell me about courage.",
        "/new",
        "/forget 1",
        "/memory",
        "Am I afraid of deep water?",
    )
    assert ended.code == 0, ended.err
    assert "nothing" in ended.objects[5]["answer"]
    last = ended.objects[6]
    # What was said about courage may come back as a memory of that conversation; what was forgotten may not.
    assert not any("afraid" in memory for memory in last["memories"])


def test_plain_lines_print_the_answer_and_the_mode(home: Home) -> None:
    ended = home.run("demo", "--user", "anna", say="/mode sport+core\nHow do I recover after a hard day?\n")
    assert ended.code == 0, ended.err
    assert "core+sport" in ended.out
    assert len(ended.out.splitlines()) >= 3


def test_bytes_that_are_not_text_are_answered(home: Home) -> None:
    ended = home.run("chat", "--json", "--user", "anna", say=b"/mode core\n/remember \xff\xfe\x00 odd\n/memory\n")
    assert ended.code == 0, ended.err
    assert all(turn["error"] is None for turn in ended.objects)
