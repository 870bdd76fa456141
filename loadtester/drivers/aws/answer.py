"""Sinks for Bedrock's answers: whole bodies, event streams, and the refusals that either may be instead."""

from __future__ import annotations

from typing import Final

import msgspec

from loadtester.drivers.contract import Probe
from loadtester.drivers.http import Headers, HttpError, find
from loadtester.drivers.http.answer import BODY_LIMIT_BYTES
from loadtester.drivers.wire.aws_errors import ending_of_error, read_error
from loadtester.drivers.wire.converse import ConverseEnd
from loadtester.drivers.wire.eventstream import Decoder, FrameError, Message
from loadtester.model import Ending, Outcome

#: From here on the SDK takes a status for an error; it follows no redirect.
_REFUSAL: Final = 300


class Refused(msgspec.Struct, frozen=True, gc=False):
    """An answer that is an error: its HTTP status, its name as AWS has it, its text."""

    status: int
    code: str
    message: str

    def ending(self) -> Ending:
        """How the request ended."""
        return ending_of_error(self.code, self.message, self.status)


class WholeBody:
    """Collects an answer: `body` of a success, or `refused`."""

    __slots__ = ("_error_type", "_pieces", "_room", "_status", "body", "refused")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._room = BODY_LIMIT_BYTES
        self._status = 0
        self._error_type: bytes | None = None
        self.body = b""
        self.refused: Refused | None = None

    def on_head(self, status: int, headers: Headers) -> None:
        """Keep the status, and the name of the error."""
        self._status = status
        if status >= _REFUSAL:
            self._error_type = find(headers, b"x-amzn-errortype")

    def on_body(self, data: bytes) -> None:
        """Keep a piece."""
        self._room -= len(data)
        if self._room < 0:
            raise HttpError(Outcome.INVALID, f"the answer is over {BODY_LIMIT_BYTES >> 20} MiB")
        self._pieces.append(data)

    def on_end(self) -> None:
        """Put the pieces together."""
        pieces = self._pieces
        self.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self._status >= _REFUSAL:
            self.refused = Refused(self._status, *read_error(self._status, self._error_type, self.body))


class Streamed:
    """Tells `probe` of a ConverseStream's text as its frames arrive; `ending` is how it ended, once it has.

    After an error in the stream its other frames are read, for the connection's sake, and mean nothing.
    """

    __slots__ = ("_decoder", "_end", "_fault", "_model", "_probe", "_refusal", "ending")

    def __init__(self, model: str, probe: Probe) -> None:
        self._model = model
        self._probe = probe
        self._decoder = Decoder()
        self._end = ConverseEnd()
        self._fault: Ending | None = None
        self._refusal: WholeBody | None = None
        self.ending = Ending(Outcome.BROKEN, detail="no answer came")

    def on_head(self, status: int, headers: Headers) -> None:
        """See whether it is a stream."""
        if status >= _REFUSAL:
            self._refusal = WholeBody()
            self._refusal.on_head(status, headers)

    def on_body(self, data: bytes) -> None:
        """Take the frames that are whole now."""
        if self._refusal is not None:
            self._refusal.on_body(data)
            return
        take = self._end.take_payload
        texts: list[str] = []
        try:
            for message in self._decoder.feed(data):
                if message.kind != "event":
                    self._fault = self._fault or _fault_of(message)
                elif self._fault is None:
                    text = take(message.type, message.payload)
                    if text:
                        texts.append(text)
        except FrameError as error:
            raise HttpError(Outcome.BROKEN, f"the stream can't be read: {error}") from error
        except msgspec.DecodeError as error:
            raise HttpError(Outcome.INVALID, "an event of the stream is not in the format of its API") from error
        finally:
            if texts:
                self._probe.chunks(len("".join(texts).encode()), texts)

    def on_end(self) -> None:
        """Judge."""
        if self._refusal is not None:
            self._refusal.on_end()
            if self._refusal.refused is not None:
                self.ending = self._refusal.refused.ending()
        elif self._fault is not None:
            self.ending = self._fault
        elif self._end.is_complete and not self._decoder.is_empty:
            self.ending = Ending(Outcome.BROKEN, detail="the stream ended in the middle of a frame")
        else:
            self.ending = self._end.ending(self._model)

    def ending_after(self, error: HttpError) -> Ending:
        """How the request ended when the exchange failed: an error that had already come in the stream stays."""
        return self._fault or error.ending()


def _fault_of(message: Message) -> Ending:
    """An exception's text is in its payload; that of an error nobody modelled is in a header."""
    text = message.error or read_error(0, None, message.payload)[1]
    return ending_of_error(message.type, text, None)
