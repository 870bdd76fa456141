"""What was measured is kept, and found again where it holds."""

import platform
from pathlib import Path

import msgspec
import pytest

from loadtester.doctor import Calibration, known_calibration, save
from loadtester.doctor.calibration import calibration_file
from loadtester.errors import FmloadError
from loadtester.loop import LOOP


def _calibration(**changes):
    facts = {
        "measured_at": "2026-01-01T00:00:00+00:00",
        "host": platform.platform(),
        "fmload": "0",
        "python": "3",
        "loop": LOOP,
        "cores": 2,
        "clock_step_s": 1e-7,
        "clock_read_s": 1e-7,
        "steps": (),
        "max_per_s": 1.0,
    }
    return Calibration(**(facts | changes))


def test_what_was_measured_is_found_again(tmp_path):
    """A calibration is kept whole, in a place that is made for it."""
    file = tmp_path / "new" / "calibration.json"
    assert known_calibration(file) is None
    assert save(_calibration(), file) == file
    assert known_calibration(file) == _calibration()
    assert [path.name for path in file.parent.iterdir()] == ["calibration.json"]


@pytest.mark.parametrize(
    "kept",
    [
        b"", b"{}", b"[1]", b"\xff",
        msgspec.json.encode(_calibration(schema=2)),
        msgspec.json.encode(_calibration(host="another")),
        msgspec.json.encode(_calibration(loop="another")),
    ],
)  # fmt: skip
def test_what_does_not_hold_here_is_not_quoted(tmp_path, kept):
    """A file that is cut, of another version, or of another machine or loop counts as none."""
    file = tmp_path / "calibration.json"
    file.write_bytes(kept)
    assert known_calibration(file) is None


def test_a_place_that_can_not_be_written_is_named(tmp_path):
    """The person is told where it should have gone, and how to choose another place."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FmloadError, match=r"calibration\.json") as caught:
        save(_calibration(), tmp_path / "file" / "calibration.json")
    assert "XDG_CACHE_HOME" in caught.value.remedy


@pytest.mark.parametrize(
    ("environ", "system", "place"),
    [
        ({}, "linux", "/u/.cache/fmload/calibration.json"),
        ({"XDG_CACHE_HOME": ""}, "linux", "/u/.cache/fmload/calibration.json"),
        ({"XDG_CACHE_HOME": "/c"}, "linux", "/c/fmload/calibration.json"),
        ({}, "darwin", "/u/Library/Caches/fmload/calibration.json"),
    ],
)
def test_it_is_kept_where_the_system_keeps_caches(environ, system, place):
    """XDG's directory on Linux, Library/Caches on macOS."""
    assert calibration_file(environ, Path("/u"), system) == Path(place)
