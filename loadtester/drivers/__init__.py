"""Drivers: one protocol each, from a Request to moments on a Probe and an Ending."""

from __future__ import annotations

from loadtester.drivers.contract import LEAD_S, Driver, Probe
from loadtester.errors import Exit, FmloadError
from loadtester.scenario.scenario import Target

__all__ = ["LEAD_S", "Driver", "Probe", "driver_for"]


def driver_for(target: Target, *, has_crud: bool = False) -> Driver:
    """The driver that speaks `target`'s protocol; only its own libraries are imported.

    With `has_crud` it also sends plain HTTP requests to the same origin.

    Raises FmloadError where the target's address is missing or can't be one of that protocol.
    """
    if target.protocol == "bedrock":
        return _bedrock_driver(target)
    if target.url is None:
        raise FmloadError(
            f"there is no URL to send {target.protocol} requests to",
            remedy="name a target, such as wss://chat.example.com/ws or https://chat.example.com",
            code=Exit.USAGE,
        )
    at = _compat_driver_at if target.client == "compat" else _driver_at
    driver = at(target.url, target)
    if not has_crud:
        return driver
    from loadtester.drivers.crud import CrudDriver  # noqa: PLC0415  brings httptools

    return CrudDriver(driver, target.url, headers=target.headers, ca_file=target.ca_file)


def _bedrock_driver(target: Target) -> Driver:
    """Neither imports the AWS SDK, which takes half a second, before it is used."""
    if target.client == "compat":
        from loadtester.drivers.compat.bedrock import CompatBedrockDriver as BedrockDriver  # noqa: PLC0415  one is used
    else:
        from loadtester.drivers.bedrock import BedrockDriver  # type: ignore[assignment]  # noqa: PLC0415  the same shape
    return BedrockDriver(target.region, target.endpoint_url, is_streaming=target.is_streaming, ca_file=target.ca_file)


def _driver_at(url: str, target: Target) -> Driver:
    headers, ca_file = target.headers, target.ca_file
    match target.protocol:
        case "ws":
            from loadtester.drivers.websocket import WebSocketDriver  # noqa: PLC0415  brings picows

            return WebSocketDriver(url, headers=headers, ca_file=ca_file)
        case "rest":
            from loadtester.drivers.rest import RestDriver  # noqa: PLC0415  brings httptools

            return RestDriver(url, headers=headers, ca_file=ca_file)
        case "sse":
            from loadtester.drivers.sse import SseDriver  # noqa: PLC0415  brings httptools

            return SseDriver(url, headers=headers, ca_file=ca_file)
        case _:
            from loadtester.drivers.openai import OpenAIDriver  # noqa: PLC0415  brings httptools

            return OpenAIDriver(url, headers=headers, ca_file=ca_file, is_streaming=target.is_streaming)


def _compat_driver_at(url: str, target: Target) -> Driver:
    """The same drivers on the slower libraries."""
    headers, ca_file = target.headers, target.ca_file
    if target.protocol == "ws":
        from loadtester.drivers.compat.websocket import open_compat  # noqa: PLC0415  brings websockets
        from loadtester.drivers.websocket import WebSocketDriver  # noqa: PLC0415  brings picows

        return WebSocketDriver(url, headers=headers, ca_file=ca_file, open_line=open_compat)
    from loadtester.drivers.compat.service import CompatService  # noqa: PLC0415  brings httpx

    match target.protocol:
        case "rest":
            from loadtester.drivers.rest import RestDriver  # noqa: PLC0415  brings httptools

            return RestDriver(url, headers=headers, ca_file=ca_file, service=CompatService)
        case "sse":
            from loadtester.drivers.sse import SseDriver  # noqa: PLC0415  brings httptools

            return SseDriver(url, headers=headers, ca_file=ca_file, service=CompatService)
        case _:
            from loadtester.drivers.openai import OpenAIDriver  # noqa: PLC0415  brings httptools

            return OpenAIDriver(
                url, headers=headers, ca_file=ca_file, is_streaming=target.is_streaming, service=CompatService
            )
