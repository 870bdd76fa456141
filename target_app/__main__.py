"""`python -m target_app bedrock|app|token`: the bundled target's two processes, each on a port of this machine.

`token` prints a token for one user of the app instead.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from target_app.endpoint import Endpoint, parse_url
from target_app.serving import listen, serve

if TYPE_CHECKING:
    from target_app.bedrock.limits import Quotas
    from target_app.config import Config
    from target_app.faults.plan import Plan


#: The environment variable that the app's --admin-token may be given in.
ADMIN_TOKEN = "MANGAASSIST_ADMIN_TOKEN"  # noqa: S105  the name of one, not a token


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two until it is told to end: exit code 0; 1 and a line on stderr where it can't begin."""
    options = _parser().parse_args(arguments)
    if options.part == "token":
        return _token(options)
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
    from target_app.bedrock.connection import CuttableProtocol  # noqa: PLC0415  each process loads only what it serves
    from target_app.bedrock.server import create_app  # noqa: PLC0415  likewise
    from target_app.bedrock.settings import Settings, quotas_of  # noqa: PLC0415  likewise
    from target_app.config import Config  # noqa: PLC0415  likewise

    config = options.config or Config()
    limits = {name: getattr(options, name) for name in ("tokens_per_minute", "requests_per_minute", "tokens_per_day")}
    settings = Settings(
        seed=options.seed,
        time_scale=options.time_scale,
        quotas=quotas_of(options.quotas or config.quotas, limits),
        window=options.window or config.bedrock.window,
        slots=options.slots or config.bedrock.slots,
        access_key=options.access_key,
        admin_token=options.admin_token,
        faults=options.faults or config.faults,
    )
    serve(create_app(settings, log), listener, has_lifeline=options.lifeline is not None, http=CuttableProtocol)


def _app(options: argparse.Namespace, listener: socket.socket, log: TextIO | None) -> None:
    import msgspec  # noqa: PLC0415  each process loads only what it serves

    from target_app.app import create_app  # noqa: PLC0415  aioboto3 takes half a second to load
    from target_app.config import AdminConfig, Config  # noqa: PLC0415  likewise
    from target_app.edges.frames import MAX_MESSAGE_BYTES, GatewayProtocol  # noqa: PLC0415  likewise websockets

    config = options.config or Config()
    if token := options.admin_token or os.environ.get(ADMIN_TOKEN):
        config = msgspec.structs.replace(config, admin=AdminConfig(token))
    app = create_app(
        Endpoint(region=options.region, url=options.bedrock_url),
        log,
        config,
        model_connections=options.model_connections,
    )
    serve(
        app,
        listener,
        has_lifeline=options.lifeline is not None,
        websocket=GatewayProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
    )


def _token(options: argparse.Namespace) -> int:
    from target_app.edges.tokens import issue  # noqa: PLC0415  each command loads only what it needs

    try:
        token = issue(options.secret, options.user, int(time.time() + options.valid))
    except ValueError as error:
        sys.stderr.write(f"target_app token: {error}\n")
        return 1
    sys.stdout.write(token + "\n")
    return 0


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
    bedrock.description = "What a flag says wins over the files; what neither says has the default."
    bedrock.add_argument("--seed", type=int, default=1)
    bedrock.add_argument("--time-scale", type=_factor, default=1.0, help="multiplies every wait; 0: none")
    bedrock.add_argument("--tokens-per-minute", type=_count, help="quota of each model; 0: none; default: 100000")
    bedrock.add_argument("--requests-per-minute", type=_count, help="quota of each model; 0: none")
    bedrock.add_argument("--tokens-per-day", type=_count, help="quota of each model; 0: none")
    bedrock.add_argument(
        "--quotas", type=_quotas, help="YAML or JSON, under those three: limits, and other ones by model"
    )
    bedrock.add_argument("--slots", type=_count_from_1, help="answers of each model decoded at once; default: 64")
    bedrock.add_argument("--faults", type=_faults, help="YAML or JSON: the faults to have, by rate or by time")
    bedrock.add_argument("--admin-token", help="what /_faults, /_quota and /_stats ask for; default: any credentials")
    bedrock.add_argument("--window", choices=("bucket", "minute"), help="how the quota refills; default: bucket")
    bedrock.add_argument("--access-key", help="the one AWS access key id to take; default: any")
    app = parts.add_parser("app", help="the MangaAssist service")
    app.set_defaults(start=_app)
    app.add_argument("--bedrock-url", type=_url, help="default: the region's own endpoint")
    app.add_argument("--region", default="ap-northeast-1")
    app.add_argument("--admin-token", help=f"what /admin asks for; default: {ADMIN_TOKEN}, or there is no /admin")
    app.add_argument("--model-connections", type=_count_from_1, default=50, help="the pool's size")
    token = parts.add_parser("token", help="a token for one user")
    token.add_argument("--config", type=_secret, required=True, dest="secret", help="the app's file")
    token.add_argument("--user", required=True, help="letters, digits, _ and -")
    token.add_argument("--valid", type=_duration_s, default=3600.0, help="like 90s, 15m, 1h, 7d; default: 1h")
    for part in (bedrock, app):
        part.add_argument("--host", default="127.0.0.1")
        part.add_argument("--port", type=_port, default=0, help="0: a free one")
        part.add_argument("--config", type=_config, help="YAML: what MangaAssist is made of, and its faults")
        part.add_argument("--log", type=Path, help="NDJSON, one line a request at its end")
        part.add_argument("--lifeline", choices=("stdin",), help="end when standard input does")
    return parser


def _factor(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 up")
    return value


def _duration_s(text: str) -> float:
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if match is None or not int(match[1]):
        raise argparse.ArgumentTypeError(f"{text} is not a duration like 90s, 15m, 1h, 7d")
    return int(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return value


def _count_from_1(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def _quotas(text: str) -> Quotas:
    from target_app.bedrock import limits  # noqa: PLC0415  only where there is such a file

    try:
        return limits.load(Path(text))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _faults(text: str) -> Plan:
    from target_app.faults import plan  # noqa: PLC0415  only where there is such a file

    try:
        return plan.load(Path(text))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _config(text: str) -> Config:
    from target_app import config  # noqa: PLC0415  only where there is such a file

    try:
        return config.load(Path(text))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _secret(text: str) -> str:
    secret = _config(text).auth.secret
    if secret is None:
        raise argparse.ArgumentTypeError(f"{text}: there is no auth.secret, so that no token is asked for")
    return secret


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
