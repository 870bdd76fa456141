"""A run for Prometheus to scrape: `/metrics` on a port of this machine, from a thread of its own."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from ipaddress import ip_address
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from loadtester.errors import Exit, FmloadError
from loadtester.live.extra import needs
from loadtester.live.observer import Say
from loadtester.recorder import Tick

if TYPE_CHECKING:
    from prometheus_client.registry import CollectorRegistry

_END_LIMIT_S: Final = 2.0


class Prometheus:
    """Serves what it observes at `address` (host:port; port 0 is any free one) from `__enter__` to `__exit__`.

    Raises FmloadError where the extra is not installed or, when entered, where the port can't be had.
    """

    def __init__(self, address: str, info: Mapping[str, str], max_cost_usd: Decimal | None, say: Say) -> None:
        with needs("prometheus"):
            from prometheus_client.registry import CollectorRegistry  # noqa: PLC0415  an extra

            from loadtester.live.families import Families  # noqa: PLC0415  an extra
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._say = say
        self._families = Families(info, max_cost_usd)
        self._registry: CollectorRegistry = CollectorRegistry()
        self._registry.register(self._families)
        self.url = ""

    def __enter__(self) -> Self:
        from prometheus_client import start_http_server  # noqa: PLC0415  an extra

        try:
            self._server, self._thread = start_http_server(self._port, self._host, self._registry)
        except OSError as error:
            raise FmloadError(
                f"can't serve metrics at {self._host}:{self._port}: {error.strerror or error}",
                remedy="name another port (0 is any free one), or end what holds it",
                code=Exit.USAGE,
            ) from error
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.url = f"http://{host}:{self._server.server_port}/metrics"
        self._say(f"metrics at {self.url}{'' if _is_loopback(self._host) else _OPEN}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_END_LIMIT_S)

    def observe(self, tick: Tick) -> None:
        """Count its second."""
        self._families.add(tick)


_OPEN: Final = ", for everybody who can reach this machine: query types, models and costs, no prompts"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
