"""Limits of control groups, from trees of files as the kernel shows them."""

import pytest

from loadtester.doctor.cgroup import Limits, cgroup_limits


def _limits(root, membership, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "membership").write_text(membership)
    return cgroup_limits(root, root / "membership")


V1 = "4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n"


@pytest.mark.parametrize(
    ("membership", "files", "limits"),
    [
        ("0::/app\n", {"app/cpu.max": "150000 100000\n", "app/memory.max": "268435456\n"}, Limits(1.5, 1 << 28)),
        ("0::/app\n", {"app/cpu.max": "max 100000\n", "app/memory.max": "max\n"}, Limits()),
        ("0::/a/b\n", {"a/b/cpu.max": "400000 100000\n", "a/cpu.max": "50000 100000\n"}, Limits(0.5)),
        ("0::/\n", {"cpu.max": "200000 100000\n"}, Limits(2.0)),
        ("0::/not/here\n", {"memory.max": "1048576\n"}, Limits(None, 1 << 20)),
        (V1, {
            "cpu/docker/x/cpu.cfs_quota_us": "50000\n", "cpu/docker/x/cpu.cfs_period_us": "100000\n",
            "memory/docker/x/memory.limit_in_bytes": "536870912\n",
        }, Limits(0.5, 1 << 29)),
        (V1, {
            "cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n",
            "memory/memory.limit_in_bytes": "9223372036854771712\n",
        }, Limits()),
        ("", {}, Limits()),
    ],
)  # fmt: skip
def test_the_strictest_limit_holds(tmp_path, membership, files, limits):
    """Version 1 and 2, own and enclosing groups; no limit is None."""
    assert _limits(tmp_path, membership, files) == limits


def test_without_control_groups_there_is_no_limit(tmp_path):
    """Where the kernel has none, or shows none, nothing is limited."""
    assert cgroup_limits(tmp_path, tmp_path / "missing") == Limits()
