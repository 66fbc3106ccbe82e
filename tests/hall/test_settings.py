"""Settings: defaults, overrides, what is refused, and keys that are never seen."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from artfactoryd import credentials
from artfactoryd.credentials import resolve_key, resolve_token
from artfactoryd.documents import read_documents
from artfactoryd.errors import Problem, Refusal, WrongUse
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings
from artfactoryd.schema import schema_text
from artfactoryd.settings import DEFAULT_TEXT, Http, Inbox, Provider, Scan, Settings, load

SCANNERS = {  # as it is written: path, host, port
    "scan: clamd:unix:/run/clamd.ctl": ("/run/clamd.ctl", "", 3310),
    "scan: tcp://10.0.0.1": ("", "10.0.0.1", 3310),
    "scan: {address: 'clamd:tcp://[::1]:3311', required: true}": ("", "::1", 3311),
    "scan: null": ("", "", 3310),
}
SECRET = "r8_SECRETSECRETSECRET"


def loaded(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "artfactory.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ)


def refused(folder: Path, text: str, **environ: str) -> tuple[Problem, ...]:
    with pytest.raises(Refusal) as caught:
        loaded(folder, text, **environ)
    assert SECRET not in str(caught.value)
    return caught.value.problems


def with_key(place: str) -> Settings:
    return Settings(providers={"replicate": Provider(api_key=place)})


class MemoryKeychain(KeyringBackend):
    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        raise PasswordDeleteError("not here")


@pytest.fixture(autouse=True)
def keychain() -> Iterator[MemoryKeychain]:
    before, ours = keyring.get_keyring(), MemoryKeychain()
    keyring.set_keyring(ours)
    yield ours
    keyring.set_keyring(before)


def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if not isinstance(value, dict):
        return {path: list(value) if isinstance(value, tuple) else value}
    return {key: leaf for name, each in value.items() for key, leaf in leaves(each, (*path, name)).items()}


def schema_leaves(schema: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Key paths that work, each with the schema's default."""
    whole = json.loads(schema_text("settings"))
    found: dict[tuple[str, ...], Any] = {}
    for name, each in schema["properties"].items():
        if "$ref" in each:
            each = {**whole["$defs"][each["$ref"].rpartition("/")[2]], **each}
        if each.get("default") == {}:
            continue  # by what happens: nothing has a hook
        if "properties" in each:
            found |= schema_leaves(each, (*path, name))
        elif not each.get("x-not-built"):
            assert each["description"], (*path, name)
            found[*path, name] = each["default"]
    return found


def test_the_shipped_file_the_schema_and_the_code_agree_on_every_default(tmp_path: Path) -> None:
    shipped = leaves(read_documents(DEFAULT_TEXT.encode(), "artfactory.yaml")[0].value)
    assert shipped == schema_leaves(json.loads(schema_text("settings")))
    coded = leaves(asdict(Settings()))
    assert {path: coded[path] for path in shipped} == shipped
    of_others = set(coded) - set(shipped) - {("stamp",), ("source",)}  # what one provider has, another has not
    assert {path[0] for path in of_others} == {"providers"} and {coded[path] for path in of_others} == {None}
    assert loaded(tmp_path, DEFAULT_TEXT) == Settings()


def test_every_key_of_the_shipped_file_is_explained() -> None:
    lines = DEFAULT_TEXT.splitlines()
    for number, line in enumerate(lines):
        if re.match(r" +\w+: \S", line) and line != "    enabled: true":
            assert lines[number - 1].strip().startswith("#"), line


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "budget:\n", "providers:\n  replicate:\n"])
def test_what_is_left_out_or_left_empty_has_its_default(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text) == Settings()
    assert load(tmp_path / "missing.yaml", {}) == Settings()


@pytest.mark.parametrize("text", [None, "", "# nothing\n", "---\n", "{}\n", "budget:\n", "providers:\n  replicate:\n"])
def test_in_a_home_that_was_made_nothing_never_means_the_defaults(tmp_path: Path, text: str | None) -> None:
    (tmp_path / ".work").mkdir()
    if text is not None:
        (tmp_path / "artfactory.yaml").write_text(text)
    with pytest.raises(Refusal) as caught:
        load(tmp_path / "artfactory.yaml", {"ARTFACTORY_BUDGET__PER_ORDER": "1"})
    (problem,) = caught.value.problems
    assert problem.code == "E_EMPTY" and "init" in problem.fix and ("not there" in problem.message) == (text is None)


def test_what_changed_between_the_reading_and_the_start_is_noticed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.work.mkdir()
    home.settings_file.write_text("budget: {per_day: 1}\n")
    settings = load(home.settings_file, {})
    home.settings_file.unlink()
    assert not LiveSettings(home, settings, {}).reread()
    assert "not there" in (tmp_path / "artfactory.yaml.error.txt").read_text()


def test_a_key_given_changes_only_that_key(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "providers:\n  replicate: {concurrency: 3.0}\nbudget: {per_order: 0.5}\n")
    assert settings.provider("replicate") == Provider(3, True, None, "https://api.replicate.com", 600)
    assert isinstance(settings.provider("replicate").concurrency, int)
    assert (settings.budget.per_order, settings.limits) == (0.5, Settings().limits)
    assert settings.provider("a-plug-in") == Provider()


@pytest.mark.parametrize(
    ("text", "code", "key", "line"),
    [
        ("budgets: {}\n", "E_UNKNOWN_KEY", "budgets", 1),
        ("\nbudget: {per_oder: 1}\n", "E_UNKNOWN_KEY", "budget.per_oder", 2),
        ("budget: {per_order: -1}\n", "E_RANGE", "budget.per_order", 1),
        ("budget: {per_order: lots}\n", "E_TYPE", "budget.per_order", 1),
        ("limits: {products_per_order: 1.5}\n", "E_TYPE", "limits.products_per_order", 1),
        ("limits: {order_bytes: 2000000}\n", "E_RANGE", "limits.order_bytes", 1),
        ("inbox: {settle_seconds: -1}\n", "E_RANGE", "inbox.settle_seconds", 1),
        ("logging: {level: loud}\n", "E_VALUE", "logging.level", 1),
        ("budget: 5\n", "E_TYPE", "budget", 1),
        ("providers: {replicate: {concurrency: 0}}\n", "E_RANGE", "providers.replicate.concurrency", 1),
        ("providers: {local: {api_key: keychain}}\n", "E_UNKNOWN_KEY", "providers.local.api_key", 1),
        ("providers: {replicate: {base_url: 'http://example.com'}}\n", "E_VALUE", "providers.replicate.base_url", 1),
        ("providers: {fal: {queue_url: 'http://example.com'}}\n", "E_VALUE", "providers.fal.queue_url", 1),
        ("providers: {fal: {rest_url: 'https://me:pw@rest.fal.ai'}}\n", "E_VALUE", "providers.fal.rest_url", 1),
        ("providers: {fal: {base_url: 'https://fal.run'}}\n", "E_UNKNOWN_KEY", "providers.fal.base_url", 1),
        ("providers: {replicat: {enabled: true}}\n", "E_UNKNOWN_KEY", "providers.replicat", 1),
        ("providers: {acme: {queue_url: 'https://a.b'}}\n", "E_UNKNOWN_KEY", "providers.acme.queue_url", 1),
        ("providers: {acme: {addresses: {api: 'http://a.com'}}}\n", "E_VALUE", "providers.acme.addresses.api", 1),
        ("providers: {comfyui: {addresses: 'http://comfy.com'}}\n", "E_VALUE", "providers.comfyui.addresses", 1),
        (
            "providers: {comfyui: {base_url: 'http://gpu.lan:8188', api_key: keychain}}\n",
            "E_VALUE",
            "providers.comfyui.base_url",
            1,
        ),
        ("http: {port: 70000}\n", "E_RANGE", "http.port", 1),
        ("index: {url: 'postgresql://me:pw@db/art'}\n", "E_VALUE", "index.url", 1),
        ("index: {url: 'mysql://me@db/art'}\n", "E_VALUE", "index.url", 1),
        ("index:\n  schema: Bad-Name\n", "E_VALUE", "index.schema", 2),
        ("http: {host: 'http://127.0.0.1'}\n", "E_VALUE", "http.host", 1),
        ("http:\n  host: 0.0.0.0\n", "E_VALUE", "http.host", 2),
        ("http: {host: '::'}\n", "E_VALUE", "http.host", 1),
        ("http: {host: factory.lan, token: null}\n", "E_VALUE", "http.host", 1),
        (f"http: {{token: {SECRET}}}\n", "E_VALUE", "http.token", 1),
        ("desktop: {notify: maybe}\n", "E_VALUE", "desktop.notify", 1),
        ("scan: clamav\n", "E_VALUE", "scan.address", 1),
        ("scan:\n  address: tcp://me:pw@host:3310\n", "E_VALUE", "scan.address", 2),
        ("scan: {address: 'tcp://host:99999'}\n", "E_VALUE", "scan.address", 1),
        ("scan: {address: 'clamd:unix:run/clamd.ctl'}\n", "E_VALUE", "scan.address", 1),
        ("hooks: {order.complete: [x]}\n", "E_UNKNOWN_KEY", "hooks.order.complete", 1),
        (f"hooks: {{order.failed: [{{run: {SECRET}}}]}}\n", "E_TYPE", "hooks.order.failed.0", 1),
        (f"hooks: {{order.failed: [[curl, 1, {SECRET}]]}}\n", "E_TYPE", "hooks.order.failed.0.1", 1),
        ("hooks: {order.failed: ' '}\n", "E_VALUE", "hooks.order.failed", 1),
        ("hooks: {order.failed: [[]]}\n", "E_VALUE", "hooks.order.failed.0", 1),
        ("a: 1\n---\nb: 2\n", "E_YAML", "", None),
    ],
)
def test_a_wrong_setting_is_refused_with_its_place(
    tmp_path: Path, text: str, code: str, key: str, line: int | None
) -> None:
    [problem] = refused(tmp_path, text)
    assert (problem.code, problem.key, problem.line) == (code, key, line)
    assert problem.file == str(tmp_path / "artfactory.yaml")


def test_hooks_are_named_after_what_happens_and_each_is_a_text_for_a_shell_or_words(tmp_path: Path) -> None:
    text = """
hooks:
  order.completed: [~/bin/done.sh --quick, [~/bin/tell me, '$HOME'], [bin/here], [logger, -t, cars]]
  order.failed: [echo no, echo yes, "true", echo]
  item.in_doubt:
"""
    hooks = loaded(tmp_path, text, HOME="/home/me").hooks
    assert {event: [(hook.name, hook.words) for hook in given] for event, given in hooks.items()} == {
        "order.completed": [
            ("done.sh", ("/bin/sh", "-c", "~/bin/done.sh --quick")), ("tell me", ("/home/me/bin/tell me", "$HOME")),
            ("here", (str(tmp_path / "bin/here"),)), ("logger", ("logger", "-t", "cars")),
        ],
        "order.failed": [
            (name, ("/bin/sh", "-c", words)) for name, words in (
                ("echo", "echo no"), ("echo, number 2", "echo yes"), ("true", "true"), ("echo, number 4", "echo"),
            )
        ],
    }  # fmt: skip


def test_all_wrong_settings_of_file_and_environment_are_told_at_once(tmp_path: Path) -> None:
    problems = refused(tmp_path, "budget: {per_order: x}\nnotify: {}\n", ARTFACTORY_INBOX__SCAN_SECONDS="soon")
    assert [problem.code for problem in problems] == ["E_TYPE", "E_UNKNOWN_KEY", "E_TYPE"]


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path, "budget: {per_order: 1}\ninbox: {scan_seconds: 2}\n",
        ARTFACTORY_BUDGET__PER_ORDER="0.25", ARTFACTORY_PROVIDERS__REPLICATE__BASE_URL="http://127.0.0.1:9000",
        ARTFACTORY_PROVIDERS__REPLICATE__ENABLED="false", ARTFACTORY_LOGGING__LEVEL="'debug'",
        ARTFACTORY_HOME="/home/x", ARTFACTORY_FAULT="wish:1", OTHER="1",
    )  # fmt: skip
    assert (settings.budget.per_order, settings.inbox.scan_seconds, settings.logging.level) == (0.25, 2, "debug")
    assert settings.provider("replicate") == Provider(8, False, None, "http://127.0.0.1:9000", 600)


@pytest.mark.parametrize(
    ("name", "value", "code", "says"),
    [
        ("ARTFACTORY_BUDGET__PER_ORDER", "lots", "E_TYPE", "number"),
        ("ARTFACTORY_BUDGET__PER_ORDER", ".inf", "E_NUMBER", "finite"),
        ("ARTFACTORY_BUDGET__PER_ODER", "1", "E_UNKNOWN_KEY", "Did you mean per_order?"),
        ("ARTFACTORY_BUDGET_PER_ORDER", "1", "E_UNKNOWN_KEY", "Two underscores"),
        ("ARTFACTORY_STRICT", "maybe", "E_TYPE", "true or false"),
        ("ARTFACTORY_BUDGET", "1", "E_TYPE", "keys with values"),
        ("ARTFACTORY_INBOX__PATH__X", "1", "E_TYPE", "text or nothing"),
        ("ARTFACTORY_PROVIDERS__REPLICATE__API_KEY", SECRET, "E_VALUE", "env:NAME"),
        ("ARTFACTORY_PROVIDERS__REPLICATE", SECRET, "E_TYPE", "not shown"),
        ("ARTFACTORY_PROVIDERS__REPLICATE__BASE_URL", f"http://me:{SECRET}@example.com", "E_VALUE", "https"),
    ],
)
def test_a_wrong_override_names_its_variable(tmp_path: Path, name: str, value: str, code: str, says: str) -> None:
    [problem] = refused(tmp_path, "", **{name: value})
    assert (problem.code, problem.file) == (code, f"the variable {name}")
    assert says in str(problem)


@pytest.mark.parametrize(
    "address",
    [
        "https://api.example.com",
        "https://api.example.com:8443/v1",
        "http://127.0.0.1:9",
        "http://[::1]:9",
        "http://localhost",
    ],
)
def test_an_address_is_https_or_this_machine(tmp_path: Path, address: str) -> None:
    text = f"providers: {{replicate: {{base_url: '{address}'}}}}"
    assert loaded(tmp_path, text).provider("replicate").base_url == address


@pytest.mark.parametrize(
    "address",
    [
        "http://api.example.com",
        "http://192.168.1.2",
        "http://127.0.0.1.example.com",
        "ftp://127.0.0.1",
        "localhost:9",
        "https://",
        "http://localhost@example.com",
        "https://me:pw@example.com",
        "https://example.com?key=x",
        "https://example.com:port",
        "",
    ],
)
def test_other_addresses_are_refused(tmp_path: Path, address: str) -> None:
    [problem] = refused(tmp_path, f"providers: {{replicate: {{base_url: '{address}'}}}}")
    assert problem.code == "E_VALUE" and "pw" not in str(problem)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("null", None),
        ("/else/where", "/else/where"),
        ("../Orders", "{folder}/../Orders"),
        ("~/Desktop/Orders", "/home/me/Desktop/Orders"),
    ],
)
def test_the_inbox_may_be_elsewhere(tmp_path: Path, written: str, place: str | None) -> None:
    inbox = loaded(tmp_path, f"inbox: {{path: {written}}}\n", HOME="/home/me").inbox
    assert inbox == Inbox(path=None if place is None else Path(place.format(folder=tmp_path)))


def test_settings_that_cannot_be_read_are_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="cannot be read"):
        load(tmp_path, {})


@pytest.mark.parametrize("key", [SECRET, "'env:'", "env:1X", "keychain:x", "'file:'", "file:relative", "[x]", "7"])
def test_a_literal_key_is_refused_and_never_repeated(tmp_path: Path, key: str) -> None:
    [problem] = refused(tmp_path, f"providers:\n  replicate:\n    api_key: {key}\n")
    assert problem.line == 3 and "env:NAME, keychain or file:/PATH" in problem.message
    assert "not shown" in problem.message


def test_a_key_comes_from_the_named_variable() -> None:
    environ = {"MINE": f" {SECRET}\n", "REPLICATE_API_TOKEN": "x"}
    assert resolve_key(with_key("env:MINE"), "replicate", environ) == SECRET
    with pytest.raises(WrongUse, match="the variable MINE is not set"):
        resolve_key(with_key("env:MINE"), "replicate", {"REPLICATE_API_TOKEN": "x"})


def test_without_a_word_a_key_comes_from_the_environment_then_the_keychain(keychain: MemoryKeychain) -> None:
    assert resolve_key(Settings(), "replicate", {}) is None
    keychain.set_password("artfactoryd", "replicate", "from-keychain")
    assert resolve_key(Settings(), "replicate", {}) == "from-keychain"
    assert resolve_key(Settings(), "replicate", {"REPLICATE_API_TOKEN": SECRET}) == SECRET
    assert resolve_key(Settings(), "local", {}) is None


def test_a_keychain_named_must_have_the_key(keychain: MemoryKeychain) -> None:
    with pytest.raises(WrongUse, match="service artfactoryd, user replicate"):
        resolve_key(with_key("keychain"), "replicate", {"REPLICATE_API_TOKEN": "x"})
    keychain.set_password("artfactoryd", "replicate", SECRET)
    assert resolve_key(with_key("keychain"), "replicate", {}) == SECRET


def test_a_machine_without_a_keychain_is_an_error_only_when_it_is_named() -> None:
    from keyring.backends.fail import Keyring

    keyring.set_keyring(Keyring())
    assert resolve_key(Settings(), "replicate", {}) is None
    with pytest.raises(WrongUse, match="NoKeyringError"):
        resolve_key(with_key("keychain"), "replicate", {})


def test_a_server_without_a_session_loads_no_keychain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delitem(sys.modules, "keyring")
    bare = {"HOME": str(tmp_path)}
    for name in credentials.KEYCHAIN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        assert not credentials._is_without_keychain({**bare, name: "some"})
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert credentials._is_without_keychain(bare)
    assert resolve_key(Settings(), "replicate", bare) is None and "keyring" not in sys.modules
    config = tmp_path / ".config" / "python_keyring"
    config.mkdir(parents=True)
    (config / "keyringrc.cfg").touch()
    assert not credentials._is_without_keychain(bare)  # a person chose one
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not credentials._is_without_keychain({})


def test_a_key_file_must_be_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    assert resolve_key(with_key(f"file:{path}"), "replicate", {}) == SECRET
    assert resolve_key(with_key("file:~/key"), "replicate", {"HOME": str(tmp_path)}) == SECRET
    path.chmod(0o640)
    with pytest.raises(WrongUse, match=f"chmod 600 {path}") as caught:
        resolve_key(with_key(f"file:{path}"), "replicate", {})
    assert SECRET not in str(caught.value)


def test_a_key_file_that_is_missing_empty_or_no_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").touch(0o600)
    os.mkfifo(tmp_path / "pipe", 0o600)
    situations = {"none": "No such file", "empty": "is empty", "pipe": "not a plain file", "": "not a plain file"}
    for name, says in situations.items():
        with pytest.raises(WrongUse, match=says):
            resolve_key(with_key(f"file:{tmp_path / name}"), "replicate", {})


def test_a_key_with_blanks_inside_is_refused_without_showing_it() -> None:
    for key in (f"{SECRET} {SECRET}", f"{SECRET}\n{SECRET}", f"“{SECRET}”"):
        with pytest.raises(WrongUse, match="Copy it again") as caught:
            resolve_key(Settings(), "replicate", {"REPLICATE_API_TOKEN": key})
        assert SECRET not in str(caught.value)


def test_settings_never_hold_the_key(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "providers: {replicate: {api_key: 'env:MINE'}}\n", MINE=SECRET)
    assert resolve_key(settings, "replicate", {"MINE": SECRET}) == SECRET
    assert SECRET not in repr(settings) and "env:MINE" in repr(settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_this_machine_the_page_needs_no_token(tmp_path: Path, host: str) -> None:
    assert loaded(tmp_path, f"http: {{host: '{host}', port: 0}}\n").http == Http(host, 0, None)
    assert resolve_token(Settings(), {}) is None


def test_others_may_read_the_page_where_a_token_is_set_in_file_or_environment(tmp_path: Path) -> None:
    in_file = loaded(tmp_path, "http: {host: 0.0.0.0, token: 'env:MINE'}\n")
    assert in_file == loaded(tmp_path, "http: {host: 0.0.0.0}\n", ARTFACTORY_HTTP__TOKEN="env:MINE")
    [problem] = refused(tmp_path, "", ARTFACTORY_HTTP__HOST="0.0.0.0")
    assert problem.file == "the variable ARTFACTORY_HTTP__HOST" and "no token" in problem.message


def test_the_token_is_taken_from_its_place(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o600)
    assert resolve_token(Settings(http=Http(token=f"file:{file}")), {}) == SECRET
    settings = Settings(http=Http(token="env:MINE"))
    assert resolve_token(settings, {"MINE": SECRET}) == SECRET and SECRET not in repr(settings)
    for bad, says in (({}, "MINE is not set"), ({"MINE": "short"}, "16 characters"), ({"MINE": "a b" * 9}, "blanks")):
        with pytest.raises(WrongUse, match=says) as caught:
            resolve_token(settings, bad)
        assert "http.token" in str(caught.value) or "status page" in str(caught.value)
    file.chmod(0o644)
    with pytest.raises(WrongUse, match="settings: http"):
        resolve_token(Settings(http=Http(token=f"file:{file}")), {})


@pytest.mark.parametrize(
    "place",
    ["", ".", "..", "/", "Projects", "Projects/a", "Ledger", ".work", "Library", "Held", "Inbox/deeper", "link"],
)
def test_an_inbox_around_or_inside_the_home_is_refused_through_links_too(tmp_path: Path, place: str) -> None:
    home = Home((tmp_path / "home").resolve())
    home.make()
    (home.root / "link").symlink_to(tmp_path)
    for written in {place or str(home.root), str(home.root / place)}:
        (problem,) = refused(home.root, f"inbox:\n  path: {json.dumps(written)}\n")
        assert problem.line == 2 and problem.key == "inbox.path" and "around or inside" in problem.message
        (problem,) = refused(home.root, "strict: true\n", ARTFACTORY_INBOX__PATH=written)
        assert "ARTFACTORY_INBOX__PATH" in problem.file


def test_an_inbox_may_not_hold_the_disk_that_projects_is_on(tmp_path: Path) -> None:
    home = Home((tmp_path / "home").resolve())
    for name in ("disk/Products", "home", "disk/Inbox"):
        (tmp_path / name).mkdir(parents=True)
    home.projects.symlink_to(tmp_path / "disk/Products")
    home.make()
    assert loaded(home.root, f"inbox: {{path: {tmp_path}/disk/Inbox}}\n").inbox.path == tmp_path / "disk/Inbox"
    assert loaded(home.root, "inbox: {path: Inbox}\n").inbox.path == home.inbox
    assert "around" in refused(home.root, f"inbox: {{path: {tmp_path}/disk}}\n")[0].message
    assert "inside" in refused(home.root, f"inbox: {{path: {tmp_path}/disk/Products/in}}\n")[0].message
    home.inbox.rmdir()
    home.inbox.symlink_to(tmp_path)  # the home's own, gone astray
    assert "around" in refused(home.root, "strict: true\n")[0].message


@pytest.mark.parametrize(
    ("told", "base"),
    [
        ("{}", "http://127.0.0.1:8188"),
        ("{base_url: 'http://192.168.1.20:8188'}", "http://192.168.1.20:8188"),
        ("{addresses: 'http://gpu.local:8188'}", "http://gpu.local:8188"),
        ("{addresses: {base_url: 'http://100.101.1.2:8188', other: 'https://a.b'}}", "http://100.101.1.2:8188"),
        ("{base_url: 'https://comfy.example.com', addresses: 'http://gpu:8188'}", "https://comfy.example.com"),
    ],
)
def test_a_provider_of_one_s_own_may_be_anywhere_in_the_local_network(tmp_path: Path, told: str, base: str) -> None:
    addresses = loaded(tmp_path, f"providers: {{comfyui: {told}}}\n").provider("comfyui").all_addresses
    assert next(iter(addresses.items())) == ("base_url", base)
    assert addresses.get("other") == ("https://a.b" if "other" in told else None)


def test_what_the_settings_say_of_a_plug_in_is_its_own_and_waits_while_it_is_away(tmp_path: Path) -> None:
    text = "providers: {acme: {concurrency: 1, api_key: 'env:ACME', addresses: {api: 'https://acme.example.com'}}}\n"
    acme = loaded(tmp_path, text).provider("acme")
    assert (acme.concurrency, acme.api_key) == (1, "env:ACME")
    assert acme.all_addresses == {"api": "https://acme.example.com"}


def test_a_scanner_is_an_address_alone_or_a_section_and_variables_go_over_both(tmp_path: Path) -> None:
    for text, place in SCANNERS.items():
        scan = loaded(tmp_path, f"{text}\nstrict: false\n").scan
        assert (scan.path, scan.host, scan.port) == place and (scan.address is None) == ("null" in text)
    scan = loaded(tmp_path, "scan: unix:/run/clamd.ctl\n", ARTFACTORY_SCAN__REQUIRED="true").scan
    assert scan == Scan("unix:/run/clamd.ctl", required=True)
    assert loaded(tmp_path, "scan: {required: true}\n", ARTFACTORY_SCAN="tcp://clamd").scan == Scan("tcp://clamd", True)
