"""Each check at its limits, and on the machine that runs the tests."""

import itertools
import ssl

import pytest

from loadtester.doctor import Level, checks
from loadtester.doctor.machine import (
    clock,
    clock_figures,
    cores,
    disk,
    event_loop,
    file_descriptors,
    memory,
    ports,
    trust_store,
)

OK, WARN, FAIL = Level.OK, Level.WARN, Level.FAIL


@pytest.mark.parametrize(
    ("check", "level"),
    [
        (file_descriptors(65_536, 65_536), OK),
        (file_descriptors(10_240, 10_240), OK),
        (file_descriptors(10_239, 65_536), WARN),
        (file_descriptors(256, 256), WARN),
        (file_descriptors(255, 65_536), FAIL),
        (cores(2, None), OK),
        (cores(8, 4.0), OK),
        (cores(1, None), WARN),
        (cores(8, 0.5), WARN),
        (memory(None), OK),
        (memory(512 << 20), OK),
        (memory(256 << 20), WARN),
        (clock(1e-7, 1e-7), OK),
        (clock(2e-6, 1e-7), WARN),
        (clock(1e-7, 2e-6), WARN),
        (clock(0.015, 1e-7), FAIL),
        (ports((32768, 60999)), OK),
        (ports((49152, 59000)), WARN),
        (ports((60000, 60100)), FAIL),
        (ports(None), WARN),
        (event_loop("uvloop 0.22.1"), OK),
        (event_loop("asyncio"), WARN),
        (trust_store(140), OK),
        (trust_store(0), FAIL),
    ],
)
def test_what_is_poor_is_told_with_its_remedy(check, level):
    """A check warns or fails at its limit, then says what to do; else it asks for nothing."""
    assert check.level is level
    assert bool(check.remedy) is (level is not OK)
    assert check.found


def test_the_remedy_for_descriptors_is_one_that_works():
    """`ulimit -n` is only proposed for what the hard limit lets a user take."""
    assert "ulimit -n 4096" in file_descriptors(1024, 4096).remedy
    assert "ulimit" not in file_descriptors(1024, 1024).remedy
    assert "--max-in-flight under 924" in file_descriptors(1024, 1024).remedy


def test_a_limit_that_binds_is_named():
    """The cgroup is only blamed where it allows less than there is."""
    assert cores(4, 1.5).found == "4, held to 1.5 by the cgroup"
    assert cores(2, 8.0).found == "2"
    assert "container" in cores(4, 0.5).remedy


def test_the_clocks_figures_are_what_it_did():
    """Of a clock that takes 3 ns to read and steps by 12, the step is 12 and the reading 3."""
    ticks = itertools.count(1_000, 3)
    step_s, read_s = clock_figures(lambda: next(ticks) // 12 * 12)
    assert step_s == pytest.approx(12e-9)
    assert read_s == pytest.approx(3e-9, rel=0.01)


def test_the_disk_is_looked_at_where_the_directory_will_be(tmp_path):
    """A directory that is not there yet is judged by the one it will be made in, and is not made."""
    assert disk(tmp_path / "a" / "b").level is disk(tmp_path).level
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").write_text("")
    blocked = disk(tmp_path / "file" / "reports")
    assert (blocked.level, blocked.found) == (FAIL, f"{tmp_path / 'file'} can't be written")


def test_a_full_disk_fails(tmp_path, monkeypatch):
    """Under 1 GB is a warning, under 100 MB a failure."""
    usage = type("Usage", (), {})
    for free, level in ((2 << 30, OK), (500 << 20, WARN), (50 << 20, FAIL)):
        usage.free = free
        monkeypatch.setattr("loadtester.doctor.machine.shutil.disk_usage", lambda _: usage)
        assert disk(tmp_path).level is level


def test_an_empty_trust_store_is_found(tmp_path, monkeypatch):
    """What OpenSSL would look at is what is looked at, as the environment has it."""
    (tmp_path / "none.pem").write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert ssl.get_default_verify_paths().capath == str(tmp_path)
    assert {check.subject: check.level for check in checks(tmp_path)}["TLS trust store"] is FAIL


def test_every_subject_is_looked_at_once(tmp_path):
    """On any machine there is one line for each."""
    assert [check.subject for check in checks(tmp_path)] == [
        "file descriptors", "cores", "memory limit", "clock",
        "ephemeral ports", "event loop", "TLS trust store", "disk",
    ]  # fmt: skip
