"""The connection under a request: an ASGI extension by which an application can cut it, for servers on uvicorn."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any, Final

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_EXTENSION: Final = "target_app.cut"
#: Linger on, for 0 s: closing sends a reset at once.
_RESET: Final = struct.pack("ii", 1, 0)


class CuttableProtocol(HttpToolsProtocol):
    """HTTP whose requests carry the way to cut their connection."""

    def on_message_begin(self) -> None:
        """Put the way into the scope of the request that begins."""
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]  # uvicorn's type has no room for extensions
        scope["extensions"] = {_EXTENSION: self._cut}

    def _cut(self, is_reset: bool) -> None:
        if is_reset:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
        else:
            self.transport.close()


def cut(scope: Scope, *, is_reset: bool) -> None:
    """Cut the request's connection: with a reset at once, or closed once what was sent is on its way.

    Raises LookupError where the server has no such protocol.
    """
    way: Callable[[bool], None] = scope["extensions"][_EXTENSION]
    way(is_reset)
