"""What a container may use: the limits of this process's control group, version 2 or 1 (kernel: cgroup-v2.rst)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Version 1 says "no limit" with a number near 2**63.
_NO_LIMIT_BYTES = 1 << 60


@dataclass(frozen=True, slots=True)
class Limits:
    """Processor time a second, in cores, and memory; None where there is no limit."""

    cores: float | None = None
    memory_bytes: int | None = None


def cgroup_limits(root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> Limits:
    """The strictest limits of this process's group and of those above it, as far as they can be seen."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return Limits()
    cores: list[float] = []
    memory: list[int] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            for place in _places(root / controller, path):
                cores += _cores(place)
                memory += _memory_bytes(place)
    return Limits(min(cores, default=None), min(memory, default=None))


def _places(root: Path, path: str) -> Iterator[Path]:
    """The group and those above it; inside a container the group's own path often leads nowhere, the root always."""
    place = root / path.strip("/")
    while place != root:
        yield place
        place = place.parent
    yield root


def _cores(place: Path) -> list[float]:
    words = _words(place / "cpu.max") or [
        *_words(place / "cpu.cfs_quota_us"),
        *_words(place / "cpu.cfs_period_us"),
    ]
    match words:
        case [quota, period] if quota.isdecimal() and period.isdecimal():
            return [int(quota) / int(period)]
        case _:  # "max" in version 2, -1 in version 1
            return []


def _memory_bytes(place: Path) -> list[int]:
    words = _words(place / "memory.max") or _words(place / "memory.limit_in_bytes")
    return [int(word) for word in words if word.isdecimal() and int(word) < _NO_LIMIT_BYTES]


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []
