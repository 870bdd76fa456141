"""Drivers: one protocol each, from a Request to moments on a Probe and an Ending."""

from __future__ import annotations

from loadtester.drivers.contract import LEAD_S, Driver, Probe
from loadtester.errors import Exit, FmloadError
from loadtester.scenario.scenario import Target

__all__ = ["LEAD_S", "Driver", "Probe", "driver_for"]


def driver_for(target: Target) -> Driver:
    """The driver that speaks `target`'s protocol; only its own libraries are imported.

    Raises FmloadError where the target's address is missing or can't be one of that protocol.
    """
    if target.protocol == "bedrock":
        from loadtester.drivers.bedrock import BedrockDriver  # noqa: PLC0415  botocore takes half a second to import

        return BedrockDriver(
            target.region, target.endpoint_url, is_streaming=target.is_streaming, ca_file=target.ca_file
        )
    if target.url is None:
        raise FmloadError(
            f"there is no URL to send {target.protocol} requests to",
            remedy="name a target, such as wss://chat.example.com/ws or https://chat.example.com",
            code=Exit.USAGE,
        )
    return _driver_at(target.url, target)


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
