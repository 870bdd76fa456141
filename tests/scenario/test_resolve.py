"""Command line over FMLOAD_* over file over default; each value says where it came from; faults come at once."""

import dataclasses
import pickle
from decimal import Decimal
from pathlib import Path

import pytest

from loadtester.errors import Exit, FmloadError
from loadtester.scenario import resolve
from loadtester.scenario.fields import FIELDS


def write(tmp_path, text, name="s.yaml"):
    file = tmp_path / name
    file.write_text(text)
    return file


def error_of(flags, **sources):
    with pytest.raises(FmloadError) as caught:
        resolve(flags, **sources)
    return caught.value


def test_nothing_said_is_the_defaults():
    """The documented defaults, with their origins."""
    scenario = resolve({})
    load, bundled = scenario.load, scenario.bundled
    assert (load.pattern, load.rate_per_s, load.duration_s, load.requests) == ("sustained", 5, 60, None)
    assert (load.arrivals, load.seed, load.speed, load.stages, load.trace) == ("uniform", 1, 1, (), None)
    assert (load.timeout_s, load.graceful_stop_s, load.max_in_flight) == (30, 30, 10_000)
    assert (scenario.target.headers, scenario.target.is_streaming, scenario.target.ca_file) == ({}, True, None)
    assert dataclasses.astuple(bundled) == (1, 1.0, 100_000, None, 200, "bucket")
    assert (scenario.max_tokens, dataclasses.astuple(scenario.judge)) == (
        1024,
        (3.0, 1_000_000, (), False, 10.0, False),
    )
    assert scenario.output == dataclasses.replace(scenario.output, directory=Path("reports"), name="sustained", tags={})
    assert scenario.prices == {}
    assert (scenario.output.keep, scenario.output.redact) == (20, {})
    assert set(scenario.origins.values()) == {"default", "the pattern", "the bundled target"}


#: For each field one value, two others, and what the last becomes: as text, as every source can give it.
VALUES = [
    ("load.rate", "1/s", "2/s", "300/m", 5.0),
    ("load.duration", "11s", "12s", "2m", 120.0),
    ("load.arrivals", "uniform", "uniform", "poisson", "poisson"),
    ("load.seed", "1", "2", "3", 3),
    ("load.timeout", "1s", "2s", "3s", 3.0),
    ("load.graceful_stop", "1s", "2s", "0s", 0.0),
    ("load.warmup", "1s", "2s", "3s", 3.0),
    ("load.stop_when_saturated", "false", "false", "yes", True),
    ("load.max_in_flight", "1", "2", "1_000", 1000),
    ("load.workers", "1", "auto", "3", 3),
    ("load.on_throttle", "record", "record", "backoff", "backoff"),
    ("load.max_attempts", "2", "3", "4", 4),
    ("safety.max_cost", "1", "2", "$0.25", Decimal("0.25")),
    ("safety.max_requests", "1", "2", "3", 3),
    ("safety.max_rate", "1/s", "2/s", "30/m", 0.5),
    ("safety.confirm_over_usd", "1", "2", "0", Decimal(0)),
    ("target.client", "fast", "fast", "compat", "compat"),
    ("load.pattern", "ramp", "burst", "spike", "spike"),
    ("target.url", "ws://a", "ws://b", "ws://c", "ws://c"),
    ("target.protocol", "rest", "bedrock", "sse", "sse"),
    ("target.streaming", "true", "true", "no", False),
    ("load.users", "1", "2", "3", 3),
    ("load.ai_users", "1", "0.5", "30%", 0.3),
    ("bundled.seed", "1", "2", "3", 3),
    ("bundled.time_scale", "1", "2", "0", 0.0),
    ("bundled.tokens_per_minute", "1", "2", "0", 0),
    ("bundled.requests_per_minute", "1", "2", "3", 3),
    ("bundled.model_connections", "1", "2", "3", 3),
    ("bundled.window", "bucket", "bucket", "minute", "minute"),
    ("quota.tokens_per_minute", "1", "2", "3", 3),
    ("quota.requests_per_minute", "1", "2", "3", 3),
    ("quota.window", "bucket", "bucket", "minute", "minute"),
    ("quota.prompt_tokens", "1", "2", "0", 0),
    ("max_tokens", "1", "2", "3", 3),
    ("slo", "1s", "2s", "3s", 3.0),
    ("daily_messages", "1", "2", "3", 3),
    ("output.directory", "a", "b", "c/d", Path("c/d")),
    ("output.name", "a", "b", "2024", "2024"),
    ("abort_on_fail", "false", "false", "yes", True),
    ("abort_delay", "1s", "2s", "0s", 0.0),
    ("strict_ci", "false", "false", "yes", True),
    ("observe.prometheus", "1", "2", ":9464", "127.0.0.1:9464"),
    ("observe.remote_write", "http://a", "http://b", "http://c", "http://c"),
    ("observe.otel", "false", "false", "yes", True),
    ("observe.otel_endpoint", "http://a", "http://b", "http://c", "http://c"),
    ("observe.otel_sample", "0.1", "0.2", "30%", 0.3),
    ("observe.otel_content", "false", "false", "yes", True),
    ("output.keep", "1", "2", "0", 0),
]


#: What else has to be said in a file for a key to mean anything.
BESIDE = dict.fromkeys(("observe.otel_sample", "observe.otel_content"), "  otel: true\n")


def in_file(path, text):
    section, _, key = path.rpartition(".")
    return f"{section}:\n  {key}: {text}\n{BESIDE.get(path, '')}" if section else f"{key}: {text}\n"


@pytest.mark.parametrize(("path", "lightest", "middle", "last", "value"), VALUES)
def test_the_weightiest_source_wins(tmp_path, path, lightest, middle, last, value):
    """For every field: the file beats the default, the environment the file, the command line the environment."""
    field = next(field for field in FIELDS if field.path == path)
    group, _, name = field.attribute.rpartition(".")

    def resolved(*texts):
        file = write(tmp_path, in_file(path, texts[0]))
        environ = {field.variable: texts[1]} if len(texts) > 1 else {}
        flags = {path: texts[2]} if len(texts) > 2 else {}
        scenario = resolve(flags, file=file, environ=environ)
        return getattr(getattr(scenario, group) if group else scenario, name), scenario.origins[field.attribute]

    line = 2 if "." in path else 1
    assert resolved(last) == (value, f"scenario {tmp_path / 's.yaml'}:{line}")
    assert resolved(lightest, last) == (value, f"environment {field.variable}")
    assert resolved(lightest, middle, last) == (value, f"command line {field.label}")


@pytest.mark.parametrize(("key", "value"), [("otel_sample", "5%"), ("otel_content", "true")])
def test_what_is_to_be_in_spans_needs_some(tmp_path, key, value):
    """A wish about spans where none are sent is a mistake, and not one to be found out from an empty collector."""
    flag = f"--{key.replace('_', '-')}"
    with pytest.raises(FmloadError, match=f"^{flag}: needs --otel; fix: ") as raised:
        resolve({f"observe.{key}": value})
    assert raised.value.code is Exit.USAGE
    file = write(tmp_path, f"observe:\n  otel: false\n  {key}: {value}\n")
    with pytest.raises(FmloadError, match=f":3: observe.{key}: needs otel: true; fix: ") as raised:
        resolve({}, file=file)
    assert raised.value.code is Exit.INPUT
    for enough in ({"observe.otel": True}, {"observe.otel_endpoint": "http://127.0.0.1:4318"}):
        assert resolve(enough, file=write(tmp_path, f"observe:\n  {key}: {value}\n")).observe.has_otel
        assert resolve({f"observe.{key}": value, **enough}).observe.has_otel
    assert not resolve({}, environ={f"FMLOAD_{key.upper()}": value}).observe.has_otel


def test_every_scalar_field_is_in_the_table_above():
    """A new field has to be proven, too; those left out here have tests of their own."""
    elsewhere = {
        "description", "load.requests", "load.stages", "load.user_stages", "load.think_time", "load.trace",
        "load.speed", "target.region", "target.endpoint_url", "target.headers", "target.ca_file", "mix", "model",
        "prices", "thresholds", "output.tags", "output.redact",
    }  # fmt: skip
    assert {row[0] for row in VALUES} | elsewhere == {field.path for field in FIELDS}


def test_values_of_any_type_do_as_flags():
    """Flags may be numbers and booleans, as a command line parser gives them."""
    scenario = resolve({"load.requests": 7, "load.seed": 3, "bundled.time_scale": 1e-05, "target.streaming": False})
    assert (scenario.load.requests, scenario.load.seed, scenario.bundled.time_scale) == (7, 3, 1e-05)
    assert scenario.target.is_streaming is False
    assert resolve({"load.rate": None}).origins["load.rate_per_s"] == "default"


def test_a_path_that_is_no_fields_is_the_callers_mistake():
    """A flag that no row has is a fault of the program, not of the user."""
    with pytest.raises(KeyError):
        resolve({"load.ratte": "5/s"})


def test_headers_tags_and_prices_are_put_together(tmp_path):
    """Mappings are merged name by name; the weightier source's value replaces, in whatever case a header is written."""
    file = write(
        tmp_path,
        "target:\n  headers: {X-One: file, x-two: file}\n"
        "output:\n  tags: {team: search, run: 7}\n"
        "prices:\n  m: {input: 0.80, output: $4}\n",
    )
    environ = {"FMLOAD_HEADER": "X-Two: env\nX-Three: a, b; c", "FMLOAD_TAG": "run=8,branch=main"}
    scenario = resolve({"target.headers": ["x-one: flag"]}, file=file, environ=environ)
    assert scenario.target.headers == {"x-one": "flag", "X-Two": "env", "X-Three": "a, b; c"}
    assert scenario.output.tags == {"team": "search", "run": "8", "branch": "main"}
    assert scenario.prices == {"m": {"input": Decimal("0.80"), "output": Decimal(4)}}
    assert scenario.origins["target.headers"] == (
        f"command line --header, environment FMLOAD_HEADER, scenario {file}:2"
    )


def test_stages_from_the_environment():
    """Variables that hold several values split them by commas or spaces."""
    scenario = resolve({}, environ={"FMLOAD_STAGE": "1m:2/s, 30s:0"})
    assert [(stage.duration_s, stage.rate_per_s) for stage in scenario.load.stages] == [(60, 2), (30, 0)]


def test_empty_says_nothing(tmp_path):
    """An empty variable, an empty section and a key without a value leave the default."""
    file = write(tmp_path, "load:\n  rate:\n  duration: ~\ntarget:\nmix: null\n")
    assert resolve({}, file=file, environ={"FMLOAD_RATE": " "}).load == resolve({}).load


def test_input_files_start_at_the_scenario_file(tmp_path, monkeypatch):
    """Relative input paths in a file start at its folder, on the command line at the working directory."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "ca.pem").write_text("x")
    file = write(
        tmp_path, "load: {trace: t.csv}\ntarget: {ca_file: ca.pem}\noutput: {directory: out}\n", "inner/s.yaml"
    )
    scenario = resolve({}, file=file)
    assert scenario.load.trace == tmp_path / "inner" / "t.csv"
    assert scenario.target.ca_file == tmp_path / "inner" / "ca.pem"
    assert scenario.output.directory == Path("out")
    monkeypatch.chdir(tmp_path)
    assert resolve({"target.ca_file": "inner/ca.pem"}).target.ca_file == Path("inner/ca.pem")


def test_name_is_the_scenarios_or_the_patterns(tmp_path):
    """A run is called after its scenario, else its pattern, unless it has a name."""
    file = write(tmp_path, "load: {rate: 1/s}\n", "nightly.yaml")
    assert resolve({}, file=file).output.name == "nightly"
    assert resolve({"load.pattern": "burst"}).output.name == "burst"
    assert resolve({"output.name": "mine"}, file=file).output.name == "mine"


def test_a_scenario_survives_the_way_to_another_process():
    """A scenario can be pickled: shards run elsewhere."""
    scenario = resolve({"target.headers": ["A: b"], "load.stages": ["1m:2/s"]})
    assert pickle.loads(pickle.dumps(scenario)) == scenario  # noqa: S301  our own bytes


THREE = """\
load:
  pattern: spkie
  rate: -5/s
mix:
  greeting: 0.5
"""


def test_three_faults_of_a_file_come_at_once(tmp_path, monkeypatch):
    """Every fault of a file is in one message, each with its line, what is wrong, and the fix."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, THREE)
    error = error_of({}, file="s.yaml")
    assert error.code is Exit.INPUT
    assert error.message == (
        "3 faults:\n"
        "s.yaml:2: load.pattern: 'spkie' is not a pattern; fix: did you mean spike? "
        "(one of sustained, ramp, burst, spike, production, stages, trace, users)\n"
        "s.yaml:3: load.rate: '-5/s' is negative; fix: write a rate, such as 5/s, 300/m or 10/h\n"
        "s.yaml:4: mix: the shares add up to 0.5, not 1; fix: raise them by 0.5 in all, such as greeting 1"
    )


def test_faults_of_all_sources_come_at_once(tmp_path, monkeypatch):
    """File, environment and command line are all checked, also where another source wins; wrong usage weighs more."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "load: {rate: fast}\n")
    error = error_of(
        {"load.duration": "0s", "load.rate": "5/s"}, file="s.yaml", environ={"FMLOAD_SEED": "x", "FMLOAD_SPEDE": "2"}
    )
    assert error.code is Exit.USAGE
    assert error.message == (
        "4 faults:\n"
        "s.yaml:1: load.rate: 'fast' is not a rate; fix: write 5/s, 300/m or 10/h\n"
        "FMLOAD_SEED: 'x' is not a whole number; fix: write digits, such as 100 or 1_000\n"
        "FMLOAD_SPEDE: no setting has this name; fix: did you mean FMLOAD_SPEED? otherwise unset it\n"
        "--duration: '0s' is too little; fix: give more than 0s"
    )


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("lod:\n  rate: 5\n", "s.yaml:1: lod: unknown key", "did you mean load?"),
        ("load:\n  ratte: 5\n", "s.yaml:2: load.ratte: unknown key", "did you mean rate?"),
        ("load:\n  slo: 3s\n", "s.yaml:2: load.slo: unknown key", "did you mean slo?"),
        ("rate: 5\n", "s.yaml:1: rate: unknown key", "did you mean load.rate?"),
        (
            "output: {qqq: 1}\n",
            "s.yaml:1: output.qqq: unknown key",
            "keys here are directory, name, tags, keep, redact",
        ),
        ("- load\n", "s.yaml:1: is a list, not a mapping", "write `load:`, `target:` and so on at the start of a line"),
        ("load: 5\n", "s.yaml:1: load: is '5', not a mapping", "write its keys indented below `load:`"),
        ("load:\n  rate: [5]\n", "s.yaml:2: load.rate: is a list", "write one value, such as 5/s"),
        ("load:\n  rate: {a: 5}\n", "s.yaml:2: load.rate: is a mapping", "write one value, such as 5/s"),
        ("load:\n  rate: 0\n", "s.yaml:2: load.rate: '0' is too little", "give more than 0/s"),
        ("load:\n  rate: 2000000\n", "s.yaml:2: load.rate: '2000000' is more than 1000000/s", "give 1000000/s or less"),
        ("load:\n  max_in_flight: 0\n", "s.yaml:2: load.max_in_flight: '0' is less than 1", "give 1 or more"),
        (
            "load:\n  stages:\n  - 1m:2/s\n  - 2x:3/s\n",
            "s.yaml:4: load.stages[1]: '2x' is not a duration",
            "write 90s, 2m, 1h30m or 500ms",
        ),
        ("load:\n  stages: {a: 1}\n", "s.yaml:2: load.stages: is a mapping", "write a list, such as [2m:20/s]"),
        (
            "target:\n  streaming: maybe\n",
            "s.yaml:2: target.streaming: 'maybe' is neither true nor false",
            "write true or false",
        ),
        (
            "target:\n  ca_file: no.pem\n",
            "s.yaml:2: target.ca_file: there is no file 'no.pem'",
            "name a file that is there",
        ),
        (
            "target:\n  headers:\n    A b: c\n",
            "s.yaml:3: target.headers.A b: 'A b' can't be a header's name",
            "write 'Name: value'",
        ),
        (
            "target:\n  headers:\n    A: [c]\n",
            "s.yaml:3: target.headers.A: is a list",
            "write one value, such as 'Name: value'",
        ),
        (
            "target:\n  headers:\n    A: b\n    a: c\n",
            "s.yaml:4: target.headers.a: 'a' is given twice",
            "keep one of the two",
        ),
        (
            "target:\n  headers:\n    Content-Length: 5\n",
            "s.yaml:3: target.headers.Content-Length: Content-Length is fmload's own to set",
            "leave it out",
        ),
        ("prices:\n  m: {inptu: 3}\n", "s.yaml:2: prices.m.inptu: unknown key", "did you mean input?"),
        (
            "prices:\n  m: {input: dear}\n",
            "s.yaml:2: prices.m.input: 'dear' is not an amount of USD",
            "write 0.25 or $3.00",
        ),
        ("prices: 3\n", "s.yaml:1: prices: is '3', not a mapping", "write model: {input: 3.00, output: 15.00}"),
        (
            "output:\n  tags: {a b: c}\n",
            "s.yaml:2: output.tags.a b: 'a b' can't be a tag's name",
            "use letters, digits, '_', '.' and '-', such as team=search",
        ),
        ("output:\n  name: ''\n", "s.yaml:2: output.name: is empty", "write a text, such as nightly"),
        (
            "max_tokens: lots\n",
            "s.yaml:1: max_tokens: 'lots' is not a whole number",
            "write digits, such as 100 or 1_000",
        ),
    ],
    ids=lambda text: text[:30].replace("\n", " "),
)
def test_faults_of_a_file(tmp_path, monkeypatch, text, what, fix):
    """Each fault has the file, the line, the key, what is wrong, and the fix; nothing else is said."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, text)
    error = error_of({}, file="s.yaml")
    assert (error.message, error.code) == (f"{what}; fix: {fix}", Exit.INPUT)
    assert "fmload schema" in error.remedy


@pytest.mark.parametrize(
    ("flags", "what", "fix"),
    [
        ({"load.rate": "-5/s"}, "--rate: '-5/s' is negative", "write a rate, such as 5/s, 300/m or 10/h"),
        ({"load.duration": "0s"}, "--duration: '0s' is too little", "give more than 0s"),
        ({"load.requests": 0}, "--requests: '0' is less than 1", "give 1 or more"),
        ({"load.requests": -1}, "--requests: '-1' is negative", "write a whole number, such as 100 or 1_000"),
        ({"bundled.time_scale": -1.0}, "--time-scale: '-1.0' is negative", "write a number, such as 0.5 or 20"),
        (
            {"bundled.time_scale": float("nan")},
            "--time-scale: 'nan' is not a number",
            "write digits, such as 0.5 or 20",
        ),
        (
            {"load.arrivals": "posson"},
            "--arrivals: 'posson' is not a kind of arrivals",
            "did you mean poisson? (one of uniform, poisson)",
        ),
        (
            {"target.headers": ["no colon"]},
            "--header: there is no ':' between a name and a value",
            "write 'Name: value'",
        ),
        ({"output.tags": ["team"]}, "--tag: there is no '=' between a name and a value", "write team=search"),
        (
            {"mix": "prod"},
            "--mix: 'prod' is neither a mix nor a file",
            "write production, or name a file that is there",
        ),
    ],
    ids=str,
)
def test_faults_of_flags(tmp_path, monkeypatch, flags, what, fix):
    """A wrong flag is named as it was typed, with what is wrong and the fix, and is wrong usage."""
    monkeypatch.chdir(tmp_path)
    error = error_of(flags)
    assert (error.message, error.code, error.remedy) == (f"{what}; fix: {fix}", Exit.USAGE, "")


def test_other_variables_are_left_alone():
    """Variables that are nothing like a setting, and fmload's own, are no fault."""
    resolve({}, environ={"FMLOAD_DEBUG": "1", "FMLOAD_QQQQQQ": "x", "RATE": "x", "PATH": "/bin"})


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\x00b", "日本"])
def test_headers_cannot_split_a_request(value):
    """A value with line ends or what no header can hold is refused, and not repeated."""
    error = error_of({"target.headers": {"A": value}})
    assert "holds a character that no header can hold" in error.message
    assert value not in error.message
