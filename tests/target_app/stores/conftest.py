"""The databases that stores are held to: SQLite, and DynamoDB as two emulators understand it."""

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import threading
import venv
from pathlib import Path

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

#: Pins botocore to another version than aioboto3 does: hence a place of its own.
MINISTACK = "ministack==1.5.33"
MINISTACK_HOME = Path(__file__).parents[3] / ".bench" / MINISTACK
INSTALL_S = 300.0
_numbers = itertools.count(1)


class OneAtATime:
    """Serialises requests, as DynamoDB does those about one item: moto's threads get into each other's way there."""

    def __init__(self, app):
        self._app = app
        self._lock = threading.Lock()

    def __call__(self, environ, start_response):
        with self._lock:
            return self._app(environ, start_response)


@pytest.fixture(scope="session")
def moto_url():
    """The address of moto's server, in threads of this process."""
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, OneAtATime(app), threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def ministack_url():
    """The address of MiniStack, installed once and run as a process on a socket that listens before it starts."""
    python = _installed()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.fileno()
        environment = {"PATH": os.environ["PATH"], "SERVICES": "dynamodb", "LOG_LEVEL": "ERROR", "HOME": os.devnull}
        # Without workers it is one process, and none is left behind when that one is killed.
        command = [python, "-m", "hypercorn", "ministack.app:app", "--bind", f"fd://{number}", "--workers", "0"]
        process = subprocess.Popen(
            command,
            env=environment,
            pass_fds=[number],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            assert process.poll() is None, "MiniStack ended by itself"
        finally:
            process.kill()
            process.wait()


def _installed():
    python = MINISTACK_HOME / "bin" / "python"
    is_installed = MINISTACK_HOME / "installed"
    if not is_installed.exists():
        venv.create(MINISTACK_HOME, clear=True, with_pip=True)
        # The project's own constraints hold another botocore.
        environment = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", MINISTACK]
        try:
            subprocess.run(install, check=True, env=environment, timeout=INSTALL_S, stdout=sys.stderr)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip("pip can't install MiniStack")
        is_installed.touch()
    return str(python)


@pytest.fixture(params=["memory", "sqlite", "moto", "ministack"])
def records_url(request, tmp_path):
    """The URL of an empty database for sessions, products and carts."""
    if request.param == "memory":
        return "memory:"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.db'}"
    endpoint = request.getfixturevalue(f"{request.param}_url")
    return f"dynamodb://ap-northeast-1/records-{next(_numbers)}?create=true&endpoint={endpoint}"


@pytest.fixture
def deaf_port():
    """A port that is bound and doesn't listen: connections to it are refused, and nobody else gets it."""
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def silent_port():
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
