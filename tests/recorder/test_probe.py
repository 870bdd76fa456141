"""The stopwatch of a request, on a clock of ours."""

from loadtester.recorder import Probe


def probe_at(*moments_ns):
    moments = iter(moments_ns)
    return Probe(lambda: next(moments), 0)


def test_pieces_of_one_read_have_no_gap_between():
    """Pieces that came at once are as many chunks at one moment; the gap before them counts once."""
    probe = probe_at(100, 150, 175)
    probe.chunks(4, ["a", "巻", "b"])
    probe.chunk(1, "c")
    probe.chunks(2, ["d", "e"])
    assert (probe.first_ns, list(probe.gaps_ns)) == (100, [0, 0, 50, 25, 0])
    assert (probe.n_chunks, probe.n_bytes, probe.ascii_chars, probe.other_chars) == (6, 7, 5, 1)


def test_one_piece_has_no_gap():
    """The first chunk is the first token and nothing else, by whichever way it came."""
    for tell in (lambda probe: probe.chunk(1, "a"), lambda probe: probe.chunks(1, ["a"])):
        probe = probe_at(100)
        tell(probe)
        assert (probe.first_ns, probe.gaps_ns, probe.n_chunks) == (100, None, 1)
