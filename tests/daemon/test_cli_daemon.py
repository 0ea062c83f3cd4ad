"""The command line beside a running daemon: the real program, the real API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from daemon.cli import main
from tests.daemon.test_cli_calls import Said
from tests.peers.process import wait_until
from tests.peers.tocsin import Daemon, Settings, alert, group

Call = Callable[..., Said]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for all tests of this file; each makes its own incidents."""
    one = Daemon(tmp_path_factory.mktemp("daemon"), Settings(locale="zh_CN")).start()
    yield one
    one.stop()


@pytest.fixture
def call(program: Daemon, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    for name in ("TOCSIN_URL", "TOCSIN_TOKEN", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)

    def run(*argv: str | Path) -> Said:
        capsys.readouterr()
        code = main([*(str(a) for a in argv), "--config", str(program.config)])
        return Said(code, *capsys.readouterr())

    return run


def _new(call: Call, title: str, *more: str) -> str:
    said = call("incident", "new", title, *more, "--json")
    assert said.code == 0, said.err
    number: str = json.loads(said.out)["number"]
    return number


def test_a_newcomer_needs_no_token_beside_the_daemon(call: Call) -> None:
    said = call("incident", "list")
    assert (said.code, said.err) == (0, "")


def test_an_incident_is_registered_listed_and_shown(call: Call) -> None:
    number = _new(call, "无法充值，页面报错", "--kind", "fault", "--service", "billing", "--reporter-name", "张三")
    listed = call("incident", "list", "--kind", "fault", "-q", "无法充值")
    assert number in listed.out
    assert "已登记" in listed.out
    assert "无法充值" in listed.out
    shown = call("incident", "show", number)
    for word in ("张三", "故障", "billing", "逐级上报", "还有", "时间线", "支持组长", "P3"):
        assert word in shown.out, word
    assert shown.err == ""


def test_json_is_the_apis_document(call: Call) -> None:
    number = _new(call, "for scripts")
    listed = json.loads(call("incident", "list", "--json", "--limit", "1").out)
    assert set(listed) == {"incidents", "next"}
    shown = json.loads(call("incident", "show", number, "--json").out)
    assert shown["number"] == number
    assert shown["timeline"][0]["event"] == "registered"


def test_no_line_of_a_table_is_wider_than_80_columns(call: Call) -> None:
    number = _new(call, "很长的标题" * 60, "--service", "billing", "--kind", "fault", "--text", "内容 " * 500)
    call("incident", "note", number, "说明 " * 300)
    for argv in (["incident", "list"], ["incident", "show", number], ["inbox", "list"], ["outbox", "list"]):
        for line in call(*argv).out.splitlines():
            assert cell_len(line) <= 80, line


def test_a_title_cannot_colour_the_terminal(call: Call) -> None:
    number = _new(call, "x")
    call("incident", "note", number, "\x1b[31mred\x1b[0m [bold]markup[/bold]")
    shown = call("incident", "show", number).out
    assert "\x1b" not in shown
    assert "[bold]markup[/bold]" in shown


def test_the_life_of_an_incident_on_the_command_line(call: Call) -> None:
    number = _new(call, "life", "--kind", "fault")
    steps = [
        (["assign", number, "--to", "Second"], "已分派, Second"),
        (["accept", number, "--by", "second"], "处理中"),
        (["note", number, "looking", "--public"], "处理中"),
        (["measure", number, "--users-affected", "640000", "--user-base", "800000"], "黑色"),
        (["pend", number, "spare part"], "挂起"),
        (["resume", number], "处理中"),
        (["resolve", number, "--solution", "restarted", "--by-role", "second_line"], "已解决"),
        (["confirm", number], "已关闭"),
    ]
    for argv, word in steps:
        said = call("incident", *argv)
        assert (said.code, said.err) == (0, ""), argv
        assert word in said.out, (argv, said.out)
    shown = call("incident", "show", number).out
    assert "restarted" in shown
    assert "Second" in shown


def test_data_may_be_given_as_json(call: Call) -> None:
    number = _new(call, "data")
    said = call("incident", "note", number, "--data", '{"text": "as json", "public": false}', "--json")
    assert (said.code, json.loads(said.out)["number"]) == (0, number)
    assert call("incident", "note", number, "--data", "{text}").code == 2
    assert call("incident", "note", number, "--data", "[1]").code == 2


def test_a_correction_needs_a_reason(call: Call) -> None:
    number = _new(call, "wrong kind")
    said = call("incident", "patch", number, "--kind", "fault")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("tocsin: reason: ")
    said = call("incident", "patch", number, "--kind", "fault", "--reason", "it is one")
    assert said.code == 0


def test_what_the_daemon_refuses_is_one_line(call: Call) -> None:
    number = _new(call, "refused")
    for argv, code, words in (
        (["incident", "resume", number], 1, "accept"),
        (["incident", "show", "INC-99999"], 1, "INC-99999"),
        (["incident", "show", "../tokens"], 1, ""),
        (["incident", "assign", number, "--to", "nobody"], 2, "nobody"),
        (["incident", "new", "x", "--kind", "catastrophe"], 2, "kind"),
        (["incident", "list", "--status", "lost"], 2, "status"),
        (["inbox", "show", "5"], 1, "5"),
        (["outbox", "retry", "5"], 1, "5"),
    ):
        said = call(*argv)
        assert (said.code, said.out, said.err.count("\n")) == (code, "", 1), argv
        assert said.err.startswith("tocsin: ")
        assert words in said.err


def test_an_alert_is_in_the_inbox_and_can_be_read_again(call: Call, program: Daemon) -> None:
    ident = program.webhook(group(alert("Disk"))).json()["inbox"][0]
    wait_until(lambda: "registered" in call("inbox", "list").out, 10, "the alert is registered")
    listed = call("inbox", "list")
    assert ident in listed.out
    shown = call("inbox", "show", ident)
    assert "Disk" in shown.out
    assert "alertmanager" in shown.out
    assert json.loads(call("inbox", "show", ident, "--json").out)["id"] == ident
    assert call("inbox", "replay", ident).code == 0


def test_what_is_sent_is_in_the_outbox(call: Call) -> None:
    number = _new(call, "told to the desk")
    wait_until(lambda: "已发送" in call("outbox", "list", "--incident", number).out, 10, "it was sent")
    [row] = json.loads(call("outbox", "list", "--incident", number, "--json").out)["notifications"]
    assert row["incident"] == number
    said = call("outbox", "drop", row["id"])
    assert said.code == 1
    assert "sent" in said.err


def test_tokens_are_made_listed_and_revoked_while_the_daemon_runs(
    call: Call, program: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = call("token", "new", "grafana", "--scope", "operate", "--person", "Desk")
    assert re.fullmatch(r"tcs_\S+\n", made.out), made.err
    assert "grafana" in call("token", "list").out
    monkeypatch.setenv("TOCSIN_URL", program.url)
    monkeypatch.setenv("TOCSIN_TOKEN", made.out.strip())
    number = _new(call, "by its own token")
    rows = json.loads(call("incident", "show", number, "--json").out)["timeline"]
    assert rows[0]["actor"] == "Desk"
    assert call("token", "list").code == 1
    monkeypatch.delenv("TOCSIN_TOKEN")
    assert call("token", "revoke", "grafana").code == 0
    monkeypatch.setenv("TOCSIN_TOKEN", made.out.strip())
    said = call("incident", "list")
    assert (said.code, said.err.count("\n")) == (1, 1)


def test_a_second_daemon_and_the_command_line_share_the_file(call: Call) -> None:
    assert call("db", "check").code == 0
