"""`auto`: which adapter a message is routed to, with an embedder that only counts words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.answering.router import HISTORY, PastQuestion, Router
from bot.answering.routing.features import Vectors
from bot.minds import Mind
from inference.training.errors import InvalidDialogues
from tests.fakes.word_counts import WordCounts


class Shelf:
    """Keeps vectors as the table does, and counts what was embedded for it."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, bytes], Vectors] = {}
        self.new: list[int] = []

    async def find(self, embedder: str, digests: Collection[bytes]) -> dict[bytes, Vectors]:
        return {digest: self.kept[embedder, digest] for digest in digests if (embedder, digest) in self.kept}

    async def replace(self, embedder: str, new: Mapping[bytes, Vectors], kept: Collection[bytes]) -> None:
        self.new.append(len(new))
        self.kept |= {(embedder, digest): vector for digest, vector in new.items()}
        self.kept = {key: vector for key, vector in self.kept.items() if key[0] == embedder and key[1] in kept}


@pytest.mark.parametrize(
    ("message", "mode"),
    [
        ("How many squats and sets?", "core+sport"),
        ("Torque and friction of a lever?", "core+physics"),
        ("Must I keep my word to my father?", "core"),
        ("Elephants", "core"),
        ("", "core"),
        ("?!", "core"),
        ("thanks", "core"),
        ("Define the nephron and the stroke volume", "core"),
        ("squats " * 5000, "core+sport"),
        ("Tell me of деньги", "core+money"),
    ],
)
async def test_message_goes_to_the_adapter_it_belongs_to(mind: Mind, message: str, mode: str) -> None:
    routed = await Router(WordCounts(), mind).route(message)
    assert routed.mode.text == mode
    assert set(routed.scores) == {"core", "sport", "physics", "money"}
    assert 0 < sum(routed.scores.values()) <= 1


async def test_adapter_out_of_service_gets_no_message(mind: Mind) -> None:
    routed = await Router(WordCounts(), mind, out_of_service={"sport"}).route("How many squats and sets?")
    assert set(routed.scores) == {"core", "physics", "money"}


async def test_isolated_adapters_need_the_policy(mind_with: Callable[[str, str], Mind]) -> None:
    open_mind = mind_with("auto_threshold: 0.2", "auto_threshold: 0.2\n  auto_isolated: true")
    routed = await Router(WordCounts(), open_mind).route("Define the nephron and the stroke volume")
    assert routed.mode.text == "classical"
    assert routed.mode.isolated


async def test_a_description_is_enough(mind_with: Callable[[str, str], Mind]) -> None:
    described = mind_with("aliases: [деньги]", "aliases: [деньги], description: {en: Salaries and savings, ru: Вклады}")
    router = Router(WordCounts(), described)
    assert (await router.route("Where do savings from salaries belong?")).mode.text == "core+money"
    assert (await router.route("вклады")).mode.text == "core+money"
    assert (await router.route("How many squats and sets?")).mode.text == "core+sport"


async def test_names_count_in_any_case_and_those_of_modes_too(mind: Mind) -> None:
    router = Router(WordCounts(), mind)
    assert (await router.route("что скажешь о физике")).mode.text == "core+physics"
    assert (await router.route("Спроси тренера")).mode.text == "core+sport"


@pytest.mark.parametrize(("threshold", "mode"), [("1.0", "core"), ("-1.0", "core+sport")])
async def test_the_authors_threshold_wins(mind_with: Callable[[str, str], Mind], threshold: str, mode: str) -> None:
    routed = await Router(WordCounts(), mind_with("threshold: 0.2", f"threshold: {threshold}")).route("squats")
    assert (routed.mode.text, routed.threshold) == (mode, float(threshold))


async def test_without_a_threshold_the_dialogues_decide(mind_with: Callable[[str, str], Mind]) -> None:
    index = await Router(WordCounts(), mind_with("  auto_threshold: 0.2\n", "")).index()
    assert index.calibration.questions == 10
    assert 0.35 <= index.threshold == index.calibration.threshold <= 0.65


@pytest.mark.parametrize(
    ("past", "message", "mode", "stayed"),
    [
        (["How many squats?"], "how often?", "core+sport", True),
        (["How many squats?"], "and in winter?", "core+sport", True),
        (["How many squats?", "thanks"], "tell me more", "core+sport", True),
        (["How many squats?"], "torque and friction", "core+physics", False),
        (["How many squats?"], "and torque?", "core+physics", False),
        (["How many squats?"], "thanks", "core", False),
        (["Force and torque of a lever", "How many squats?"], "почему?", "core+sport", True),
        (["How many squats?", *["thanks"] * HISTORY], "how often?", "core", False),
        ([], "how often?", "core", False),
    ],
)
async def test_a_follow_up_stays_with_its_subject(
    mind: Mind, past: list[str], message: str, mode: str, stayed: bool
) -> None:
    router = Router(WordCounts(), mind)
    known = [PastQuestion(text, (await router.route(text)).adapter) for text in past]
    for history in (known, [PastQuestion(text, is_known=False) for text in past]):
        routed = await router.route(message, history)
        assert routed.comparison is not None
        assert (routed.mode.text, routed.comparison.stayed) == (mode, stayed)


async def test_a_subject_that_the_mind_no_longer_has_is_forgotten(mind: Mind) -> None:
    routed = await Router(WordCounts(), mind).route("how often?", [PastQuestion("Which wine?", "wine")])
    assert routed.mode.text == "core"


async def test_it_says_what_it_compared(mind: Mind) -> None:
    found = (await Router(WordCounts(), mind).route("Are squats and running one thing?")).comparison
    assert found is not None
    assert (found.adapter, found.nearest) == ("sport", "Sets and squats and running")
    assert 0.5 < found.similarity <= 1
    assert 0.5 < found.sureness <= 1
    assert next(iter(found.shares)) == "sport"


async def test_concurrent_messages_embed_texts_once(mind: Mind) -> None:
    embedder = WordCounts()
    embedder.gate.clear()
    router = Router(embedder, mind)
    tasks = [asyncio.create_task(router.route("squats")) for _ in range(5)]
    await embedder.asked.wait()
    tasks[0].cancel()
    embedder.gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [task.result().mode.text for task in tasks[1:]] == ["core+sport"] * 4
    await router.route("torque")
    # Questions and what adapters are about are embedded each for its purpose.
    assert sum(calls > 1 for calls in embedder.calls) == 2


async def test_a_start_embeds_only_what_is_new(mind_with: Callable[[str, str], Mind]) -> None:
    shelf = Shelf()
    mind = mind_with("name: trial", "name: trial")
    first = await Router(WordCounts(), mind, shelf).route("squats")
    again = WordCounts()
    assert await Router(again, mind, shelf).route("squats") == first
    assert again.calls == [1]
    size = len(shelf.kept)
    path = mind.adapters["sport"].dialogues
    assert path is not None
    path.write_text(path.read_text(encoding="utf-8").replace("My knee hurts after", "May I go"), encoding="utf-8")
    changed = WordCounts()
    await Router(changed, mind, shelf).route("squats")
    assert changed.calls == [1, 1]
    assert shelf.new == [size, 0, 1]
    assert len(shelf.kept) == size


async def test_a_mind_with_the_core_alone_compares_nothing(mind: Mind) -> None:
    embedder = WordCounts()
    alone = replace(mind, adapters={"core": mind.adapters["core"]})
    routed = await Router(embedder, alone).route("squats")
    assert (routed.mode.text, dict(routed.scores), routed.to_document(), embedder.calls) == ("core", {}, None, [])


async def test_the_order_of_adapters_is_irrelevant(mind: Mind) -> None:
    turned = replace(mind, adapters=dict(reversed(mind.adapters.items())))
    for message in ("How many squats?", "torque", "thanks", "My father"):
        assert await Router(WordCounts(), turned).route(message) == await Router(WordCounts(), mind).route(message)


async def test_an_unrelated_adapter_changes_no_clear_decision(
    mind: Mind, mind_with: Callable[[str, str], Mind]
) -> None:
    wider = mind_with("modes:", "  wine: {kind: topic, path: adapters/money, description: Grapes and cellars}\nmodes:")
    for message in ("How many squats and sets?", "Torque and friction of a lever?", "thanks", "hello"):
        before, after = [await Router(WordCounts(), each).route(message) for each in (mind, wider)]
        assert before.mode == after.mode


ROUTERS: dict[str, Router] = {}


@given(st.text(max_size=300), st.text(max_size=30))
@settings(max_examples=60, deadline=None)
async def test_any_message_has_finite_scores(mind: Mind, message: str, past: str) -> None:
    router = ROUTERS.setdefault("any", Router(WordCounts(), mind))
    routed = await router.route(message, [PastQuestion(past, "sport")])
    assert np.isfinite(list(routed.scores.values())).all()
    assert routed.comparison is not None
    assert 0 <= routed.comparison.sureness <= 1


async def test_bad_records_are_left_out_and_told(mind_with: Callable[[str, str], Mind]) -> None:
    trial = mind_with("name: trial", "name: trial")
    path = trial.adapters["sport"].dialogues
    assert path is not None
    with path.open("a", encoding="utf-8") as file:
        file.write('{\n{"messages": []}\n')
    with capture_logs() as logs:
        routed = await Router(WordCounts(), trial).route("squats")
    assert routed.mode.text == "core+sport"
    [told] = [entry for entry in logs if entry["event"] == "router.dialogues_skipped"]
    assert (told["adapter"], told["number"]) == ("sport", 2)
    assert "not JSON" in told["first"]


async def test_unreadable_files_are_reported_and_read_again(mind_with: Callable[[str, str], Mind]) -> None:
    trial = mind_with("name: trial", "name: trial")
    path = trial.adapters["sport"].dialogues
    assert path is not None
    good = path.read_text(encoding="utf-8")
    path.write_bytes(b"\xff")
    router = Router(WordCounts(), trial)
    with pytest.raises(InvalidDialogues):
        await router.route("squats")
    path.write_text(good, encoding="utf-8")
    assert (await router.route("squats")).mode.text == "core+sport"
