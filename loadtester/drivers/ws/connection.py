"""One open WebSocket, and the answer that is being waited for on it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from loadtester.drivers.contract import Probe
from loadtester.drivers.wire.close_codes import ABNORMAL, NO_STATUS, ending_of_close, is_idle_close
from loadtester.drivers.wire.gateway_frames import read_delta, read_end
from loadtester.model import Ending, Outcome

#: How long a closing handshake may take before the connection is cut, in seconds.
CLOSE_LIMIT_S: Final = 1.0
#: The largest frame sent, in bytes: API Gateway takes no larger ones, but messages of several.
FRAME_LIMIT_BYTES: Final = 32 * 1024
#: The largest message taken, in bytes; API Gateway's own limit is 128 KB.
MESSAGE_LIMIT_BYTES: Final = 1024 * 1024

_TEXT, _BINARY = WSMsgType.TEXT, WSMsgType.BINARY
_CONTINUATION, _CLOSE = WSMsgType.CONTINUATION, WSMsgType.CLOSE


class Connection(WSListener):
    """A client's end of one WebSocket: carries one exchange at a time, and is never used again after a fault.

    picows calls the `on_ws_…` methods; it answers pings by itself. `gone` is done once the socket is closed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._transport: WSTransport | None = None
        self._answer: asyncio.Future[Ending] | None = None
        self._probe: Probe | None = None
        self._request_id = ""
        self._parts = bytearray()
        self._is_fragmented = False
        self._is_unanswered = True
        self._close_code = ABNORMAL
        self._deadline: asyncio.TimerHandle | None = None
        self._last_rites: asyncio.Task[None] | None = None
        self.is_open = True
        self.gone: asyncio.Future[None] = self._loop.create_future()

    @property
    def is_idle_race(self) -> bool:
        """Whether the server closed as idle connections are closed, before a byte of the last answer came."""
        return not self.is_open and self._is_unanswered and is_idle_close(self._close_code)

    async def ask(self, request_id: str, message: bytes, probe: Probe) -> Ending:
        """Send one message and wait for the end of its answer. When cancelled, the connection is cut."""
        if self._transport is None or not self.is_open:
            return ending_of_close(self._close_code)
        self._answer = self._loop.create_future()
        self._request_id, self._probe, self._is_unanswered = request_id, probe, True
        probe.sent()
        if len(message) <= FRAME_LIMIT_BYTES:
            self._transport.send(_TEXT, message)
        else:
            _send_in_frames(self._transport, message)
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            self._answer = self._probe = None

    def close(self) -> None:
        """Say goodbye and hang up; the server gets `CLOSE_LIMIT_S` to hang up first."""
        if self.is_open and self._transport is not None:
            self._leave(WSCloseCode.OK)

    def abort(self) -> None:
        """Hang up at once."""
        self.is_open = False
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade is done."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002  picows' signature
        """A frame came: whole messages, nearly always, so these go first."""
        if not self.is_open:
            if frame.msg_type == _CLOSE:
                self._hear_close(frame.get_payload_as_bytes())
            return
        try:
            if frame.msg_type == _TEXT and frame.fin and not self._is_fragmented:
                self._take(frame.get_payload_as_bytes())
            else:
                self._take_rarer(frame)
        except Exception as fault:  # noqa: BLE001  picows would only log it; the waiting `ask` raises it
            self._throw(fault)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The socket is closed, by whichever side."""
        is_faulty = self.is_open and transport.is_close_frame_sent
        self.is_open = False
        if self._deadline is not None:
            self._deadline.cancel()
        if is_faulty:
            self._resolve(_ending_of_fault(transport))
        self._resolve(ending_of_close(self._close_code))
        self._last_rites = self._loop.create_task(self._retrieve_fault(transport))

    def _take(self, message: bytes) -> None:
        self._is_unanswered = False
        try:
            delta = read_delta(message)
            if delta.type != "delta":
                self._take_end(message)
                return
        except ValueError:
            ending = Ending(Outcome.INVALID, detail="a frame is not the JSON of a chat answer")
            self._give_up(ending, WSCloseCode.INVALID_TEXT)
            return
        text, probe = delta.text, self._probe
        if text and probe is not None and self._is_ours(delta.request_id):
            probe.chunk(len(message), text)

    def _take_end(self, message: bytes) -> None:
        end = read_end(message)
        if end is not None and self._is_ours(end.request_id):
            self._resolve(end.ending)

    def _is_ours(self, request_id: str | None) -> bool:
        """Whether a frame belongs to the answer that is waited for; one that names no request does."""
        return request_id == self._request_id or request_id is None

    def _take_rarer(self, frame: WSFrame) -> None:
        """Close frames, and the pieces of messages that were sent in several."""
        kind = frame.msg_type
        if kind == _CLOSE:
            self._hear_close(frame.get_payload_as_bytes())
        elif kind in (_TEXT, _BINARY, _CONTINUATION):
            if (kind == _CONTINUATION) is not self._is_fragmented:
                self._give_up(_broken("a fragmented message is out of order"), WSCloseCode.PROTOCOL_ERROR)
                return
            self._is_unanswered = False
            self._parts += frame.get_payload_as_bytes()
            self._is_fragmented = not frame.fin
            if len(self._parts) > MESSAGE_LIMIT_BYTES:
                ending = Ending(Outcome.INVALID, detail=f"a message is over {MESSAGE_LIMIT_BYTES} bytes")
                self._give_up(ending, WSCloseCode.MESSAGE_TOO_BIG)
            elif frame.fin:
                message, self._parts = bytes(self._parts), bytearray()
                self._take(message)

    def _hear_close(self, payload: bytes) -> None:
        self._close_code = int.from_bytes(payload[:2], "big") if payload else NO_STATUS
        self._leave(WSCloseCode.OK)
        self._resolve(ending_of_close(self._close_code))

    def _give_up(self, ending: Ending, code: WSCloseCode) -> None:
        self._leave(code)
        self._resolve(ending)

    def _leave(self, code: WSCloseCode) -> None:
        """Send the close frame once; the server is to hang up first, so that it keeps the TIME_WAIT, not we."""
        self.is_open = False
        if self._transport is not None and self._deadline is None:
            self._transport.send_close(code)
            self._deadline = self._loop.call_later(CLOSE_LIMIT_S, self.abort)

    def _resolve(self, ending: Ending) -> None:
        self._probe = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(ending)

    def _throw(self, fault: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(fault)
        self.abort()

    async def _retrieve_fault(self, transport: WSTransport) -> None:
        """Take note of what made picows hang up, so that nobody warns of an exception that was never retrieved."""
        with suppress(Exception):
            await transport.wait_disconnected()
        self.gone.set_result(None)


def _send_in_frames(transport: WSTransport, message: bytes) -> None:
    for start in range(0, len(message), FRAME_LIMIT_BYTES):
        piece = message[start : start + FRAME_LIMIT_BYTES]
        is_last = start + FRAME_LIMIT_BYTES >= len(message)
        transport.send(_CONTINUATION if start else _TEXT, piece, fin=is_last)


def _ending_of_fault(transport: WSTransport) -> Ending:
    """What picows hung up for by itself: a message over its limit, or a breach of the protocol."""
    sent = getattr(transport.close_handshake, "sent", None)
    if sent is not None and sent.code == WSCloseCode.MESSAGE_TOO_BIG:
        return Ending(Outcome.INVALID, detail=f"a message is over {MESSAGE_LIMIT_BYTES} bytes")
    return _broken("a frame broke the WebSocket protocol")


def _broken(why: str) -> Ending:
    return Ending(Outcome.BROKEN, detail=why)
