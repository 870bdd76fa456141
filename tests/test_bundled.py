"""What is said of a bundled target that does not start."""

import asyncio

import pytest

from loadtester.bundled import bundled_target
from loadtester.errors import FmloadError
from loadtester.scenario import Bundled

REDIS = "profile: full\nstores: {cache: 'redis://127.0.0.1:1'}\n"
SETTINGS = Bundled(seed=1, time_scale=0.0, tokens_per_minute=0, requests_per_minute=None, model_connections=4)


def _fault(directory, text):
    """The error of a target with this configuration."""
    config = directory / "target.yaml"
    config.write_text(text)

    async def start():
        async with bundled_target(SETTINGS, directory / "logs", config=config):
            raise AssertionError("it started")

    with pytest.raises(FmloadError) as caught:
        asyncio.run(start())
    return caught.value


def test_a_library_that_is_not_installed_is_named_with_its_extra(tmp_path, monkeypatch):
    """Not the server's farewell, but why it came to that, and the command that mends it."""
    away = tmp_path / "site"
    away.mkdir()
    (away / "redis.py").write_text("raise ModuleNotFoundError(\"No module named 'redis'\", name='redis')\n")
    monkeypatch.setenv("PYTHONPATH", str(away))
    error = _fault(tmp_path, REDIS)
    assert "No module named 'redis'" in error.message
    assert error.remedy == "pip install 'fmload[stores]'"


def test_a_word_of_the_file_that_is_not_known_is_said(tmp_path):
    """The words that are, in the one line that is shown."""
    error = _fault(tmp_path, "profile: fulll\n")
    assert "profile: 'fulll' is none of plain, full" in error.message
