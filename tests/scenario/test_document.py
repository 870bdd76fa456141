"""A YAML file is read as values with lines; what is wrong with it as a file is told with its place."""

import pytest

from loadtester.errors import Exit
from loadtester.scenario.document import read
from loadtester.scenario.faults import Faults

EMPTY = "s.yaml:1: the file is empty; fix: write at least `load:`, or run `fmload scenarios` for examples"


def read_text(tmp_path, text):
    path = tmp_path / "s.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    faults = Faults()
    value = read(path, faults, shown="s.yaml")
    assert all(code is Exit.INPUT for code, _ in faults.found)
    return value, [fault for _, fault in faults.found]


def test_values_know_their_lines(tmp_path):
    """Each value has the line of its key, or its own in a list, and keeps the text as it was written."""
    value, faults = read_text(tmp_path, "load:\n  rate: 1_0\n  seed: 010\n\n  stages:\n    - 1m:2/s\n    - 'no'\nx:\n")
    assert not faults
    load = value.data["load"]
    assert (load.line, load.data["rate"].line, load.data["rate"].data) == (1, 2, "1_0")
    assert load.data["seed"].data == "010"
    assert [(item.line, item.data) for item in load.data["stages"].data] == [(6, "1m:2/s"), (7, "no")]
    assert value.data["x"].data is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", EMPTY),
        ("# nothing\n", EMPTY),
        ("load:\n\trate: 5\n", "s.yaml:2: column 1: a tab can't indent; fix: indent with spaces"),
        ("load:\n  \trate: 5\n", "s.yaml:2: column 3: a tab can't indent; fix: indent with spaces"),
        ("a: 1\n---\nb: 2\n", "s.yaml:2: column 1: a second document begins; fix: keep one scenario a file"),
        (
            "a: 1\nb: \x01\n",
            "s.yaml:2: holds a control character; fix: delete it, or write it as an escape in double quotes",
        ),
        (b"a: 1\nb: \xff\n", "s.yaml:2: is not UTF-8 text; fix: save the file as UTF-8"),
        ("a: 1\nb: 2\na: 3\n", "s.yaml:3: a: is given again (first in line 1); fix: keep one of the two"),
        ("a:\n  b: 1\n  b: 2\n", "s.yaml:3: a.b: is given again (first in line 2); fix: keep one of the two"),
        ("[1]: 2\n", "s.yaml:1: a key is a list or a mapping; fix: write the key as text"),
        (
            "a: !!python/object/apply:os.system [true]\n",
            (
                "s.yaml:1: a: has the tag 'tag:yaml.org,2002:python/object/apply:os.system'; "
                "fix: leave the tag out: scenarios hold plain values"
            ),
        ),
        ("[" * 5000, "s.yaml:1: is nested too deeply to be read; fix: scenarios are four levels deep at most"),
        ("#" * (1 << 20) + "\n", "s.yaml:1: is larger than 1 MiB; fix: name a scenario file"),
    ],
    ids=lambda text: repr(text[:30]),
)
def test_what_is_wrong_with_the_file(tmp_path, text, fault):
    """Every fault of the file itself has its line, what is wrong, and what to do."""
    _, faults = read_text(tmp_path, text)
    assert faults == [fault]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: b: c\n", "s.yaml:1: column 5: "),
        ("a: 1\nb: [1,\n", "s.yaml:3: column 1: "),
        ("a: 'x\n", "s.yaml:2: column 1: "),
    ],
)
def test_syntax_has_line_and_column(tmp_path, text, place):
    """What YAML itself refuses is told with line and column."""
    value, (fault,) = read_text(tmp_path, text)
    assert value is None
    assert fault.startswith(place)
    assert fault.endswith("; fix: look at the quotes, brackets and indentation here and just above")


def test_unreadable_files(tmp_path):
    """A missing file and a folder are told by name."""
    for name, why in (("nowhere.yaml", "No such file or directory"), ("", "Is a directory")):
        faults = Faults()
        assert read(tmp_path / name, faults) is None
        ((code, fault),) = faults.found
        assert code is Exit.INPUT
        assert fault.startswith(f"{tmp_path / name}: cannot be read: {why}; fix: ")


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: [*c, *c, *c, *c]\n",
        "a: &a [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n",
        "a: &a {b: *a, c: *a, d: *a}\n",
    ],
)
def test_aliases_do_not_multiply(tmp_path, text):
    """Aliases of aliases are read once each; one that holds itself is a fault, not an endless loop."""
    value, faults = read_text(tmp_path, text)
    assert value is not None
    assert ("&a [*a" not in text and "&a {" not in text) or any("nested too deeply" in fault for fault in faults)


def test_byte_order_mark_is_no_fault(tmp_path):
    """A file that an editor began with a byte order mark is read like any other."""
    value, faults = read_text(tmp_path, "\ufeffa: 1\n")
    assert (list(value.data), faults) == (["a"], [])
