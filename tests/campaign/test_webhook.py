"""The webhook is told, again where that may help, and its URL is nowhere to be read."""

import http.server
import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from loadtester.analysis.comparison.night import Night, Result
from loadtester.campaign.webhook import message, notify, require_url
from loadtester.errors import FmloadError

SECRET = "T0000/B0000/very-secret"


def _night(problem="no answer <from> & about chat.example"):
    results = (Result("load", None, (113,), problem=problem), Result("smoke", None, ()))
    return Night("all", datetime(2026, 11, 21, tzinfo=UTC), 5.0, results)


@contextmanager
def _server(*answers):
    """A loopback webhook that gives these answers in turn, and what it was told."""
    told, left = [], list(answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            told.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(left.pop(0))
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/services/{SECRET}", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_night_is_told_once():
    """One POST of what Slack takes, to the whole path."""
    with _server(200) as (url, told):
        assert notify(url, _night(), pause=pytest.fail) is None
    ((path, body),) = told
    assert path.endswith(SECRET)
    assert body["text"] == "fmload nightly all failed: load"
    assert body == message(_night())


@pytest.mark.parametrize(
    ("answers", "posts", "waits", "said"),
    [
        ((503, 200), 2, [1.0], None),
        ((429, 500, 200), 3, [1.0, 3.0], None),
        ((500, 502, 503), 3, [1.0, 3.0], "HTTP 503"),
        ((404,), 1, [], "HTTP 404"),
        ((302,), 1, [], "HTTP 302"),
    ],
)
def test_what_may_pass_is_tried_again(answers, posts, waits, said):
    """Twice more for servers in trouble, never for a refusal or a redirection; the warning names the host alone."""
    paused = []
    with _server(*answers) as (url, told):
        fault = notify(url, _night(), pause=paused.append)
    assert (len(told), paused) == (posts, waits)
    assert fault == (None if said is None else f"the webhook at 127.0.0.1 could not be told: {said}")


def test_nobody_there_is_a_warning_without_the_url():
    """A refused connection is tried three times, then told by its kind."""
    with _server() as (url, _):
        pass
    fault = notify(url, _night(), pause=lambda _: None)
    assert "127.0.0.1" in fault
    assert "ConnectError" in fault
    assert SECRET not in fault


@pytest.mark.parametrize(
    "url", ["", "hooks.slack.com/x", "ftp://x/secret", "https:///secret", "http://[secret", "http://h:x9/secret"]
)
def test_a_url_that_is_none_is_refused_without_being_shown(url):
    """Before the night begins, as wrong usage."""
    with pytest.raises(FmloadError) as caught:
        require_url(url)
    assert "secret" not in str(caught.value)
    assert "FMLOAD_WEBHOOK_URL" in caught.value.message


def test_a_message_holds_no_mention_and_fits():
    """What names hold is text to Slack, and a long story is cut."""
    shown = json.dumps(message(_night("<!channel> & <http://x|y>")))
    assert "<!channel>" not in shown
    assert "&lt;!channel&gt; &amp;" in shown
    blocks = message(_night("x" * 9000))["blocks"]
    assert all(len(block["text"]["text"]) <= 3000 for block in blocks)
