"""The container's files, as far as they can be held against the code without Docker."""

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
