"""Content encodings: compressed bodies, cut anywhere, and bodies that only claim to be."""

import gzip
import zlib

import pytest

from loadtester.drivers.http.encoding import decoder_for
from loadtester.drivers.http.fault import HttpError

TEXT = b"manga " * 200_000
BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
BODIES = {
    "gzip": (b"gzip", gzip.compress(TEXT)),
    "x-gzip": (b" X-GZIP ", gzip.compress(TEXT)),
    "gzip, two members": (b"gzip", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
    "deflate": (b"deflate", zlib.compress(TEXT)),
    "deflate, bare": (b"deflate", BARE.compress(TEXT) + BARE.flush()),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("size", [1, 13, 1 << 20])
def test_bodies(name, size):
    """Wherever a body is cut, what comes out is what went in, in pieces of at most 256 KiB."""
    encoding, data = BODIES[name]
    decoder = decoder_for(encoding)
    pieces = [piece for i in range(0, len(data), size) for piece in decoder.decode(data[i : i + size])]
    decoder.end()
    assert b"".join(pieces) == TEXT
    assert max(map(len, pieces)) <= 1 << 18


@pytest.mark.parametrize("name", BODIES)
def test_cut_bodies(name):
    """A body that lacks its last byte is a fault, not a shorter answer."""
    encoding, data = BODIES[name]
    decoder = decoder_for(encoding)
    list(decoder.decode(data[:-1]))
    with pytest.raises(HttpError, match="too early"):
        decoder.end()


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate"])
def test_no_body(encoding):
    """An answer without a body may claim any encoding."""
    decoder_for(encoding).end()


@pytest.mark.parametrize(("encoding", "data"), [(b"gzip", b"plain text"), (b"deflate", b"plain text")])
def test_false_claims(encoding, data):
    """A body that is not in its encoding is a fault."""
    with pytest.raises(HttpError, match="claims"):
        list(decoder_for(encoding).decode(data))


def test_bytes_after_deflate():
    """Deflate has no members: bytes after its end are a fault."""
    with pytest.raises(HttpError, match="goes on"):
        list(decoder_for(b"deflate").decode(zlib.compress(b"x") + b"y"))


@pytest.mark.parametrize("encoding", [b"", b"identity", b" Identity"])
def test_identity(encoding):
    """Identity is no encoding."""
    assert decoder_for(encoding) is None


@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"gzip, gzip"])
def test_unknown(encoding):
    """An encoding that was not asked for is a fault that says so."""
    with pytest.raises(HttpError, match="other than gzip and deflate"):
        decoder_for(encoding)
