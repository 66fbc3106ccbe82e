"""`doctor`: each thing that can be wrong is found, said in words with a way out, and nothing is changed."""

from __future__ import annotations

import asyncio
import errno
import http.server
import json
import os
import shutil
import socket
import sqlite3
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backends.null import Keyring

from artfactoryd import durable
from artfactoryd.cli.doctor import home as soundness
from artfactoryd.cli.doctor import machine, outward, reachability, report
from artfactoryd.cli.doctor.reachability import Reached
from artfactoryd.cli.doctor.report import BAD, OK, WARNING, Row
from artfactoryd.settings import Desktop, Hook, Limits, Provider, Scan, Settings
from tests.clamds import fake_clamd
from tests.homes import TestHome
from tests.volumes import another_volume

CAR = "provider: local\nmodel: sketch\nparameters: {prompt: a red car, width: 64, height: 64}\n"
SECRET = "r8_SECRETSECRETSECRET"


@pytest.fixture(autouse=True)
def no_keychain() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def away(home: TestHome) -> TestHome:
    """Its provider's address is on this machine, and nobody is there: no test asks the network."""
    home.configure(providers={"replicate": {"base_url": f"http://127.0.0.1:{free_port()}"}})
    return home


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def rows(home: TestHome, **environ: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in machine.examine(home.home, environ):
        found.setdefault(row.check, []).append(row)
    return found


def only(home: TestHome, check: str, **environ: str) -> Row:
    (row,) = rows(home, **environ)[check]
    return row


# --- as a whole ---


def files(home: TestHome) -> list[Path]:
    """All but SQLite's shared memory, which even a reader touches."""
    return [path for path in home.root.rglob("*") if path.is_file() and not path.name.endswith("-shm")]


def test_a_home_that_works_has_a_row_for_everything_and_none_is_bad(away: TestHome) -> None:
    away.drop("red.yaml", CAR)
    away.once()
    before = {path: path.stat().st_mtime_ns for path in files(away)}
    done = away.call("doctor")
    found = [line.split(": ")[:2] for line in done.stdout.splitlines()]
    assert done.returncode == 0 and BAD not in {state for _, state in found}
    assert {check for check, _ in found} == {
        "settings", "folder", "lock", "service", "disk", "watcher", "providers", "keys", "addresses", "sqlite",
        "database", "ledger", "clock", "python", "prices", "ffmpeg", "libraries", "privacy",
        "backup",
    }  # fmt: skip
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("link", ["Held", "Rejected", "Projects", "Inbox", ".work"])
def test_it_tries_to_move_what_will_be_moved_and_says_what_would_fail(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    volume = another_volume(home.root)
    if volume is None:
        pytest.skip("no second volume here")
    with tempfile.TemporaryDirectory(dir=volume) as other:
        shutil.move(home.root / link, Path(other) / link)
        (home.root / link).symlink_to(Path(other) / link)
        (sound,) = soundness.folder(home.home, Settings())
        assert sound.state == OK and "moved between" in sound.text
        monkeypatch.setattr(durable, "copy", _no_room)
        (row,) = soundness.folder(home.home, Settings())
        assert row.state == BAD and "nothing can be moved (No space left on device): " in row.text
        assert FAILS[link] in row.text and str(home.root / link) in row.text
        assert not [*Path(other).rglob(".*.tmp"), *home.root.rglob(".*.tmp")]


FAILS = {
    "Held": "an order that has to wait for you cannot be laid into Held", "Inbox": "is not taken",
    "Rejected": "what is no order cannot be set aside", "Projects": "what was bought cannot be put on the shelf",
    ".work": "what was bought cannot be put on the shelf",
}  # fmt: skip


def _no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_other_users_may_look_into_is_a_warning_and_stays_as_it_is(home: TestHome) -> None:
    home.home.ledger.chmod(0o750)
    assert f"chmod go= {home.home.ledger}" in home.call("doctor").stdout.replace("\n", " ")
    assert home.home.ledger.stat().st_mode & 0o777 == 0o750


def test_something_bad_is_exit_code_1_and_the_same_as_data(away: TestHome) -> None:
    away.home.settings_file.write_text("budjet: 5\n")
    done = away.call("doctor", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["state"]) == (1, "bad")
    (settings,) = [row for row in said["rows"] if row["check"] == "settings"]
    assert "budjet" in settings["text"] and "line 1, column 1" in settings["text"]


def test_fal_has_its_rows_for_key_and_address(away: TestHome) -> None:
    away.fal_url = f"http://127.0.0.1:{free_port()}"
    away.configure(providers={"replicate": {"base_url": f"http://127.0.0.1:{free_port()}"}})
    found = rows(away, FAL_KEY="id:secret")
    (key,) = [row for row in found["keys"] if "fal" in row.text]
    (address,) = [row for row in found["addresses"] if row.text.startswith("fal: ")]
    assert "the variable FAL_KEY" in key.text and "secret" not in key.text
    assert address.state == WARNING and "`resume fal`" in address.way_out
    (missing,) = [row for row in rows(away)["keys"] if "for fal" in row.text]
    assert "There is no key for fal" in missing.text and "`artfactoryd keys set fal`" in missing.way_out


def test_a_check_that_fails_itself_is_a_row_and_the_others_are_still_told(
    away: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine.importlib.metadata, "requires", lambda name: 1 / 0)
    found = rows(away)
    assert found["libraries"][0].state == BAD and "ZeroDivisionError" in found["libraries"][0].text
    assert found["python"][0].state == OK


def test_a_terminal_gets_a_table_that_fits_and_a_pipe_one_line_a_row() -> None:
    found = [Row("folder", OK, "word " * 30), Row("keys", BAD, "no key", "make one")]
    table = report.text(found, 60).splitlines()
    assert max(map(len, table)) <= 60 and table[0].startswith("folder  ok       word")
    assert table[-2:] == ["keys    bad      no key", " " * 17 + "-> make one"]
    assert report.text(found, None).splitlines()[1] == "keys: bad: no key make one"


# --- the home ---


def test_no_factory_folder_names_the_command_that_makes_one(tmp_path: Path) -> None:
    away = TestHome(TestHome.make(tmp_path / "made").home.__class__(tmp_path / "none"))
    row = only(away, "folder", ARTFACTORY_PROVIDERS__REPLICATE__ENABLED="false")
    assert row.state == BAD and row.way_out.endswith(f"{tmp_path}/none init")


def test_a_missing_folder_is_bad_and_named(away: TestHome) -> None:
    away.home.held.rmdir()
    row = only(away, "folder")
    assert row.state == BAD and f"{away.home.held} is missing" in row.text and "init" in row.way_out


def test_a_link_to_a_disk_that_is_away_is_bad_and_named(away: TestHome) -> None:
    away.home.projects.rmdir()
    away.home.projects.symlink_to(away.root / "gone")
    assert "is a link to" in only(away, "folder").text


def test_a_place_that_is_not_fit_is_bad_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    found = TestHome.make(tmp_path / "made")
    moved = found.home.__class__(tmp_path / "Desktop" / "made")
    moved.root.parent.mkdir()
    found.root.rename(moved.root)
    (row,) = soundness.folder(moved, Settings())
    assert row.state == BAD and "under Desktop" in row.text


def test_the_holder_of_the_lock_is_named(away: TestHome) -> None:
    with away.running() as process:
        row = only(away, "lock")
        assert row.state == OK and f"process {process.pid} (artfactoryd run)" in row.text
        assert only(away, "ledger").state == OK
    assert only(away, "lock").text.startswith("Free")


def test_too_little_room_on_the_disk_is_bad(away: TestHome) -> None:
    (row,) = soundness.disk(away.home, Settings(limits=Limits(free_disk_bytes=1 << 60)))
    assert row.state == BAD and "nothing new is sent" in row.text


# --- the watcher ---


def limits(folder: Path, watches: int, instances: int) -> Path:
    (folder / "max_user_watches").write_text(f"{watches}\n")
    (folder / "max_user_instances").write_text(f"{instances}\n")
    return folder


def test_prices_looked_up_long_ago_are_a_warning_where_their_provider_is_in_use(home: TestHome) -> None:
    text = "provider: replicate\nmodel: acme/x\nschema: {properties: {}}\nprice: {usd: 1, as_of: 2020-01-01}\n"
    (home.home.models / "x.yaml").write_text(text)
    [row] = machine._prices(home.home, Settings(providers={"replicate": Provider()}))
    assert row.state == WARNING and "that of acme/x on 2020-01-01" in row.text and "models --stale" in row.way_out
    [row] = machine._prices(home.home, Settings(providers={"replicate": Provider(enabled=False)}))
    assert row.state == OK


def test_used_up_inotify_instances_are_a_warning_with_the_command_that_helps(tmp_path: Path) -> None:
    row = machine._inotify(limits(tmp_path, 8000, 128), 3, 128, "every 5 seconds")
    assert row.state == WARNING and row.way_out == "sudo sysctl fs.inotify.max_user_instances=512"
    row = machine._inotify(limits(tmp_path, 8, 128), 9, 4, "every 5 seconds")
    assert row.way_out == "sudo sysctl fs.inotify.max_user_watches=32"
    assert machine._inotify(limits(tmp_path, 8000, 128), 3, 4, "every 5 seconds").state == OK


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_our_own_inotify_instances_are_counted() -> None:
    import ctypes

    before = machine._instances(str(os.getpid()))
    held = ctypes.CDLL(None).inotify_init()
    try:
        assert machine._instances(str(os.getpid())) == before + 1
    finally:
        os.close(held)


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="needs a file system that is not local")
def test_an_inbox_on_a_disk_without_events_is_said_to_be_polled(away: TestHome) -> None:
    away.configure(inbox={"path": "/proc"}, providers={"replicate": {"enabled": False}})
    assert only(away, "watcher").text.startswith("Polling: /proc is on proc")


# --- keys ---


def key_row(environ: dict[str, str], place: str | None = None) -> Row:
    (row,) = machine._keys(Settings(providers={"replicate": Provider(api_key=place)}), environ)
    assert SECRET not in row.text + row.way_out
    return row


def test_a_key_that_exists_in_the_shell_only_is_a_warning_that_says_so() -> None:
    row = key_row({"REPLICATE_API_TOKEN": SECRET})
    assert row.state == WARNING and "in this shell only: a service never sees it" in row.text
    assert "`artfactoryd keys set replicate`" in row.way_out
    assert key_row({"MINE": SECRET}, "env:MINE").state == WARNING


def test_a_key_in_a_file_is_well_and_its_place_is_named(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(SECRET)
    file.chmod(0o600)
    row = key_row({}, f"file:{file}")
    assert row.state == OK and str(file) in row.text
    file.chmod(0o644)
    assert key_row({}, f"file:{file}").state == BAD


def test_a_key_in_the_keychain_is_well_though_the_shell_has_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Keyring, "get_password", lambda self, service, user: SECRET)
    assert key_row({}).text == "The key of replicate comes from the keychain."
    assert key_row({"REPLICATE_API_TOKEN": SECRET}).state == OK


def test_no_key_at_all_is_a_warning_and_a_local_provider_needs_none() -> None:
    assert key_row({}).state == WARNING
    assert list(machine._keys(Settings(providers={"local": Provider()}), {})) == []
    assert key_row({}, "env:MINE").state == BAD


def test_a_variable_that_systemd_passes_on_is_seen_by_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / ("launchctl" if sys.platform == "darwin" else "systemctl")
    program.write_text(f"#!/bin/sh\necho REPLICATE_API_TOKEN={SECRET}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert key_row({"REPLICATE_API_TOKEN": SECRET}).state == OK


def test_a_setting_overridden_in_this_shell_is_a_warning(away: TestHome) -> None:
    row = only(away, "settings", ARTFACTORY_BUDGET__PER_ORDER="2")
    assert row.state == WARNING and "ARTFACTORY_BUDGET__PER_ORDER" in row.text


# --- addresses and the clock ---


@contextmanager
def serving(answer: int = 200, tls: Path | None = None, date: str | None = None) -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(answer)
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return date or super().date_time_string(timestamp)

        def log_message(self, *words: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status", [200, 401, 404])
def test_any_answer_but_a_broken_one_means_the_address_is_there(status: int) -> None:
    with serving(status) as port:
        found = reachability.reach(f"http://127.0.0.1:{port}/v1")
    assert (found.step, f"HTTP {status}" in found.text, found.date is not None) == ("answered", True, True)


def test_an_address_that_is_out_of_order_says_so() -> None:
    with serving(503) as port:
        found = reachability.reach(f"http://127.0.0.1:{port}")
    assert found.step == "answer" and "out of order (HTTP 503)" in found.text


def test_each_step_of_the_way_to_an_address_fails_in_its_own_words(tmp_path: Path) -> None:
    assert reachability.reach("https://nowhere.invalid").step == "name"
    assert reachability.reach(f"http://127.0.0.1:{free_port()}").step == "connection"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert reachability.reach(f"http://127.0.0.1:{port}", patience=0.1).step == "answer"
        assert reachability.reach(f"https://127.0.0.1:{port}", patience=0.1).step == "certificate"


def test_a_name_server_that_keeps_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *words, **more: [answer.wait(30)][:0])
    found = reachability.reach("https://api.example.com", patience=0.02)
    answer.set()
    assert found.step == "name" and "offline" in found.text


def test_a_certificate_nobody_vouches_for_is_bad(tmp_path: Path) -> None:
    file = tmp_path / "both.pem"
    making = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=127.0.0.1"
    done = subprocess.run(["openssl", *making.split(), "-keyout", file, "-out", tmp_path / "c"], capture_output=True)
    if done.returncode:
        pytest.skip("needs openssl")
    file.write_bytes(file.read_bytes() + (tmp_path / "c").read_bytes())
    with serving(tls=file) as port:
        found = reachability.reach(f"https://127.0.0.1:{port}")
    assert found.step == "certificate" and "cannot prove who it is" in found.text
    (row,) = machine._addresses({"replicate": found})
    assert row.state == BAD


def test_being_offline_is_a_warning_with_what_happens_meanwhile(away: TestHome) -> None:
    row = only(away, "addresses")
    assert row.state == WARNING and "offline" in row.text and "`resume replicate`" in row.way_out


def test_a_clock_that_differs_from_a_providers_is_a_warning(away: TestHome) -> None:
    now = datetime.now(UTC)
    (row,) = machine._clock(away.home, {"replicate": Reached("answered", "", now - timedelta(minutes=5))}, now)
    assert row.state == WARNING and "300 seconds ahead of that of replicate" in row.text
    (row,) = machine._clock(away.home, {"replicate": Reached("answered", "", now)}, now)
    assert row.state == OK and "agrees with replicate" in row.text


def test_a_clock_set_back_is_found_by_the_ledger(away: TestHome) -> None:
    away.drop("red.yaml", CAR)
    away.once()
    (row,) = machine._clock(away.home, {}, datetime.now(UTC) - timedelta(days=1))
    assert row.state == WARNING and "set back" in row.text


# --- index and ledger ---


@pytest.mark.parametrize(("version", "told"), [((3, 40, 1), True), ((3, 51, 2), True), ((3, 51, 3), False)])
def test_a_sqlite_with_the_reset_bug_is_named_and_why_it_does_no_harm(version: tuple[int, ...], told: bool) -> None:
    (row,) = soundness.sqlite(version)
    assert row.state == OK and ("a single one ever writes" in row.text) is told


def test_a_damaged_index_is_bad_and_the_way_out_is_to_delete_it(away: TestHome) -> None:
    away.drop("red.yaml", CAR)
    away.once()
    with closing(sqlite3.connect(away.home.index_file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with away.home.index_file.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(8192))
    row = only(away, "database")
    assert row.state == BAD and str(away.home.index_file) in row.way_out
    away.home.index_file.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    assert only(away, "database").state == BAD


def test_what_sqlites_own_check_complains_of_is_told(away: TestHome) -> None:
    away.drop("red.yaml", CAR)
    away.once()
    with closing(sqlite3.connect(away.home.index_file)) as db:
        db.execute("PRAGMA writable_schema = 1")
        wrong = "replace(sql, '\"submission\" TEXT', '\"submission\" TEXT NOT NULL')"
        db.execute(f"UPDATE sqlite_master SET sql = {wrong} WHERE name = 'orders'")
        db.commit()
    row = only(away, "database")
    assert row.state == BAD and "NULL value in orders.submission" in row.text


def test_lines_not_in_the_index_yet_are_counted_and_a_cut_ledger_is_bad(away: TestHome) -> None:
    away.drop("red.yaml", CAR)
    away.once()
    (file,) = away.home.ledger.glob("2*.jsonl")
    whole = file.read_bytes()
    assert "and is in the index" in only(away, "ledger").text
    file.write_bytes(whole + b'{"kind":"pause","on":true,"by":"you","at":"2026-01-01T00:00:00Z"}\n')
    row = only(away, "ledger")
    assert (row.state, row.text.startswith("1 line is not ")) == (WARNING, True)
    file.write_bytes(whole[: whole.index(b"\n") + 1])
    assert only(away, "ledger").state == BAD


def test_a_torn_line_in_the_ledger_is_a_warning_with_its_place(away: TestHome) -> None:
    away.drop("red.yaml", CAR)
    away.once()
    (file,) = away.home.ledger.glob("2*.jsonl")
    count = file.read_bytes().count(b"\n")
    file.write_bytes(file.read_bytes() + b'{"kind":"wi\n')
    torn, well = rows(away)["ledger"]
    assert torn.state == WARNING and f"{file.name}:{count + 1}" in torn.text and well.state == OK


NO_SERVICE = {
    "name": "x",
    "supervisor": "systemd",
    "installed": False,
    "holder": None,
    "trouble": None,
    "running": False,
    "holds_home": None,
}
SERVICE = {
    "name": "artfactoryd.service", "supervisor": "systemd", "installed": True, "enabled": True, "running": True,
    "pid": 7, "holds_home": True, "holder": {"pid": 7, "command": "run"}, "trouble": None, "last_exit": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("told", "state", "words"),
    [
        (NO_SERVICE, OK, "No service is installed"),
        (SERVICE, OK, "runs as process 7 and holds this home"),
        (
            SERVICE | {"running": False, "last_exit": "exit code 2"},
            BAD,
            "It ended last with exit code 2.",
        ),
        (SERVICE | {"trouble": "It is masked."}, BAD, "It is masked."),
        (SERVICE | {"holds_home": False, "holder": {"pid": 9, "command": "once"}}, WARNING, "which process 9"),
        (SERVICE | {"enabled": False}, WARNING, "not started at login"),
    ],
)
def test_the_service_is_looked_at(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], state: str, words: str
) -> None:
    monkeypatch.setattr(machine.service, "service_document", lambda home, environ: (0, told))
    (row,) = machine._service(home.home, {})
    assert row.state == state and words in row.text


def test_a_hook_that_cannot_run_or_failed_last_is_a_warning_and_one_taken_out_is_not(home: TestHome) -> None:
    failed = [
        {"event": event, "name": "sh", "at": "2026-11-22T12:00:00.000Z", "trouble": "it ended with code 4: no way"}
        for event in ("order.failed", "item.in_doubt")
    ]
    (home.home.private / "hooks.json").write_text(json.dumps(failed))
    shell, absent = Hook(("sh", "-c", "x token=abcdef123456"), "sh"), Hook(("/no/such/program",), "program")
    settings = Settings(hooks={"order.failed": (shell, absent), "order.completed": (shell,)})
    rows = list(outward.hooks(home.home, settings, os.environ))
    assert [(row.state, row.check) for row in rows] == [(WARNING, "hooks"), (WARNING, "hooks"), (OK, "hooks")]
    assert "order.failed (sh) failed at 2026-11-22" in rows[0].text and "code 4: no way" in rows[0].text
    assert rows[1].text == "The hook of order.failed cannot run: there is no program /no/such/program."
    assert rows[2].text == "1 hook, and nothing is known to be wrong with it." and "abcdef" not in str(rows)
    assert list(outward.hooks(home.home, Settings(), {})) == []


@pytest.mark.parametrize(
    ("notify", "environ", "words"),
    [
        (False, {}, None),
        ("auto", {}, "None are shown: this is no session of a desktop, as seen from here."),
        (True, {"PATH": "/nowhere"}, "There is no command here that shows them."),
    ],
)
def test_where_no_notification_can_be_shown_it_says_why(
    notify: str | bool, environ: dict[str, str], words: str | None, home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    rows = list(outward.notifications(home.home, Settings(desktop=Desktop(notify=notify)), environ))
    assert [row.text for row in rows] == ([] if words is None else [words])


async def test_a_scanner_has_a_row_where_one_is_set(tmp_path: Path) -> None:
    def row(scan: Scan) -> list[tuple[str, str]]:
        return [(row.state, row.text) for row in outward.scan(Settings(scan=scan))]

    place = f"unix:{tmp_path}/clamd"
    assert row(Scan()) == []
    ((state, text),) = await asyncio.to_thread(row, Scan(place))
    assert state == WARNING and f"{place} cannot be reached" in text and "goes on unscanned" in text
    ((state, text),) = await asyncio.to_thread(row, Scan(place, required=True))
    assert state == BAD and "waits" in text
    async with fake_clamd(tmp_path / "clamd"):
        assert await asyncio.to_thread(row, Scan(place)) == [(OK, f"clamd answers at {place}: ClamAV 1.4.3.")]
