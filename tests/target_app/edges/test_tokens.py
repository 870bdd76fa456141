"""Tokens: who may connect, and until when."""

import pytest

from target_app.edges.tokens import admit, issue
from target_app.errors import ChatError, Code

SECRET = "a secret of 16 or more"
TOKEN = issue(SECRET, "user-1", 1000)


def scope(query=b"", authorization=None):
    headers = [] if authorization is None else [(b"authorization", authorization)]
    return {"type": "websocket", "query_string": query, "headers": headers}


@pytest.mark.parametrize("where", [scope(b"token=" + TOKEN.encode()), scope(b"", b"Bearer " + TOKEN.encode())])
def test_a_good_token(where):
    """In the query or the header, a token tells who it is until it expires."""
    assert admit(SECRET, where, 999.9) == "user-1"
    with pytest.raises(ChatError) as refused:
        admit(SECRET, where, 1000.0)
    assert refused.value.code is Code.FORBIDDEN


@pytest.mark.parametrize("authorization", [None, b"", b"Bearer ", b"Basic dXNlcg=="])
def test_no_token(authorization):
    """Whoever brings none is told to."""
    with pytest.raises(ChatError) as refused:
        admit(SECRET, scope(b"", authorization), 0.0)
    assert refused.value.code is Code.UNAUTHORIZED


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        TOKEN.replace("user-1", "user-2"),
        TOKEN.replace("1000", "9999"),
        TOKEN + "0",
        issue("another secret of 16", "user-1", 1000),
        "' OR '1'='1",
    ],
)
def test_a_bad_token(token):
    """A token that was changed, or signed by somebody else, is forbidden; the message doesn't repeat it."""
    with pytest.raises(ChatError) as refused:
        admit(SECRET, scope(b"", b"Bearer " + token.encode()), 0.0)
    assert refused.value.code is Code.FORBIDDEN
    assert token not in refused.value.message


@pytest.mark.parametrize("user", ["", "a.b", "a b", "u" * 65])
def test_users_that_no_token_can_name(user):
    """A user whose name would be read differently gets no token."""
    with pytest.raises(ValueError, match="a user is"):
        issue(SECRET, user, 1000)
