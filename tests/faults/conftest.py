"""The hostile server as a process, and the real engine run against it."""

import asyncio
import csv
import gzip
import os
import pickle
import shutil
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvloop

from loadtester.drivers import driver_for
from loadtester.drivers.bedrock import BedrockDriver
from loadtester.drivers.websocket import WebSocketDriver
from loadtester.fleet import Shard, shard_engine
from loadtester.recorder import COLUMNS
from loadtester.scenario import resolve

SERVER = Path(__file__).with_name("hostile_server.py")


class HostileServer:
    """hostile_server.py with these scripts, running; within it `ports` are its own, after it `log` and `strays` are."""

    def __init__(self, certificate, scripts, upgrades=None):
        self._told = scripts, upgrades or {}, certificate

    def __enter__(self):
        self._process = subprocess.Popen([sys.executable, SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        pickle.dump(self._told, self._process.stdin)
        self._process.stdin.flush()
        self.ports = pickle.load(self._process.stdout)  # noqa: S301  our own process
        return self

    def __exit__(self, *_):
        with self._process as process:
            process.stdin.close()
            self.log, self.strays = pickle.load(process.stdout)  # noqa: S301  our own process


class Doors:
    """One Driver in front of several: `door_of(id)` names the one that sends a request; `tell` hears of its end."""

    def __init__(self, drivers, door_of, tell, *, opens_ahead):
        self._drivers, self._door_of, self._tell = drivers, door_of, tell
        self.opens_ahead = opens_ahead

    async def check(self):
        """The doors that are shut can't prove that anyone is there."""

    async def prepare(self, request):
        await self._of(request).prepare(request)

    async def send(self, request, probe):
        return await self._of(request).send(request, probe)

    async def finish(self, request):
        await self._of(request).finish(request)
        self._tell()

    def _of(self, request):
        return self._drivers[self._door_of(request.id)]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for loopback by nobody that anyone trusts, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    place = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=place, check=True, capture_output=True,
    )  # fmt: skip
    return place / "cert.pem", place / "key.pem"


@pytest.fixture
def hostile_server(certificate):
    return partial(HostileServer, certificate)


@pytest.fixture
def nobody():
    """A port of loopback that is taken, and where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture(autouse=True)
def _credentials(monkeypatch):
    """AWS credentials that are nobody's, and nothing of this machine's own."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(params=["uvloop", "asyncio"])
def drive(request, tmp_path):
    """Runs the real engine: `targets` by door, `door_of` an id, a plan; `sink` gets what is recorded.

    `tell` is called when a conversation has ended, `at_rest` when the run has and only idle connections are left. When
    all is over, each driver was seen to hold none, and no task was left.
    """

    def drive_on(targets, door_of, arrivals, timeout_s, sink, *, tell=_nothing, at_rest=_nothing, opens_ahead=True):
        flags = {"target.url": "http://127.0.0.1:9", "output.directory": str(tmp_path), "load.timeout": f"{timeout_s}s"}

        async def main():
            drivers = {door: driver_for(resolve(flags | target).target) for door, target in targets.items()}
            doors = Doors(drivers, door_of, tell, opens_ahead=opens_ahead)
            engine = shard_engine(
                resolve(flags), arrivals, doors, shard=Shard(), price=lambda _model, _usage: None, sink=sink
            )
            await engine.open()
            async with asyncio.timeout(60):
                await engine.run(time.perf_counter_ns())
            for driver in drivers.values():
                await _rest(driver)
            held = [_connections_of(driver) for driver in drivers.values()]
            at_rest()
            for driver in drivers.values():
                await driver.aclose()
            assert not any(held)
            assert asyncio.all_tasks() == {asyncio.current_task()}

        loops = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
        with asyncio.Runner(loop_factory=loops[request.param]) as runner:
            runner.run(main())

    return drive_on


@pytest.fixture
def run(drive):
    """As `drive`, without a sink; gives the rows by id, and the intervals."""

    def run_on(targets, door_of, arrivals, timeout_s):
        lines, intervals = [], []

        def sink(interval, packed):
            intervals.append(interval)
            lines.extend(gzip.decompress(packed).decode().splitlines())

        drive(targets, door_of, arrivals, timeout_s, sink)
        rows = [dict(zip(COLUMNS, line, strict=True)) for line in csv.reader(lines)]
        assert sorted(int(row["id"]) for row in rows) == list(range(len(arrivals)))
        return SimpleNamespace(rows={int(row["id"]): row for row in rows}, intervals=intervals)

    return run_on


def _nothing():
    pass


async def _rest(driver):
    """Wait until connections that were cut, or said goodbye to, are gone."""
    async with asyncio.timeout(10):
        if isinstance(driver, WebSocketDriver):
            assert not driver._conversations
            while driver._lines:  # noqa: ASYNC110  as below
                await asyncio.sleep(0.005)
        else:
            pool = _connections_of(driver)
            while len(pool) != pool.n_idle:  # noqa: ASYNC110  a connection has no event to set for this
                await asyncio.sleep(0.005)


def _connections_of(driver):
    if isinstance(driver, WebSocketDriver):
        return driver._lines
    owner = driver._caller if isinstance(driver, BedrockDriver) else driver._service
    return owner._client.pool
