"""A recorded trace is replayed as recorded, and what is wrong with it is said all at once, by line."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadtester import schedule
from loadtester.errors import Exit, FmloadError
from loadtester.schedule import read_trace

EXCERPT = Path(schedule.__file__).parent / "azure_conv_excerpt.csv"
HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens"
GOOD = "2023-11-16 18:15:46.6805900,374,44"
PROPERTY = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def write(tmp_path):
    def written(*lines, data=None, end="\n"):
        path = tmp_path / "trace.csv"
        path.write_bytes(data if data is not None else "".join(line + end for line in lines).encode())
        return path

    return written


def read(path, *, speed=1.0, duration_s=None, requests=None):
    return read_trace(path, speed=speed, duration_s=duration_s, requests=requests)


def at(*seconds):
    """Rows at seconds (and decimals) past the hour, with token counts 10, 11 and so on."""
    return [f"2024-05-10 12:00:{second},{10 + place},{20 + place}" for place, second in enumerate(seconds)]


def refused(path, **options):
    with pytest.raises(FmloadError) as raised:
        read(path, **options)
    assert raised.value.code == Exit.INPUT
    assert raised.value.remedy
    return raised.value.message


def test_azure_excerpt():
    """The first 200 requests of Azure's trace: first at 0, to its 100 ns, with their tokens."""
    arrivals = read(EXCERPT)
    assert len(arrivals) == 200
    # 18:15:46.6805900, 18:15:50.9951690
    assert arrivals.due_ns[:2].tolist() == [0, 4_314_579_000]
    assert arrivals.input_tokens[:2].tolist() == [374, 396]
    assert arrivals.output_tokens[:2].tolist() == [44, 109]
    assert arrivals.duration_s == arrivals.due_ns[-1] / 1e9
    assert (np.diff(arrivals.due_ns) >= 0).all()
    assert arrivals.id.tolist() == arrivals.session.tolist() == list(range(200))
    assert set(arrivals.turn.tolist()) == {1}
    assert [column.dtype for column in (arrivals.id, arrivals.due_ns, arrivals.session)] == [np.int64] * 3
    assert [column.dtype for column in (arrivals.input_tokens, arrivals.output_tokens)] == [np.int64] * 2
    assert arrivals.turn.dtype == np.int32


def test_shards_carry_tokens():
    """A shard of a trace keeps each request's tokens."""
    arrivals = read(EXCERPT)
    assert arrivals.shard(1, 3).input_tokens.tolist() == arrivals.input_tokens[1::3].tolist()


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0, 1000.0])
def test_speed(speed):
    """Times are divided by the speed, to the nanosecond."""
    real, fast = read(EXCERPT), read(EXCERPT, speed=speed)
    assert np.abs(fast.due_ns * speed - real.due_ns).max() <= 0.5 * speed
    assert len(fast) == len(real)


def test_duration_cuts_in_seconds_of_the_run(write):
    """Arrivals from the duration on are left out, after the speed is applied; the run is then that long."""
    path = write(HEADER, *at("00", "02", "04", "06.5"))
    for speed, length_s, count in ((1, 4, 2), (1, 4.001, 3), (2, 2, 2), (2, 3, 3), (1, 0.5, 1)):
        arrivals = read(path, speed=speed, duration_s=length_s)
        assert len(arrivals) == count
        assert arrivals.duration_s == length_s


def test_a_trace_ends_before_the_duration(write):
    """A duration longer than the trace leaves the run as long as the trace."""
    assert read(write(HEADER, *at("00", "06.5")), duration_s=60).duration_s == 6.5


def test_requests_cut(write):
    """So many requests at most; the run ends with the last."""
    path = write(HEADER, *at("00", "02", "04", "06.5"))
    assert read(path, requests=3).duration_s == 4
    assert read(path, requests=3).input_tokens.tolist() == [10, 11, 12]
    assert len(read(path, requests=99)) == 4
    assert len(read(path, requests=3, duration_s=3)) == 2
    assert read(path, requests=3, duration_s=3).duration_s == 3
    assert len(read(path, requests=0)) == 0


def test_one_instant_has_a_length(write):
    """A trace of one request, or of one instant, lasts a second, so that its rate is a number."""
    assert read(write(HEADER, *at("30"))).duration_s == 1
    assert read(write(HEADER, *at("30", "30"))).due_ns.tolist() == [0, 0]


def test_out_of_order_is_sorted(write):
    """Rows are sorted by time; rows of one instant keep the file's order."""
    arrivals = read(write(HEADER, *at("05", "01", "05", "03")))
    assert arrivals.due_ns.tolist() == [0, 2 * 10**9, 4 * 10**9, 4 * 10**9]
    assert arrivals.input_tokens.tolist() == [11, 13, 10, 12]
    assert arrivals.session.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_layouts(write, end, mark):
    """A byte order mark, CRLF, blank lines, spaces, quotes and further columns in any order do no harm."""
    path = write(
        mark + "GeneratedTokens, Model ,TIMESTAMP,ContextTokens", "", '"44",x,"2024-05-10 12:00:00", 7 ', end=end
    )
    arrivals = read(path)
    assert arrivals.input_tokens.tolist() == [7]
    assert arrivals.output_tokens.tolist() == [44]


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2024-05-10 12:00:01", 10**9),
        ("2024-05-10T12:00:01Z", 10**9),
        ("2024-05-10 12:00:00.000000001", 1),
        ("2024-05-10 12:00:00.5", 5 * 10**8),
        ("2024-05-10 21:00:01.0000001+09:00", 10**9 + 100),
        ("2024-05-11 12:00:00.000000", 86400 * 10**9),
    ],
)
def test_times(write, text, ns):
    """Times are exact to the nanosecond, with or without decimals and an offset; UTC where none is given."""
    assert read(write(HEADER, "2024-05-10 12:00:00,1,1", f"{text},1,1")).due_ns.tolist() == [0, ns]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("yesterday,1,1", "TIMESTAMP is 'yesterday', not a time like"),
        ("2024-02-30 12:00:00,1,1", "TIMESTAMP is '2024-02-30 12:00:00', not a time like"),
        ("2024-05-10 25:00:00,1,1", "TIMESTAMP is '2024-05-10 25:00:00'"),
        ("1715342400.5,1,1", "TIMESTAMP is '1715342400.5'"),
        ("9999-01-01 00:00:00,1,1", "TIMESTAMP is '9999-01-01 00:00:00'"),
        (",1,1", "TIMESTAMP is ''"),
        ("2024-05-10 12:00:00,0,1", "ContextTokens is '0', not a whole number from 1"),
        ("2024-05-10 12:00:00,-5,1", "ContextTokens is '-5'"),
        ("2024-05-10 12:00:00,1.5,1", "ContextTokens is '1.5'"),
        ("2024-05-10 12:00:00,1,0", "GeneratedTokens is '0', not a whole number from 1"),
        ("2024-05-10 12:00:00,1,", "GeneratedTokens is ''"),
        ("2024-05-10 12:00:00,1,٣", "GeneratedTokens is '٣'"),
        ("2024-05-10 12:00:00,1," + "9" * 5000, "GeneratedTokens is '" + "9" * 40 + "…'"),
        ("2024-05-10 12:00:00,1", "2 columns where the header has 3"),
        ("2024-05-10 12:00:00,1,1,1", "4 columns where the header has 3"),
        ('2024-05-10 12:00:00,1,"1"x', "not CSV from here on"),
    ],
)
def test_bad_row(write, row, fault):
    """A bad row is named by file and line, with what is wrong."""
    path = write(HEADER, GOOD, "", row)
    message = refused(path)
    assert str(path) in message
    assert f"line 4: {fault}" in message


def test_bad_rows_come_together(write):
    """All bad rows are told at once, up to ten, and how many more there are."""
    message = refused(write(HEADER, GOOD, *["x,1,1"] * 12, GOOD))
    assert [f"line {line}:" in message for line in (2, 3, 12, 13, 15)] == [False, True, True, False, False]
    assert "and 2 more" in message
    assert "more" not in refused(write(HEADER, *["x,1,1"] * 10))


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "line 1: no column TIMESTAMP, ContextTokens, GeneratedTokens; found nothing"),
        (b"TIMESTAMP,ContextTokens\n", "line 1: no column GeneratedTokens; found TIMESTAMP, ContextTokens"),
        (b"2023-11-16 18:15:46,374,44\n", "found 2023-11-16 18:15:46, 374, 44"),
        (HEADER.encode() + b"\r\n", "has no requests"),
        (HEADER.encode() + b"\n\xff\xfe\n", "is not UTF-8 text"),
        (b"\x1f\x8b\x08\x00compressed", "is not UTF-8 text"),
    ],
)
def test_no_trace(write, data, fault):
    """A file that is no trace is refused with what was found."""
    assert fault in refused(write(data=data))


def test_no_file(tmp_path):
    """A file that isn't there or isn't a file is named."""
    assert "missing.csv can't be read: No such file" in refused(tmp_path / "missing.csv")
    assert f"{tmp_path} can't be read: Is a directory" in refused(tmp_path)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf"), 1e-300])
def test_bad_speed(speed):
    """A speed is a number above 0."""
    assert "speed" in refused(EXCERPT, speed=speed)


def test_bad_cuts():
    """A duration is above 0, a number of requests not below it."""
    assert "duration is 0" in refused(EXCERPT, duration_s=0)
    assert "duration is nan" in refused(EXCERPT, duration_s=float("nan"))
    assert "requests is -1" in refused(EXCERPT, requests=-1)


def test_a_wrong_date_is_found(write):
    """A replay of over a year is refused, unless what is kept of it is shorter."""
    path = write(HEADER, *at("00", "01"), "2042-05-10 12:00:00,1,1")
    assert "would take 6,574 days" in refused(path)
    assert len(read(path, duration_s=60)) == len(read(path, requests=2)) == 2
    assert len(read(path, speed=1000.0)) == 3


@PROPERTY
@given(rows=st.lists(st.tuples(st.integers(0, 10**11), st.integers(1, 10**6), st.integers(1, 10**4)), min_size=1))
def test_round_trip(write, rows):
    """What is written in the layout comes back: sorted, from 0, with its tokens."""
    lines = [
        f"2024-05-10 12:{ns // (60 * 10**9):02}:{ns // 10**9 % 60:02}.{ns % 10**9:09},{context},{generated}"
        for ns, context, generated in rows
    ]
    arrivals = read(write(HEADER, *lines))
    expected = sorted(rows, key=lambda row: row[0])
    assert arrivals.due_ns.tolist() == [ns - expected[0][0] for ns, _, _ in expected]
    assert arrivals.input_tokens.tolist() == [context for _, context, _ in expected]
    assert arrivals.output_tokens.tolist() == [generated for _, _, generated in expected]
