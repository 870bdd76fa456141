"""API Gateway's limits for WebSocket frames and messages, held where frames are still to be seen: in the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

from target_app.edges.corked import CorkedTransport

#: A frame, and a message of many frames, in bytes; more closes the connection with 1009 (API Gateway's quotas).
MAX_FRAME_BYTES: Final = 32 * 1024
MAX_MESSAGE_BYTES: Final = 128 * 1024

#: How long a client that was refused may go on sending before it is cut off.
_LINGER_S: Final = 5.0


class GatewayProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's WebSocket protocol, with a limit for frames and a refusal that reaches the client.

    A socket that is closed with bytes unread is reset, and the reset throws away the close frame on its way. So the
    refused client gets the frame and the end of our side; what it still sends is read and dropped until it leaves.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._is_refused = False
        self._cut_off: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Take over a connection."""
        super().connection_made(cast("asyncio.Transport", CorkedTransport(transport)))

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection is gone."""
        if self._cut_off is not None:
            self._cut_off.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        if not self._is_refused:
            super().data_received(data)

    async def send(self, message: Any) -> None:
        """Send what the application says; a refused client counts as gone."""
        if self._is_refused:
            raise ClientDisconnected
        await super().send(message)

    def handle_text(self, event: Frame) -> None:
        """Take a text frame."""
        self._admit(event, super().handle_text)

    def handle_bytes(self, event: Frame) -> None:
        """Take a binary frame."""
        self._admit(event, super().handle_bytes)

    def handle_cont(self, event: Frame) -> None:
        """Take a further frame of a message."""
        self._admit(event, super().handle_cont)

    def handle_parser_exception(self) -> None:
        """Close with the code websockets found for what the client sent."""
        if self._is_refused:
            return
        self._is_refused = True
        code = CloseCode.ABNORMAL_CLOSURE if self.conn.close_sent is None else self.conn.close_sent.code
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.resume_reading()
        self.transport.write_eof()
        self._cut_off = self.loop.call_later(_LINGER_S, self.transport.close)
        self.transport = _Lingering()

    def _admit(self, event: Frame, handle: Callable[[Frame], None]) -> None:
        if self._is_refused:
            return
        if len(event.data) > MAX_FRAME_BYTES:
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, "frame is too big")
            self.handle_parser_exception()
        else:
            handle(event)


class _Lingering(asyncio.Transport):
    """Stands in for the transport of a refused client, which uvicorn would close as soon as the application is done."""

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Drop what would come after the close frame."""

    def is_closing(self) -> bool:
        """Nothing more is to be sent."""
        return True

    def close(self) -> None:
        """Leave it to the client, or to the timer."""

    def pause_reading(self) -> None:
        """Go on reading: what is read is dropped."""

    def resume_reading(self) -> None:
        """Go on reading."""
