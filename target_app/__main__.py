"""`python -m target_app bedrock|app`: the bundled target's two processes, each on a port of this machine."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TextIO

from target_app.endpoint import Endpoint, parse_url
from target_app.serving import listen, serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two until it is told to end: exit code 0; 1 and a line on stderr where it can't begin."""
    options = _parser().parse_args(arguments)
    with ExitStack() as stack:
        try:
            listener = stack.enter_context(listen(options.host, options.port))
            log = stack.enter_context(_opened(options.log))
        except OSError as error:
            what = f"cannot write {error.filename}" if error.filename else f"cannot listen on port {options.port}"
            sys.stderr.write(f"target_app {options.part}: {what}: {error.strerror or error}\n")
            return 1
        with suppress(KeyboardInterrupt):  # a Ctrl-C before the server took over the signal
            options.start(options, listener, log)
    return 0


def _bedrock(options: argparse.Namespace, listener: socket.socket, log: TextIO | None) -> None:
    from target_app.bedrock.server import create_app  # noqa: PLC0415  each process loads only what it serves
    from target_app.bedrock.settings import Settings  # noqa: PLC0415  likewise

    settings = Settings(
        seed=options.seed,
        time_scale=options.time_scale,
        tokens_per_minute=options.tokens_per_minute or None,
        requests_per_minute=options.requests_per_minute or None,
        window=options.window,
        access_key=options.access_key,
    )
    serve(create_app(settings, log), listener, has_lifeline=options.lifeline is not None)


def _app(options: argparse.Namespace, listener: socket.socket, log: TextIO | None) -> None:
    from target_app.app import create_app  # noqa: PLC0415  aioboto3 takes half a second to load
    from target_app.edges.frames import MAX_MESSAGE_BYTES, GatewayProtocol  # noqa: PLC0415  likewise websockets

    app = create_app(
        Endpoint(region=options.region, url=options.bedrock_url), log, model_connections=options.model_connections
    )
    serve(
        app,
        listener,
        has_lifeline=options.lifeline is not None,
        websocket=GatewayProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
    )


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO | None]:
    """The log, written out line by line, so that what has ended is on record when the process is killed."""
    if path is None:
        yield None
    else:
        with path.open("a", buffering=1, encoding="utf-8") as file:
            yield file


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m target_app", description="The bundled target of fmload.")
    parts = parser.add_subparsers(dest="part", required=True)
    bedrock = parts.add_parser("bedrock", help="the emulator of Amazon Bedrock")
    bedrock.set_defaults(start=_bedrock)
    bedrock.add_argument("--seed", type=int, default=1)
    bedrock.add_argument("--time-scale", type=_factor, default=1.0, help="multiplies every wait; 0: none")
    bedrock.add_argument("--tokens-per-minute", type=_count, default=200_000, help="quota of each model; 0: none")
    bedrock.add_argument("--requests-per-minute", type=_count, default=0, help="quota of each model; 0: none")
    bedrock.add_argument("--window", choices=("bucket", "minute"), default="bucket", help="how the quota refills")
    bedrock.add_argument("--access-key", help="the one AWS access key id to take; default: any")
    app = parts.add_parser("app", help="the MangaAssist service")
    app.set_defaults(start=_app)
    app.add_argument("--bedrock-url", type=_url, help="default: the region's own endpoint")
    app.add_argument("--region", default="ap-northeast-1")
    app.add_argument("--model-connections", type=_count, default=50, help="the pool's size")
    for part in (bedrock, app):
        part.add_argument("--host", default="127.0.0.1")
        part.add_argument("--port", type=_port, default=0, help="0: a free one")
        part.add_argument("--log", type=Path, help="NDJSON, one line a request at its end")
        part.add_argument("--lifeline", choices=("stdin",), help="end when standard input does")
    return parser


def _factor(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 up")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return value


def _port(text: str) -> int:
    value = int(text)
    if value not in range(65536):
        raise argparse.ArgumentTypeError(f"{text} is not a port")
    return value


def _url(text: str) -> str:
    try:
        return parse_url(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
