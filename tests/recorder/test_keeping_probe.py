"""The stopwatch that listens measures what the other does, and holds no more text than it may."""

from loadtester.recorder import KeepingProbe, Probe
from loadtester.recorder.keeping_probe import MOST_CHARS


def told(kind):
    moments = iter(range(100, 10_000, 50))
    probe = kind(lambda: next(moments), 0)
    probe.chunk(3, "巻")
    probe.chunks(2, ["a", "b"])
    probe.done()
    return probe


def test_it_measures_as_the_other_does():
    """Listening changes no figure."""
    names = [name for name in Probe.__slots__ if name != "_clock"]
    ours, theirs = told(KeepingProbe), told(Probe)
    assert [getattr(ours, name) for name in names] == [getattr(theirs, name) for name in names]
    assert ours.text == "巻ab"


def test_what_is_held_is_bounded():
    """From the limit on nothing more is held, in whatever pieces it comes."""
    probe = KeepingProbe(lambda: 0, 0)
    for size in (MOST_CHARS - 1, 5, 10 * MOST_CHARS, 1):
        probe.chunk(size, "x" * size)
    assert probe.text == "x" * MOST_CHARS
    assert probe.ascii_chars == 11 * MOST_CHARS + 5


def test_another_attempt_starts_anew():
    """The text is the last attempt's."""
    probe = KeepingProbe(lambda: 0, 0)
    probe.chunk(1, "a")
    probe.again()
    assert not probe.text
    probe.chunk(1, "b")
    assert probe.text == "b"
