"""The command line without a daemon: how it is called, what it says, how it ends."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from daemon import __version__
from daemon.cli import FAMILIES, build, main
from daemon.commands.options import fields_of, instant
from daemon.commands.policy import toml
from daemon.commands.tables import clean, span
from daemon.config import load
from daemon.console.bodies import ACTIONS
from daemon.core.policy import Policy
from tests.peers.process import free_port
from tests.peers.tocsin import PROGRAM, Settings

EVERY = [
    ["run"],
    ["check"],
    ["simulate", "x.jsonl"],
    ["incident", "list"],
    ["incident", "show", "1"],
    ["incident", "new", "x"],
    ["incident", "accept", "1"],
    ["inbox", "list"],
    ["outbox", "list"],
    ["notify", "test", "--channel", "sms", "--to", "1"],
    ["db", "upgrade"],
    ["db", "check"],
    ["policy", "show"],
    ["token", "new", "x", "--scope", "admin"],
]


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """`call("check", …)` runs one command in a folder of its own, with no daemon named in the environment."""
    for name in ("TOCSIN_URL", "TOCSIN_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*argv: str | Path) -> Said:
        capsys.readouterr()
        code = main([str(a) for a in argv])
        return Said(code, *capsys.readouterr())

    return run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Settings().write(tmp_path)


def test_the_version_is_told(call) -> None:
    assert call("--version") == Said(0, f"tocsin {__version__}\n", "")


def test_help_lists_every_command(call) -> None:
    said = call("--help")
    assert said.code == 0
    for name in FAMILIES:
        assert name in said.out


@pytest.mark.parametrize("argv", EVERY, ids=" ".join)
def test_config_may_stand_before_or_after_the_command(argv: list[str]) -> None:
    before = build(argv).parse_args(["--config", "a.toml", "-v", *argv])
    after = build(argv).parse_args([*argv, "-v", "--config", "a.toml"])
    assert (before.config, before.verbose) == (after.config, after.verbose) == ("a.toml", True)
    assert build(argv).parse_args(argv).config is None


def test_every_action_of_the_api_is_a_command() -> None:
    parser = build(["incident"])
    for name in ACTIONS:
        assert parser.parse_args(["incident", name, "INC-1"]).action == name


@pytest.mark.parametrize(
    "argv",
    [[], ["fly"], ["incident"], ["incident", "show"], ["token", "new", "x", "--scope", "king"], ["check", "--colour"]],
    ids=" ".join,
)
def test_a_wrong_call_is_one_line_and_exit_2(call, argv: list[str]) -> None:
    said = call(*argv)
    assert (said.code, said.out) == (2, "")
    assert re.fullmatch(r"tocsin: .*\n", said.err), said.err


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["incidnt", "list"], "did you mean incident?"),
        (["incident", "acept", "1"], "did you mean accept?"),
        (["--confg", "x", "check"], "did you mean --config?"),
        (["--url", "http://x", "incident", "list"], "no option --url"),
        (["--json", "incident", "list"], "stand after it"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_a_slip_is_told_with_what_was_meant(call, argv: list[str], word: str) -> None:
    said = call(*argv)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert word in said.err
    assert len(said.err) < 120


def test_a_config_that_is_not_there_is_one_line_and_exit_2(call) -> None:
    said = call("check")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "config.toml" in said.err
    said = call("check", "--config", "nowhere/config.toml")
    assert (said.code, said.err.count("\n")) == (2, 1)


def test_every_fault_of_a_config_is_a_line_of_its_own(call, tmp_path: Path) -> None:
    path = Settings(people='[[people]]\nname = "A"\nmobile = "call me"\n', policy="surge_complants = 3\n").write(
        tmp_path
    )
    said = call("check", "--config", path)
    assert (said.code, said.out) == (2, "")
    lines = said.err.splitlines()
    assert any(line.startswith("config.toml: people[0].mobile: ") for line in lines)
    assert any("surge_complaints" in line for line in lines)
    assert call("run", "--config", path) == said


def test_a_good_config_is_called_good_and_warnings_go_to_standard_error(call, tmp_path: Path) -> None:
    people = '[[people]]\nname = "A"\nemail = "a@x.example"\nroles = ["service_desk"]\n'
    said = call("check", "--config", Settings(people=people).write(tmp_path))
    assert said.code == 0
    assert said.out.startswith("config.toml: good (people: 1, services: 1,")
    assert all(line.startswith("config.toml: warning: ") for line in said.err.splitlines())
    assert said.err


def test_without_a_daemon_the_line_names_the_url_and_how_to_start_it(call, config: Path) -> None:
    url = f"http://127.0.0.1:{load(config).http.listen.port}"
    Path(config.parent, "key").write_text("a key of sixteen characters and more")
    for argv in (["incident", "list"], ["inbox", "list"], ["outbox", "list"], ["incident", "accept", "1"]):
        said = call(*argv, "--config", config)
        assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
        assert url in said.err
        assert "tocsin run" in said.err


def test_before_the_first_start_there_is_no_key_and_the_line_says_what_to_do(call, config: Path) -> None:
    said = call("incident", "list", "--config", config)
    assert (said.code, said.err.count("\n")) in ((1, 1), (2, 1))
    assert "TOCSIN_TOKEN" in said.err


def test_a_url_that_is_none_is_exit_2(call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_URL", "daemon")
    monkeypatch.setenv("TOCSIN_TOKEN", "x")
    said = call("incident", "list")
    assert (said.code, said.err.count("\n")) == (2, 1)


def test_our_key_signs_nothing_for_a_stranger(call, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(config.parent, "key").write_text("a key of sixteen characters and more")
    monkeypatch.setenv("TOCSIN_URL", f"http://127.0.0.1:{free_port()}")
    said = call("incident", "list", "--config", config)
    assert said.code == 2
    assert "TOCSIN_TOKEN" in said.err


def test_the_database_is_made_and_checked(call, config: Path) -> None:
    assert call("db", "check", "--config", config).code == 1
    assert call("db", "upgrade", "--config", config).code == 0
    assert call("db", "upgrade", "--config", config).code == 0
    assert call("db", "check", "--config", config).code == 0
    config.with_name("tocsin.sqlite3").write_bytes(b"no database at all" * 1000)
    said = call("db", "check", "--config", config)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("tocsin: ")


def test_a_token_can_be_made_before_the_first_start(call, config: Path) -> None:
    said = call("token", "new", "ci", "--scope", "operate", "--config", config)
    assert (said.code, said.err) == (0, "")
    assert re.fullmatch(r"tcs_[\w-]{40,}\n", said.out)
    again = call("token", "new", "ci", "--scope", "operate", "--config", config)
    assert (again.code, again.out) == (1, "")
    assert said.out.strip().encode() not in config.with_name("tocsin.sqlite3").read_bytes()


def test_a_token_for_nobody_we_know_is_exit_2(call, config: Path) -> None:
    said = call("token", "new", "ci", "--scope", "operate", "--person", "nobody", "--config", config)
    assert (said.code, said.out) == (2, "")


def test_one_message_goes_through_a_channel(call, config: Path) -> None:
    said = call("notify", "test", "--channel", "sms", "--to", "+8613800000000", "--config", config)
    assert said.code == 0, said.err
    file = config.parent / "outbox" / "sms.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    [line] = file.read_text().splitlines()
    assert json.loads(line)["to"] == "+8613800000000"
    said = call("notify", "test", "--channel", "pigeon", "--to", "x", "--config", config)
    assert said.code == 2
    assert "sms" in said.err


def test_a_channel_that_takes_nothing_is_one_line_and_exit_1(call, tmp_path: Path) -> None:
    channels = f'[channels.email]\nhost = "127.0.0.1"\nport = {free_port()}\ntls = "none"\nfrom = "t@x.example"\n'
    path = Settings(channels=channels).write(tmp_path)
    said = call("notify", "test", "--channel", "email", "--to", "a@x.example", "--config", path)
    assert (said.code, said.err.count("\n")) == (1, 1)


def test_the_policy_that_is_shown_is_the_policy_when_it_is_read_again(call, tmp_path: Path) -> None:
    changed = 'quiet_period = "45m"\nauto_close_after = "3d"\n[policy.ladder.P1]\nsupport_lead = "7m"\n'
    path = Settings(policy=changed).write(tmp_path)
    said = call("policy", "show", "--config", path)
    assert said.code == 0
    assert "[policy.ladder.P1]" in said.out
    first = load(path).policy
    again = Settings(policy=said.out.partition("[policy]\n")[2]).write(tmp_path)
    assert load(again).policy == first
    assert first != Policy()
    assert next(iter(toml(first))) == f"# hash {first.hash}"


def test_a_scenario_is_played(call, config: Path) -> None:
    scenario = config.with_name("s.jsonl")
    mail = {"from": "li@customer.example", "subject": "无法充值", "text": "billing is down"}
    scenario.write_text(json.dumps({"at": "0s", "mail": mail, "to": "support@example"}) + "\n")
    said = call("simulate", scenario, "--json", "--until", "5h", "--config", config)
    assert said.code == 0, said.err
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert rows[0]["event"] == "registered"
    assert rows[-1]["summary"]["incidents"] == 1
    assert call("simulate", scenario, "--json", "--until", "5h", "--config", config).out == said.out
    people = call("simulate", scenario, "--until", "5h", "--config", config).out
    assert people.splitlines()[-1].startswith("1 incident, ")
    assert ">  <" not in people
    for wrong in (["nowhere.jsonl"], [scenario, "--until", "soon"]):
        said = call("simulate", *wrong, "--config", config)
        assert said.code in (1, 2)
        assert said.err.count("\n") == 1


def test_v_shows_where_it_failed(call, config: Path) -> None:
    said = call("-v", "notify", "test", "--channel", "pigeon", "--to", "x", "--config", config)
    assert "Traceback" in said.err
    assert "Traceback" not in call("notify", "test", "--channel", "pigeon", "--to", "x", "--config", config).err


def test_the_installed_program_is_the_same(config: Path) -> None:
    done = subprocess.run(
        [PROGRAM, "check", "--config", config], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout[:17]) == (0, "config.toml: good")


def test_a_scenario_may_come_through_a_pipe_and_a_full_disk_is_not_its_fault(config: Path) -> None:
    mail = {"from": "li@customer.example", "subject": "x", "text": "billing is down"}
    line = json.dumps({"at": "0s", "mail": mail, "to": "support@example"})

    def piped(given: str, into: str) -> subprocess.CompletedProcess[str]:
        script = f"{PROGRAM} simulate - --json --config {config} > {into}"
        return subprocess.run(
            ["bash", "-c", script], input=given, capture_output=True, text=True, timeout=60, check=False
        )

    assert (piped(line, "/dev/null").returncode, piped(line, "/dev/null").stderr) == (0, "")
    assert piped("{", "/dev/null").stderr.startswith("tocsin: standard input: line 1: ")
    full = piped(line, "/dev/full")
    assert full.returncode == 1
    assert "standard input" not in full.stderr
    assert "No space left" in full.stderr


def test_a_pager_that_was_left_is_no_error(config: Path) -> None:
    """head closes the pipe after a line; policy show has more to say than a pipe holds."""
    script = f"{PROGRAM} policy show --config {config} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("argv", "body"),
    [
        (["assign", "1", "王芳"], {}),
        (["note", "1", "x", "--public"], {"public": True}),
        (["note", "1", "x", "--no-public"], {"public": False}),
        (["measure", "1", "--users-affected", "640000"], {"users_affected": 640000}),
        (["measure", "1", "--in-media", "black"], {"in_media": "black"}),
        (["measure", "1", "--in-media", "true"], {"in_media": True}),
        (["measure", "1", "--fault-level", "null"], {"fault_level": None}),
        (["measure", "1", "--process-exit"], {"process_exit": True}),
        (["measure", "1", "--offline-from", "2026-01-05T09:00:00Z"], {"offline_from": "2026-01-05T09:00:00+00:00"}),
        (["participants", "1", "--add", "a", "--add", "b"], {"add": ["a", "b"]}),
        (["close", "1", "--follow-up", "problem=PRB-7"], {"follow_up": {"problem": "PRB-7"}}),
        (["close", "1", "--follow-up", "incident"], {"follow_up": "incident"}),
        (["duplicate", "2", "--of", "1"], {"of": 1}),
        (["duplicate", "2", "--of", "INC-1"], {"of": "INC-1"}),
        (["resolve", "1", "x", "--by-role", "second_line", "--by", "王芳"], {"by_role": "second_line", "by": "王芳"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_become_the_json_that_the_api_takes(argv: list[str], body: dict[str, object]) -> None:
    args = build(["incident"]).parse_args(["incident", *argv])
    assert fields_of(args, ACTIONS[args.action], None) == body
    assert ACTIONS[args.action].model_validate({**_first(args), **body})


def _first(args: object) -> dict[str, object]:
    from daemon.commands.incident import FIRST

    value = getattr(args, "first", None)
    return {} if value is None else {FIRST[args.action]: value}  # type: ignore[attr-defined]


def test_an_instant_without_a_zone_is_one_of_the_configs_timezone() -> None:
    from zoneinfo import ZoneInfo

    from daemon.commands.call import Wrong

    assert instant("since", "2026-01-05 09:00", ZoneInfo("Asia/Shanghai")) == "2026-01-05T09:00:00+08:00"
    assert instant("since", "now", None).endswith("Z")
    for text, zone in (("2026-01-05 09:00", None), ("soon", ZoneInfo("UTC"))):
        with pytest.raises(Wrong):
            instant("since", text, zone)


def test_text_from_outside_cannot_move_the_cursor() -> None:
    assert clean("a\x1b[2Jb\r\nc\u202ed\u200be") == "a [2Jb c d e"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (61, "1m01s"), (3660, "1h01m"), (90_000, "1d1h"), (400_000, "4d15h")]
)
def test_a_span_is_short(seconds: int, text: str) -> None:
    assert span(seconds) == text


def test_an_interrupt_is_exit_130_without_a_word(call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("daemon.commands.running.check", interrupted)
    assert call("check") == Said(130, "", "")


def test_a_defect_is_one_line_and_exit_1(call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(args: object) -> int:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("daemon.commands.running.check", broken)
    said = call("check")
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert "RuntimeError: two lines" in said.err


def test_the_key_that_is_made_is_for_its_owner_only(config: Path) -> None:
    key = load(config).security.ensure()
    assert key is not None
    assert stat.S_IMODE(os.stat(config.with_name("key")).st_mode) == 0o600
    assert sys.executable
