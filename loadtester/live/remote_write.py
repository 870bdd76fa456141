"""A run pushed to a Prometheus by its remote-write protocol, version 1.0.

https://prometheus.io/docs/specs/prw/remote_write_spec/ : a protobuf WriteRequest in snappy's block format, POSTed.
The four small messages are written out here, and snappy without compression (all literals, which every reader takes):
both together are shorter than what it takes to bring two libraries along for some ten kilobytes every five seconds.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from loadtester.drivers.http.headers import sendable
from loadtester.errors import FmloadError
from loadtester.live.extra import needs
from loadtester.live.observer import Say
from loadtester.live.post import post
from loadtester.recorder import Tick
from loadtester.scenario.redact import url_shown

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_EVERY_S: Final = 5.0
_LIMIT_S: Final = 5.0
#: The name is in the environment, so that no secret stands on a command line.
AUTHORIZATION: Final = "PROMETHEUS_REMOTE_WRITE_AUTHORIZATION"
_HEADERS: Final = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_LITERAL_BYTES: Final = 1 << 16
#: snappy's tag of a literal whose length less one follows in two bytes.
_LITERAL_2: Final = 61 << 2


class RemoteWrite:
    """Pushes what it observes every five seconds, and at the end.

    A Prometheus that does not take it is told of once; the counters' next push makes up for what was lost.
    """

    def __init__(self, url: str, info: Mapping[str, str], max_cost_usd: Decimal | None, say: Say) -> None:
        with needs("prometheus", "--prometheus-remote-write"):
            from loadtester.live.families import Families  # noqa: PLC0415  an extra
        self._url = url
        self._say = say
        self._families = Families(info, max_cost_usd)
        self._labels = {"job": "fmload", "instance": f"{socket.gethostname()}:{os.getpid()}"}
        key = os.environ.get(AUTHORIZATION, "").strip()
        self._headers = {**_HEADERS, "Authorization": key} if key else dict(_HEADERS)
        try:
            sendable(self._headers)
        except FmloadError as error:
            raise FmloadError(
                f"{AUTHORIZATION} holds characters that HTTP does not allow", remedy=error.remedy, code=error.code
            ) from None
        self._is_ended = Event()
        self._has_failed = False
        self._thread = Thread(target=self._work, name="fmload-remote-write", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_ended.set()
        self._thread.join(2 * _LIMIT_S)

    def observe(self, tick: Tick) -> None:
        """Count its second."""
        self._families.add(tick)

    def _work(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._is_ended.wait(_EVERY_S)
            body = snappy(write_request(self._families.collect(), self._labels, time.time_ns() // 1_000_000))
            try:
                post(self._url, body, self._headers, limit_s=_LIMIT_S)
            except FmloadError as error:
                if not self._has_failed:
                    self._has_failed = True
                    self._say(f"{url_shown(self._url)} did not take the metrics ({error.message}); the run goes on")


def write_request(families: Iterable[Metric], labels: Mapping[str, str], at_ms: int) -> bytes:
    """The WriteRequest of all samples, each with `labels` besides its own."""
    return b"".join(
        _field(1, _series({**labels, **sample.labels, "__name__": sample.name}, sample.value, at_ms))
        for family in families
        for sample in family.samples
    )


def snappy(data: bytes) -> bytes:
    """The data in snappy's block format, not made any smaller.

    https://github.com/google/snappy/blob/main/format_description.txt
    """
    return _varint(len(data)) + b"".join(_literals(data))


def _literals(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _LITERAL_BYTES):
        piece = data[start : start + _LITERAL_BYTES]
        yield bytes([_LITERAL_2]) + struct.pack("<H", len(piece) - 1) + piece


def _series(labels: Mapping[str, str], value: float, at_ms: int) -> bytes:
    """A TimeSeries: labels sorted by name, those without a value left out, and one sample."""
    pairs = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, text.encode())) for name, text in sorted(labels.items()) if text
    )
    # Field 1, a double; field 2, an int64.
    sample = b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(at_ms)
    return pairs + _field(2, sample)


def _field(number: int, data: bytes) -> bytes:
    """A field of bytes, a string or a message."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:  # noqa: PLR2004  seven bits a byte
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
