"""Configurations that lie, and files in their place that are no configuration."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.hostile.draft import Bar, Draft, Family
from tests.fakes.hostile.headers import deep

FAMILY = Family("configuration")

ESCAPES = "\x1b[2J\x1b]0;owned\x07\r\nall is well\u202e"


def _set(name: str, *values: Any) -> Any:
    def apply(draft: Draft) -> None:
        draft.settings[name] = draft.chance.choice(values)

    return apply


NONSENSE: dict[str, tuple[Any, ...]] = {
    "r": (0, -1, "4", 4.5, None, True, [4], 10**6, 10**30, float("nan"), {}),
    "lora_alpha": (
        0, -4, "4", None, True, [4], float("nan"), float("inf"), float("-inf"), 1e308, 1e7, 10**400, {}, ESCAPES,
    ),
    "use_rslora": ("true", "false", 1, 0, [], {}, None, "\x00"),
    "peft_type": ("IA3", "LOHA", "ADALORA", "LORA\n", "", None, 7, ["LORA"], ESCAPES, "x" * 100_000),
    "rank_pattern": (
        {"q_proj": 0}, {"q_proj": "4"}, {"q_proj": 2.5}, {"q_proj": True}, ["q_proj"], "q_proj", 3, {"q_proj": None},
    ),
    "alpha_pattern": (
        {"q_proj": 0}, {"q_proj": -1}, {"q_proj": float("nan")}, {"q_proj": "4"}, ["q_proj"], {"q_proj": 1e9},
    ),
    "target_modules": ([], [1, 2], [None], 7, {"q_proj": 1}, ["lm_head"], [ESCAPES], [["q_proj"]], True),
    "layers_to_transform": ("0", ["0"], [0.5], [True], {"0": 1}, 100_000, [100_000]),
    "exclude_modules": (["q_proj"], ["self_attn.q_proj"], [1], 7, {"q_proj": 1}),
    "base_model_name_or_path": ("Qwen/Qwen3-0.6B", "other", ESCAPES, "evil" * 100_000, "\ud800", 7, ["tiny"]),
    "use_dora": (True, "false", 1, [0]),
    "bias": ("all", "lora_only", True, ESCAPES),
    "lora_bias": (True, "no"),
    "modules_to_save": (["lm_head"], ["embed_tokens"], "lm_head", [ESCAPES]),
    "trainable_token_indices": ([49152], {"embed_tokens": [1]}),
    "fan_in_fan_out": (True, "yes"),
    "layer_replication": ([[0, 4], [2, 5]],),
    "target_parameters": (["experts.w1"],),
    "alora_invocation_tokens": ([1, 2],),
    "init_lora_weights": ("pissa", "pissa_niter_16", "olora", "corda", "loftq", "PISSA", 7, [True]),
    "arrow_config": ({"top_k": 2},),
}  # fmt: skip

for _name, _values in NONSENSE.items():
    FAMILY.add(f"{_name} is nonsense", Bar.SOUND, _set(_name, *_values))

OTHERWISE: dict[str, tuple[Any, ...]] = {
    "use_rslora": (True,),
    "peft_type": ("lora", "Lora"),
    "target_modules": ("all", "all-linear", r".*\.(q|k|v)_proj", "(a+)+$", None, "../../etc/passwd", ESCAPES),
    "alpha_pattern": ({"q_proj": 3}, {r"layers\.\d+\.self_attn": 7.5}, {ESCAPES: 2}, {"": 1e-300}),
    "rank_pattern": ({"nowhere": 7}, {"[0-9]": 3}),
    "exclude_modules": ("q_proj", ["nowhere"], [ESCAPES], ".*"),
    "bias": (None, ""),
    "init_lora_weights": ("gaussian", "eva", False, None),
    "lora_dropout": (0.5, "0", float("1e999"), None),
    "inference_mode": (False, "yes"),
    "task_type": ("SEQ_CLS", None, ESCAPES),
    "megatron_config": ({"a": 1}, None, False),
    "revision": ("main", "../../.."),
    "auto_mapping": ({"base_model_class": "os.system"},),
    "layers_pattern": ("h", None),
    "runtime_config": ({"ephemeral_gpu_offload": True},),
    ESCAPES: (1, None),
    "x" * 50_000: (1,),
    "__class__": ("dict",),
    "path": ("/etc/passwd",),
}
for _name, _values in OTHERWISE.items():
    FAMILY.add(f"{_name[:20]!a} may be read otherwise", Bar.SAFE, _set(_name, *_values))

PATTERNS = (
    "(a+)+$", "(.|.)" * 30 + "x", ".?" * 40 + "x" * 40, "(a|a)(a|a)(a|a)(a|a)x", ".*.*.*.*.*x", r"(.)\1", "(?i)Q_PROJ",
    "(?=.*.*)(?:.*)*", "q_proj(", "q" * 300, "[", "*", ".{1,99}" * 4, "(" * 150, "((((.*))))",
    "a{99999999999}", r"\Z\g<1>", "(?P<x>a)(?P=x)",
)  # fmt: skip


@FAMILY.mutation(Bar.SOUND)
def patterns_that_take_for_ever(draft: Draft) -> None:
    kind, value = draft.chance.choice((("rank_pattern", draft.rank), ("alpha_pattern", 2.0)))
    draft.settings[kind] = {draft.chance.choice(PATTERNS): value}


@FAMILY.mutation(Bar.SOUND)
def more_patterns_than_modules(draft: Draft) -> None:
    pattern = draft.chance.choice(("nowhere{}", ".*nowhere{}", "(a|b){}"))
    draft.settings["alpha_pattern"] = {pattern.format(number): 2.0 for number in range(20_000)}


@FAMILY.mutation(Bar.SOUND)
def rank_of_the_weights_differs(draft: Draft) -> None:
    rank = draft.rank + draft.chance.choice((1, 4, 60))
    draft.settings |= {"r": rank, "lora_alpha": rank}


@FAMILY.mutation(Bar.SAFE)
def alpha_is_not_the_rank(draft: Draft) -> None:
    draft.settings["lora_alpha"] = draft.rank * draft.chance.choice((0.5, 2, 16, 1e-30, 1.0001))


@FAMILY.mutation(Bar.SAFE)
def rslora_with_the_numbers_it_would_take(draft: Draft) -> None:
    draft.settings |= {"use_rslora": True, "lora_alpha": draft.rank**0.5}


@FAMILY.mutation(Bar.SAFE)
def ranks_that_only_a_pattern_tells(draft: Draft) -> None:
    draft.settings |= {"r": draft.rank + 9, "rank_pattern": {".*_proj": draft.rank}, "lora_alpha": draft.rank}


@FAMILY.mutation(Bar.SOUND)
def a_module_less_than_there_is(draft: Draft) -> None:
    draft.settings["target_modules"] = draft.settings["target_modules"][1:] or ["nowhere"]


@FAMILY.mutation(Bar.SAFE)
def a_module_more_than_there_is(draft: Draft) -> None:
    more = draft.chance.choice(("lm_head", "embed_tokens", "nowhere", ESCAPES))
    draft.settings["target_modules"] = [*draft.settings["target_modules"], more]


@FAMILY.mutation(Bar.SOUND)
def a_layer_less_than_there_is(draft: Draft) -> None:
    draft.settings["layers_to_transform"] = [layer for layer in range(draft.base.layers) if layer != draft.layers[0]]


@FAMILY.mutation(Bar.SAFE)
def layers_that_only_the_tensors_tell(draft: Draft) -> None:
    if draft.chance.random() < 0.5:
        draft.settings["layers_to_transform"] = draft.chance.choice((None, [], list(range(draft.base.layers))))
    else:
        del draft.settings["layers_to_transform"]


@FAMILY.mutation(Bar.SOUND)
def a_setting_stands_twice(draft: Draft) -> None:
    name = draft.chance.choice(("r", "lora_alpha", "peft_type", "use_rslora", "lora_dropout"))
    text = json.dumps(draft.settings)
    draft.settings_text = f"{text[:-1]}, {json.dumps(name)}: {json.dumps(draft.settings[name])}}}".encode()


@FAMILY.mutation(Bar.SOUND)
def a_setting_that_must_be_there_is_not(draft: Draft) -> None:
    del draft.settings[draft.chance.choice(("r", "lora_alpha"))]


@FAMILY.mutation(Bar.SAFE)
def a_setting_that_servers_want_is_not_there(draft: Draft) -> None:
    del draft.settings[draft.chance.choice(("peft_type", "target_modules"))]


@FAMILY.mutation(Bar.SOUND)
def constants_that_are_no_json(draft: Draft) -> None:
    draft.settings[draft.chance.choice(("lora_dropout", "extra"))] = draft.chance.choice(
        (float("nan"), float("inf"), float("-inf"))
    )


@FAMILY.mutation(Bar.SOUND)
def configuration_of_another_encoding(draft: Draft) -> None:
    encoding = draft.chance.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig"))
    draft.settings_text = json.dumps(draft.settings).encode(encoding)


@FAMILY.mutation(Bar.SOUND)
def configuration_is_no_object(draft: Draft) -> None:
    draft.settings_text = draft.chance.choice(
        (
            b"", b" ", b"null", b"[]", b"7", b'"r"', b"{", b"{'r': 8}", b"{} {}", b"r: 8\n", b"\x00" * 100,
            b"\xff\xfe\x00",             b'[{"r": 8}]', b"\x80\x04\x95" + bytes(50), b" " * (2 << 20),
            b'{"r": 8, "lora_alpha": 8' + b" " * (2 << 20) + b"}",
        )
    )  # fmt: skip


@FAMILY.mutation(Bar.SOUND)
def configuration_goes_deep(draft: Draft) -> None:
    text = draft.chance.choice(
        (deep(900), deep(980), deep(500_000), deep(1100), deep(20_000, '{"r":', "}"), '{"r":' + deep(970) + "}")
    )
    draft.settings_text = text.encode()


@FAMILY.mutation(Bar.SAFE)
def a_setting_goes_deep(draft: Draft) -> None:
    depth = draft.chance.choice((10, 200, 600))
    draft.settings["corda_config"] = json.loads(deep(depth))


@FAMILY.mutation(Bar.SOUND)
def a_number_too_long(draft: Draft) -> None:
    draft.settings_text = b'{"r": ' + b"4" * draft.chance.choice((5_000, 900_000)) + b', "lora_alpha": 4}'


@FAMILY.mutation(Bar.SOUND)
def configuration_cut_off(draft: Draft) -> None:
    text = json.dumps(draft.settings).encode()
    draft.settings_text = text[: draft.chance.randrange(len(text))]
