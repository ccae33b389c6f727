"""A mind as one signed file: what is in it, what is not, and what is refused."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from minisign import KeyPair, PublicKey, SecretKey, Signature

from bot.authoring.pack import MANIFEST_FILE, SIGNATURE_FILE, PackManifest, pack, unpack
from bot.authoring.pack_errors import FileIsThere, KeyNotUsable, NotAPack, PackError, SignatureInvalid
from bot.authoring.signing import KEY_FILE, open_key, public_line, read_public_key
from bot.minds import Mind, load_mind
from tests.fixtures.versioned_minds import add_candidate, live_digests, make_mind

PLANTED = "planted words of somebody"


@pytest.fixture(scope="module")
def key() -> SecretKey:
    return KeyPair.generate().secret_key


@pytest.fixture(scope="module")
def mind(tmp_path_factory: pytest.TempPathFactory) -> Mind:
    """With a library, dialogues, an import, an export and a candidate."""
    folder = tmp_path_factory.mktemp("packed") / "mind"
    make_mind(folder)
    spec = (folder / "mind.yaml").read_text()
    (folder / "mind.yaml").write_text(
        spec.replace("    path: adapters/core\n", "    path: adapters/core  # hers\n    dialogues: dialogues/c.jsonl\n")
        + "    heldout: dialogues/c.jsonl\n"
    )
    for place in ("dialogues/c.jsonl", "imported/read-0.jsonl", "result.json", "versions/1/note", ".env", "x.gguf"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(PLANTED + "\n")
    (folder / "library").mkdir()
    (folder / "library" / "о сне.md").write_text("# О сне\n\nСпите.\n", "utf-8")
    (folder / "rag_config.yaml").write_text(
        "collections: {articles: {kind: article, path: 'library/*.md', language: ru}}\n"
    )
    mind = load_mind(folder)
    add_candidate(mind)
    return mind


@pytest.fixture
def packed(mind: Mind, key: SecretKey, tmp_path: Path) -> Path:
    file = tmp_path / "mind.consilium"
    pack(mind, file, key)
    return file


def test_what_is_packed_is_what_the_mind_answers_with(mind: Mind, packed: Path, key: SecretKey, tmp_path: Path) -> None:
    done = unpack(packed, tmp_path / "new", key.get_public_key())
    assert done.key_was_given
    assert live_digests(tmp_path / "new") == live_digests(mind.folder)
    assert (tmp_path / "new" / "library" / "о сне.md").read_text("utf-8") == "# О сне\n\nСпите.\n"
    assert sorted(each.path for each in done.manifest.files) == [
        "adapters/core/adapter_config.json",
        "adapters/core/adapter_model.safetensors",
        "adapters/sport/adapter_config.json",
        "adapters/sport/adapter_model.safetensors",
        "library/о сне.md",
        "mind.yaml",
        "prompts/system.j2",
        "rag_config.yaml",
    ]
    assert PLANTED.encode() not in packed.read_bytes()
    spec = (tmp_path / "new" / "mind.yaml").read_text()
    assert "dialogues" not in spec
    assert "path: adapters/core  # hers\n" in spec
    assert load_mind(tmp_path / "new").adapters["core"].dialogues is None


def test_dialogues_are_in_it_if_asked_for(mind: Mind, key: SecretKey, tmp_path: Path) -> None:
    pack(mind, tmp_path / "file", key, with_dialogues=True)
    unpack(tmp_path / "file", tmp_path / "new")
    assert (tmp_path / "new" / "dialogues" / "c.jsonl").read_text() == PLANTED + "\n"
    assert (tmp_path / "new" / "mind.yaml").read_bytes() == (mind.folder / "mind.yaml").read_bytes()
    assert not (tmp_path / "new" / "imported").exists()


def test_the_same_mind_gives_the_same_bytes(
    mind: Mind, key: SecretKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, moment in enumerate((1_000_000_000, 1_000_000_000, 1_100_000_000)):
        monkeypatch.setattr("time.time", lambda moment=moment: moment)
        pack(mind, tmp_path / str(number), key)
        for path in mind.folder.rglob("*.md"):
            os.utime(path, (number, number))
    first, second, later = ((tmp_path / str(number)).read_bytes() for number in range(3))
    assert first == second
    assert len(first) == len(later)
    assert members(first)[0] == members(later)[0]
    assert members(first)[2:] == members(later)[2:]


def test_nothing_is_overwritten(mind: Mind, packed: Path, key: SecretKey, tmp_path: Path) -> None:
    with pytest.raises(FileIsThere):
        pack(mind, packed, key)
    (tmp_path / "there").mkdir()
    with pytest.raises(FileIsThere):
        unpack(packed, tmp_path / "there")


def test_the_signature_is_minisigns(packed: Path, key: SecretKey, tmp_path: Path) -> None:
    (_, manifest), (_, signature) = members(packed.read_bytes())[:2]
    key.get_public_key().verify(manifest, Signature.from_bytes(signature))
    assert PackManifest.model_validate_json(manifest).key == public_line(key.get_public_key())
    assert not unpack(packed, tmp_path / "believed").key_was_given
    with pytest.raises(SignatureInvalid):
        unpack(packed, tmp_path / "new", KeyPair.generate().public_key)
    assert not (tmp_path / "new").exists()


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    first = open_key(tmp_path / "data")
    assert stat.S_IMODE((tmp_path / "data" / KEY_FILE).stat().st_mode) == 0o600
    assert bytes(open_key(tmp_path / "data")) == bytes(first)
    line = public_line(first.get_public_key())
    assert len(line) == 56
    assert read_public_key(line) == first.get_public_key()
    (tmp_path / "key.pub").write_text(f"untrusted comment: x\n{line}\n")
    assert read_public_key(str(tmp_path / "key.pub")) == first.get_public_key()
    for wrong in ("", "x", line[:-4], str(tmp_path / "data" / KEY_FILE)):
        with pytest.raises(KeyNotUsable):
            read_public_key(wrong)
    (tmp_path / "data" / KEY_FILE).write_text("no key")
    with pytest.raises(KeyNotUsable):
        open_key(tmp_path / "data")


Members = list[tuple[tarfile.TarInfo, bytes]]


def members(packed: bytes) -> list[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return [(each.name, tar.extractfile(each).read()) for each in tar]  # type: ignore[union-attr]


def rebuilt(packed: Path, change: Callable[[Members], None]) -> bytes:
    """The file with other members."""
    found: Members = []
    for name, content in members(packed.read_bytes()):
        member = tarfile.TarInfo(name)
        member.size = len(content)
        found.append((member, content))
    change(found)
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for member, content in found:
            tar.addfile(member, io.BytesIO(content))
    return target.getvalue()


def add(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> Callable[[Members], None]:
    def change(found: Members) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, link
        found.append((member, b""))

    return change


def turn_into(kind: bytes) -> Callable[[Members], None]:
    def change(found: Members) -> None:
        member, _ = found[-1]
        member.type, member.linkname, member.size = kind, "/etc/passwd", 0
        found[-1] = member, b""

    return change


def sign_again(key: SecretKey, path: str, size: int | None = None) -> Callable[[Members], None]:
    """What somebody with a key of their own can do: a list of files as they like it."""

    def change(found: Members) -> None:
        manifest = PackManifest.model_validate_json(found[0][1])
        last = manifest.files[-1]
        changed = last.model_copy(update={"path": path, "size": last.size if size is None else size})
        manifest = manifest.model_copy(update={"files": [*manifest.files[:-1], changed]})
        written = manifest.model_dump_json().encode()
        signature = bytes(key.sign(written))
        for at, (name, content) in enumerate(((MANIFEST_FILE, written), (SIGNATURE_FILE, signature))):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            found[at] = member, content
        found[-1][0].name = path

    return change


@pytest.mark.parametrize(
    "change",
    [
        add("more.md"), add("../more.md"), add("link", tarfile.SYMTYPE, "/etc"), add("device", tarfile.CHRTYPE),
        turn_into(tarfile.SYMTYPE), turn_into(tarfile.LNKTYPE), turn_into(tarfile.FIFOTYPE), turn_into(tarfile.DIRTYPE),
        lambda found: found.pop(), lambda found: found.append(found[-1]), lambda found: found.reverse(),
        lambda found: found.pop(1), lambda found: found.clear(),
    ],
)  # fmt: skip
def test_members_that_the_list_does_not_have_are_refused(
    packed: Path, tmp_path: Path, change: Callable[[Members], None]
) -> None:
    hostile = tmp_path / "hostile"
    hostile.write_bytes(rebuilt(packed, change))
    with pytest.raises(NotAPack):
        unpack(hostile, tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hostile", packed.name]


@pytest.mark.parametrize(
    "path",
    ["../out", "/etc/out", "a/../../out", "./x", "a//b", "", "a\\b", "a\0b", "MIND.YAML", "mind.yaml/x", MANIFEST_FILE,
     "x" * 300, "a/" * 600 + "x"],
)  # fmt: skip
def test_a_list_of_a_stranger_that_leads_astray_is_refused(
    packed: Path, key: SecretKey, tmp_path: Path, path: str
) -> None:
    hostile = tmp_path / "hostile"
    hostile.write_bytes(rebuilt(packed, sign_again(key, path)))
    with pytest.raises(NotAPack):
        unpack(hostile, tmp_path / "new")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["hostile", packed.name]


def test_an_absurd_size_is_refused(packed: Path, key: SecretKey, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile"
    hostile.write_bytes(rebuilt(packed, sign_again(key, "rag_config.yaml", 1 << 60)))
    with pytest.raises(NotAPack, match="too large"):
        unpack(hostile, tmp_path / "new")


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_byte_or_a_cut_is_found_before_anything_is_written(
    packed: Path, key: SecretKey, tmp_path: Path, data: st.DataObject
) -> None:
    whole = packed.read_bytes()
    end = whole.rstrip(b"\0")
    at = data.draw(st.integers(0, len(end) - 1))
    if data.draw(st.booleans()):
        changed = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    else:
        changed = whole[:at]
    damaged = tmp_path / "damaged"
    damaged.write_bytes(changed)
    target = tmp_path / "new"
    with suppress(PackError):
        unpack(damaged, target, key.get_public_key())
    if target.exists():  # a byte of a header that says nothing, such as the time of a file
        assert {path: (target / path).read_bytes() for path, _ in members(whole)[2:]} == dict(members(whole)[2:])
        shutil.rmtree(target)
    assert not list(tmp_path.glob(".*unfinished"))


def test_what_is_no_key_of_minisign_is_none() -> None:
    assert isinstance(KeyPair.generate().public_key, PublicKey)
