"""Looks at what a load generator needs of its machine; nothing is changed, and nothing is sent."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from loadtester.doctor.cgroup import cgroup_limits
from loadtester.doctor.check import Check, Level, graded
from loadtester.loop import LOOP

#: Descriptors that the default --max-in-flight of 10,000 needs, a connection a request, and a few for files.
_DESCRIPTORS = 10_240
_FEWEST_DESCRIPTORS = 256
#: Connections that were closed keep their port for a minute (TIME_WAIT): 10,000 of them allow 160 new ones a second.
_PORTS = 10_000
_MEMORY_BYTES = 512 << 20
_POOR_STEP_S = 1e-6
_WORST_STEP_S = 1e-3
_POOR_READ_S = 1e-6
#: An hour at 1,000/s takes 165 MB: 46 bytes a request on disk.
_DISK_BYTES = 1 << 30
_LEAST_DISK_BYTES = 100 << 20
_UNLIMITED_DESCRIPTORS = 1 << 30

_STEPS = 1_000
_LINUX_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_MAC_PORTS = ("net.inet.ip.portrange.first", "net.inet.ip.portrange.last")


def checks(out: Path) -> list[Check]:
    """Everything that is looked at; `out` is where run directories will go."""
    limits = cgroup_limits()
    return [
        file_descriptors(*_descriptor_limits()),
        cores(_usable_cores(), limits.cores),
        memory(limits.memory_bytes),
        clock(*clock_figures(time.perf_counter_ns)),
        ports(_port_range()),
        event_loop(LOOP),
        trust_store(_certificates()),
        disk(out),
    ]


def file_descriptors(soft: int, hard: int) -> Check:
    """Each request in flight has a connection of its own, or shares one with its conversation."""
    wanted = min(65_536, hard)
    remedy = f"ulimit -n {wanted}" if wanted > soft else "raise the hard limit (LimitNOFILE=, limits.conf)"
    return graded(
        "file descriptors",
        "unlimited" if soft >= _UNLIMITED_DESCRIPTORS else f"{soft:,}",
        f"{remedy}, or keep --max-in-flight under {max(soft - 100, 1):,}",
        is_failed=soft < _FEWEST_DESCRIPTORS,
        is_poor=soft < _DESCRIPTORS,
    )


def cores(usable: int, limit: float | None) -> Check:
    """A generator that shares its only core with anything measures that too."""
    is_limited = limit is not None and limit < usable
    return graded(
        "cores",
        f"{usable}, held to {limit:g} by the cgroup" if is_limited else f"{usable}",
        "raise the container's CPU limit: when it is used up, the generator is stopped for part of each 100 ms"
        if is_limited
        else "leave the core to fmload: run the target elsewhere",
        is_failed=False,
        is_poor=usable < 2 or (limit is not None and limit < 1),  # noqa: PLR2004  one for each side
    )


def memory(limit_bytes: int | None) -> Check:
    """A process over its cgroup's limit is killed, and the run with it."""
    return graded(
        "memory limit",
        "none" if limit_bytes is None else f"{limit_bytes / (1 << 20):,.0f} MB by the cgroup",
        f"raise the container's memory limit to {_MEMORY_BYTES >> 20} MB or more",
        is_failed=False,
        is_poor=limit_bytes is not None and limit_bytes < _MEMORY_BYTES,
    )


def clock_figures(now_ns: Callable[[], int]) -> tuple[float, float]:
    """The smallest step that the clock was seen to make, and what a look at it takes; both in seconds."""
    began_ns = now_ns()
    steps_ns: list[int] = []
    reads, last_ns = 0, began_ns
    while len(steps_ns) < _STEPS:
        seen_ns = now_ns()
        reads += 1
        if seen_ns > last_ns:
            steps_ns.append(seen_ns - last_ns)
            last_ns = seen_ns
    return min(steps_ns) / 1e9, (last_ns - began_ns) / reads / 1e9


def clock(step_s: float, read_s: float) -> Check:
    """No figure can be finer than the clock."""
    return graded(
        "clock",
        f"steps of {step_s * 1e9:,.0f} ns, {read_s * 1e9:,.0f} ns to read",
        "let the kernel use the processor's own counter (clocksource=tsc); some virtual machines have none",
        is_failed=step_s > _WORST_STEP_S,
        is_poor=step_s > _POOR_STEP_S or read_s > _POOR_READ_S,
    )


def ports(bounds: tuple[int, int] | None) -> Check:
    """Each connection to one address takes one of the machine's ephemeral ports."""
    if bounds is None:
        return Check(Level.WARN, "ephemeral ports", "not known", "make sure that there are more than connections")
    count = bounds[1] - bounds[0] + 1
    return graded(
        "ephemeral ports",
        f"{count:,} ({bounds[0]}-{bounds[1]})",
        'sudo sysctl -w net.ipv4.ip_local_port_range="10240 65535"'
        if sys.platform == "linux"
        else f"sudo sysctl -w {_MAC_PORTS[0]}=16384",
        is_failed=count < _FEWEST_DESCRIPTORS,
        is_poor=count < _PORTS,
    )


def event_loop(name: str) -> Check:
    """Which loop carries the load."""
    return graded(
        "event loop",
        name,
        "pip install uvloop (CPython on Linux or macOS): asyncio's own loop carries less and is later",
        is_failed=False,
        is_poor=not name.startswith("uvloop"),
    )


def trust_store(certificates: int) -> Check:
    """Without certificates to trust, no TLS target can be verified."""
    return graded(
        "TLS trust store",
        f"{certificates:,} certificates" if certificates else "empty",
        "install the system's CA certificates (Debian: ca-certificates), set SSL_CERT_FILE, or give --ca-file",
        is_failed=certificates == 0,
        is_poor=False,
    )


def disk(out: Path) -> Check:
    """Run directories are written as the run goes; a full disk ends it."""
    place = out.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    is_writable = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    return graded(
        "disk",
        f"{free / (1 << 30):,.1f} GB free for {out}" if is_writable else f"{place} can't be written",
        "free space there, or choose another place with --out DIR",
        is_failed=not is_writable or free < _LEAST_DISK_BYTES,
        is_poor=free < _DISK_BYTES,
    )


def _descriptor_limits() -> tuple[int, int]:
    if sys.platform == "win32":
        return _UNLIMITED_DESCRIPTORS, _UNLIMITED_DESCRIPTORS
    import resource  # noqa: PLC0415  not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return tuple(_UNLIMITED_DESCRIPTORS if limit == resource.RLIM_INFINITY else limit for limit in (soft, hard))  # type: ignore[return-value]  # two in, two out


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _port_range() -> tuple[int, int] | None:
    try:
        if sys.platform == "linux":
            said = _LINUX_PORTS.read_text()
        else:
            command = ["/usr/sbin/sysctl", "-n", *_MAC_PORTS]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603  fixed words
        first, last = map(int, said.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return first, last


def _certificates() -> int:
    """How many there are to trust: in the one file, or in the directory that is looked through when one is needed."""
    paths = ssl.get_default_verify_paths()
    if paths.capath and (found := sum(1 for entry in Path(paths.capath).iterdir() if entry.suffix == ".0")):
        return found
    return ssl.create_default_context().cert_store_stats()["x509_ca"]
