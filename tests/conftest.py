"""What every test can ask for."""

from hypothesis import settings

pytest_plugins = [
    "tests.fixtures.embedding",
    "tests.fixtures.library",
    "tests.fixtures.models",
    "tests.fixtures.postgres",
    "tests.fixtures.backups",
    "tests.fixtures.servers",
    "tests.fixtures.sglang",
    "tests.fixtures.vllm",
    "tests.fixtures.real_engines",
]

# A slow machine is no failure: how long an example takes is not what these tests are about.
settings.register_profile("consilium", deadline=None, print_blob=True)
settings.load_profile("consilium")
