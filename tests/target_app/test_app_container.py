"""The container's files, as far as they can be held against the code without Docker."""

import json
import re
from pathlib import Path

import yaml

from target_app import config
from target_app.__main__ import _parser

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_the_configuration_in_the_compose_file_is_one():
    """The service takes the configuration, and its stores are services of the file."""
    parsed = config.parse(yaml.safe_load(COMPOSE["configs"]["mangaassist"]["content"]))
    assert "//dynamodb:8000" in parsed.stores.products
    assert "//redis:" in parsed.stores.cache
    assert {"redis", "dynamodb"} <= set(COMPOSE["services"]["app"]["depends_on"]) <= set(COMPOSE["services"])


def test_the_commands_are_ones_that_the_service_takes(tmp_path):
    """Both parts start with options that they have."""
    path = tmp_path / "config.yaml"
    path.write_text(COMPOSE["configs"]["mangaassist"]["content"])
    for name in ("app", "bedrock"):
        command = [
            str(path) if word == "/etc/mangaassist.yaml" else word for word in COMPOSE["services"][name]["command"]
        ]
        options = _parser().parse_args(command)
        assert (options.part, options.host, options.port) == (name, "0.0.0.0", 8080)


def test_the_image_runs_as_nobody_and_is_checked():
    """The last stage has neither root nor a moving tag, and says how to see whether it lives."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    last = lines[[n for n, line in enumerate(lines) if line.startswith("FROM")][-1] :]
    assert "USER 10001" in last
    assert any(line.startswith("HEALTHCHECK") for line in last)
    images = [line.split()[1] for line in lines if line.startswith("FROM")]
    images += [service["image"] for service in COMPOSE["services"].values() if "image" in service]
    assert all(":" in image and not image.endswith(":latest") for image in images)


def test_the_dockerfile_is_one_that_a_builder_reads():
    """Known instructions only, stages that begin with FROM, JSON forms that are JSON, and stages that exist."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    steps = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    assert steps[0][0] == "FROM"
    assert {step[0] for step in steps} <= known
    stages = [step[1].split()[2] for step in steps if step[0] == "FROM" and " AS " in step[1]]
    assert {word.partition("=")[2] for step in steps for word in step[1].split() if word.startswith("--from=")} <= set(
        stages
    )
    for name, rest in steps:
        if name in ("ENTRYPOINT", "CMD"):
            assert all(isinstance(word, str) for word in json.loads(rest))
        if name == "HEALTHCHECK":
            assert json.loads(rest.partition("CMD ")[2])[0] == "python"
    last = max(n for n, step in enumerate(steps) if step[0] == "FROM")
    assert [name for name, _ in steps[last:]].count("CMD") == 1
    # What runs as root runs before the user is changed; the files it needs are not written after that.
    user = next(n for n, step in enumerate(steps) if n > last and step[0] == "USER")
    assert not [name for name, _ in steps[user:] if name in ("RUN", "COPY")]


def test_the_compose_file_holds_together():
    """Each service has one source, keys that Compose knows, and refers to services and configs that are there."""
    known = {"build", "command", "configs", "depends_on", "environment", "image", "ports"}
    assert COMPOSE.keys() == {"services", "configs"}
    for name, service in COMPOSE["services"].items():
        assert service.keys() <= known, name
        assert ("build" in service) != ("image" in service), name
        assert set(service.get("depends_on", ())) <= COMPOSE["services"].keys() - {name}
        assert {entry["source"] for entry in service.get("configs", ())} <= COMPOSE["configs"].keys()
        # Nothing listens but on this machine, and what looks like a number is text, as Compose wants it.
        assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in service.get("ports", ())), name
        assert all(isinstance(word, str) for word in service.get("command", ())), name
        assert all(isinstance(value, str) for value in service.get("environment", {}).values()), name
    exposed = re.search(r"^EXPOSE (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[1]
    hosts = set(re.findall(r"//(\w+):(\d+)", str(COMPOSE)))
    assert {host for host, _ in hosts} <= COMPOSE["services"].keys()
    assert {port for host, port in hosts if "build" in COMPOSE["services"][host]} == {exposed}
