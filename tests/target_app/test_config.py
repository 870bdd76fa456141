"""The configuration file: strict, with the place of each fault, and defaults that are the plain service."""

import pytest

from target_app import config
from target_app.config import Config, ConfigError
from target_app.validation.finding import Check


def test_nothing_is_the_plain_service(tmp_path):
    """An empty file, and none at all, switch nothing on."""
    path = tmp_path / "config.yaml"
    path.write_text("")
    assert config.load(path) == config.parse({"profile": "plain"}) == Config()
    assert not Config().retrieval.enabled
    assert not Config().cache.exact
    assert not Config().validation.checks
    assert Config().admin.token is None
    assert Config().limits.integration_s is None


def test_the_full_profile_can_be_overruled():
    """A profile sets what the file doesn't, key by key."""
    full = config.parse({"profile": "full", "cache": {"semantic": False}, "retrieval": {"n_sources": 3}})
    assert (full.cache.exact, full.cache.semantic) == (True, False)
    assert (full.retrieval.enabled, full.retrieval.n_sources) == (True, 3)
    assert Check.GROUNDING in full.validation.checks
    assert full.gateway.breaker.enabled
    assert full.limits.integration_s == 29


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"cahce": {}}, ["cahce:", "cache"]),
        ({"gateway": {"breaker": {"failure": 3}}}, ["gateway.breaker.failure:", "failures"]),
        ({"faults": {"faults": [{"kind": "throttle", "rat": 1}]}}, ["faults.faults[0].rat:", "rate"]),
        ({"faults": {"faults": [{"kind": "throtle"}]}}, ["faults", "throttle"]),
        ({"retrieval": {"n_sources": 6}}, ["retrieval.n_sources:", "5"]),
        ({"stores": {"cache": "memcached://h"}}, ["stores.cache:", "memory: or redis://HOST:6379/0"]),
        ({"stores": {"sessions": "redis://h"}}, ["stores.sessions:", "sqlite:///FILE"]),
        ({"validation": {"checks": ["spelling"]}}, ["validation.checks[0]:", "spelling", "language", "grounding"]),
        ({"retrieval": {"embedder": "bert"}}, ["retrieval.embedder:", "bert", "lexical, titan"]),
        ({"stores": {"cash": "memory:"}}, ["stores.cash:", "cache"]),
        ({"limits": {"idle_s": 0}}, ["limits.idle_s:"]),
        ({"profile": "fulll"}, ["profile:", "fulll", "plain, full"]),
        ({"profile": ["full"]}, ["profile:"]),
        ({"bedrock": {"quotas": {"tokens_per_minute": 0}}}, ["bedrock.quotas:"]),
        ([], ["object"]),
    ],
)
def test_a_fault_is_named_with_its_place(value, words):
    """What is wrong is refused, by the path of its key and, for a key that isn't known, the nearest that is."""
    with pytest.raises(ConfigError) as refused:
        config.parse(value)
    assert all(word in str(refused.value) for word in words), str(refused.value)


@pytest.mark.parametrize("text", ["a: [", "\x00"])
def test_what_is_no_yaml(tmp_path, text):
    """A file that can't be read as YAML is refused by its name."""
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        config.load(path)


def test_a_fault_shows_no_secret():
    """A secret that is too short is refused without being repeated."""
    with pytest.raises(ConfigError) as refused:
        config.parse({"auth": {"secret": "hunter2"}})
    assert "hunter2" not in str(refused.value)
    assert "auth.secret" in str(refused.value)


def test_what_is_shown_has_no_secret():
    """Tokens, secrets and logins in URLs are hidden; the rest is as it is in force."""
    shown = config.parse(
        {
            "auth": {"secret": "s3cret s3cret s3cret"},
            "admin": {"token": "t0ken t0ken t0ken"},
            "stores": {
                "cache": "redis://user:pa55@host:6379",
                "vectors": "postgresql://user:pa55@host/db?password=pa55",
            },
        }
    ).shown()
    assert not any(word in str(shown) for word in ("s3cret", "t0ken", "pa55"))
    assert shown["stores"]["cache"] == "redis://***@host:6379"
    assert shown["stores"]["sessions"] == "memory:"


def test_the_emulators_quotas():
    """The section for the emulator is its own quotas; absent, there are none to set."""
    assert Config().quotas is None
    assert config.parse({"bedrock": {"quotas": {"requests_per_minute": 7}}}).quotas.requests_per_minute == 7


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("profile: full\nstores: {cache: x", "line 2, column 18: "),
        ("profile: full\n\tcache: 1", "line 2, column 1: "),
        ("profile: full\nprofile: [", "line 2, column 11: "),
    ],
)
def test_where_a_file_stops_being_yaml(tmp_path, text, words):
    """The line and the column are said, counted from 1, and all of it on one line, which is the last of a log."""
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        config.load(path)
    assert f"config.yaml: {words}" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("bedrock", [{"window": "hour"}, {"slots": 0}, {"slot": 3}])
def test_what_the_emulator_does_not_take(bedrock):
    """Its part of the file is as strict as the others."""
    with pytest.raises(ConfigError, match=f"bedrock.{next(iter(bedrock))}: "):
        config.parse({"bedrock": bedrock})
