"""The command line that a manifest keeps: the same words, but for secrets."""

import pytest
from typer.main import get_command

from loadtester.campaign.command import shown_command
from loadtester.cli.app import app


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--rate", "5/s", "-d", "10s", "-q"], None),
        (["https://u:p@h/chat?key=k1&v=2", "-r", "5/s"], ["https://***@h/chat?key=***&v=2", "-r", "5/s"]),
        (["--quiet", "wss://h/ws"], None),
        (["-H", "Authorization: Bearer abcdef123456"], ["-H", "Authorization: ***"]),
        (["-HX-Key: abc", "--header=Accept: text/plain"], ["-HX-Key: ***", "--header=Accept: text/plain"]),
        (["--header", "no colon"], ["--header", "***"]),
        (["-qH", "X-Key: abc", "-r", "5/s"], ["-qH", "X-Key: ***", "-r", "5/s"]),
        (["-yHX-Key: abc"], ["-yHX-Key: ***"]),
        (["-qyqHAccept: text/plain"], None),
        (["-H", "-X-Key: abc"], ["-H", "-X-Key: ***"]),
        (["--name", "-H", "-H", "X-Key: abc"], ["--name", "-H", "-H", "X-Key: ***"]),
        (["-q", "-H", "X-Key: abc"], ["-q", "-H", "X-Key: ***"]),
        (["-r5/s", "-qy", "https://u:p@h/chat"], ["-r5/s", "-qy", "https://***@h/chat"]),
        (["--", "https://u:p@h/chat"], ["--", "https://***@h/chat"]),
        (["-oapi_key=abcdefgh1234"], ["-oapi_key=***"]),
        (["-o", "-qHapi_key=abcdefgh1234"], ["-o", "-qHapi_key=***"]),
        (["--name=", "https://u:p@h/chat"], ["--name=", "https://***@h/chat"]),
        (["--endpoint-url", "http://127.0.0.1:81"], None),
        (["--webhook", "https://hooks.example/T0/B0/secret"], ["--webhook", "***"]),
        (["--webhook=https://hooks.example/T0/B0/secret"], ["--webhook=***"]),
        (["--name", "api_key=abcdefgh1234"], ["--name", "api_key=***"]),
        (["http://[x"], ["***"]),
        (["--otel", "http://h/chat"], None),
        (["--otel-endpoint", "http://u:p@collector:4318"], ["--otel-endpoint", "http://***@collector:4318"]),
        ([], None),
    ],
)
def test_what_is_kept(words, shown):
    """Word by word as it was typed; a header's value, a login and an address that is no target's are hidden."""
    assert shown_command(["fmload", "run", *words]) == (words if shown is None else shown)


def test_behind_every_switch_may_stand_the_target():
    """Whatever option of `fmload run` has no value, the address behind it is the target's, and shown."""
    run = next(one for one in get_command(app).commands.values() if one.name == "run")
    switches = [
        name for one in run.params if getattr(one, "is_flag", False) for name in (*one.opts, *one.secondary_opts)
    ]
    assert "--otel" in switches
    for switch in switches:
        words = [switch, "https://h/chat"]
        assert shown_command(["fmload", "run", *words]) == words


def test_a_header_is_hidden_behind_every_option():
    """Whatever stands before it on the line, joined to it where that can be."""
    run = next(one for one in get_command(app).commands.values() if one.name == "run")
    for one in run.params:
        for name in (*one.opts, *one.secondary_opts) if one.param_type_name == "option" else ():
            is_switch = getattr(one, "is_flag", False)
            lines = [[name, "-H"] if is_switch else [name, "5", "-H"]]
            lines += [[f"{name}H"]] if is_switch and len(name) == len("-q") else []
            for words in lines:
                assert shown_command(["fmload", "run", *words, "X-Key: abc"])[-1] == "X-Key: ***", words


def test_another_command_is_no_run():
    """What didn't begin as `fmload run` can't be named as one."""
    assert shown_command(["pytest", "-q"]) is None
    assert shown_command([]) is None
