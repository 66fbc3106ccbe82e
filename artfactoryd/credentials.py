"""Keys of providers and the status page's token, read where the settings say they are; keys put into the keychain."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from artfactoryd.errors import KeyUnusable, WrongUse
from artfactoryd.printable import hide
from artfactoryd.settings import Settings, expanded

KEYCHAIN_SERVICE = "artfactoryd"
KEYCHAIN_VARIABLES = ("DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND")  # without them a Linux has none


def ways_to_give(provider: str, location: str | None = None) -> str:
    """How a person gives a key, for all that tells of one that is missing or not taken: the keychain first, then what
    serves where there is none, as on a server. `location`: where the settings say it is."""
    file = f"a file only you can read: providers.{provider}.api_key: file:/PATH"
    variable = KEY_VARIABLES.get(provider)
    instead = f"set {variable} for what starts artfactoryd, or name {file}" if variable else f"name {file}"
    if location is None:
        return f"`artfactoryd keys set {provider}` asks for it, and puts it into the keychain; or {instead}."
    if location == "keychain":
        return f"`artfactoryd keys set {provider}` asks for it, and puts it there; or (without a keychain) name {file}."
    keychain = f"`artfactoryd keys set {provider}`, with providers.{provider}.api_key: keychain, has it in the keychain"
    return f"{keychain}; or put it where the settings say it is."


def store(provider: str, key: str) -> None:
    """Raises WrongUse when there is no keychain, or it did not keep the key."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(KEYCHAIN_SERVICE, provider, key)
        has_key = keyring.get_password(KEYCHAIN_SERVICE, provider) == key
    except KeyringError as error:
        raise _no_keychain(provider, type(error).__name__) from None  # its own words may hold the key
    if not has_key:
        raise _no_keychain(provider, "it kept nothing")


def remove(provider: str) -> bool:
    """False when there was none. Raises WrongUse when there is no keychain."""
    import keyring
    from keyring.errors import KeyringError

    try:
        if keyring.get_password(KEYCHAIN_SERVICE, provider) is None:
            return False
        keyring.delete_password(KEYCHAIN_SERVICE, provider)
    except KeyringError as error:
        raise _no_keychain(provider, type(error).__name__) from None
    return True


def _no_keychain(provider: str, why: str) -> WrongUse:
    file = f"put the key into a file only you can read, and say so: providers.{provider}.api_key: file:/PATH"
    variable = KEY_VARIABLES.get(provider)
    instead = f"Set {variable} for what starts artfactoryd, or {file}" if variable else file.capitalize()
    return WrongUse(f"The keychain of this machine cannot be used ({why}). {instead}")


KEY_VARIABLES = {"replicate": "REPLICATE_API_TOKEN", "fal": "FAL_KEY"}
MOST_KEY_BYTES = 4096
LEAST_TOKEN = 16  # characters: beyond this machine anybody may try


def key_place(settings: Settings, provider: str, environ: Mapping[str, str]) -> str | None:
    """Where `resolve_key` finds the key: env:NAME, keychain or file:PATH; None where none is asked for or found."""
    location, variable = settings.provider(provider).api_key, KEY_VARIABLES.get(provider)
    if location is not None or variable is None:
        return location
    if environ.get(variable, "").strip():
        return f"env:{variable}"
    return "keychain" if _from_keychain(provider, certain=False) else None


def resolve_key(settings: Settings, provider: str, environ: Mapping[str, str]) -> str | None:
    """The API key itself, or None where none is asked for and none is found. Never log what comes back.

    Raises KeyUnusable when the settings say where the key is and it cannot be had from there, or what is there is none.
    """
    location = settings.provider(provider).api_key
    try:
        return _key_at(location, provider, environ)
    except WrongUse as error:
        raise KeyUnusable(str(error), ways_to_give(provider, location)) from error


def _key_at(location: str | None, provider: str, environ: Mapping[str, str]) -> str | None:
    what, setting = f"API key for {provider}", f"providers.{provider}.api_key"
    if location is None:
        return _default_key(provider, environ)
    if location != "keychain":
        return clean_key(_secret_at(location, environ, what, setting), what)
    key = _from_keychain(provider, certain=True) or ""
    if not key.strip():
        missing = f"the keychain holds nothing for service {KEYCHAIN_SERVICE}, user {provider}"
        raise WrongUse(f"No {what}: {missing} (settings: {setting}).")
    return clean_key(key, what)


def resolve_secret(location: str, name: str) -> str:
    """The secret that an order's parameter `name` says the place of. Never log what comes back. Raises WrongUse."""
    what, setting = f"secret for {name}", name
    if location != "keychain":
        secret = _secret_at(location, os.environ, what, setting).strip()
        hide(secret)
        return secret
    secret = (_from_keychain(name, certain=True) or "").strip()
    if not secret:
        raise WrongUse(f"No {what}: the keychain holds nothing for service {KEYCHAIN_SERVICE}, user {name}.")
    hide(secret)
    return secret


def resolve_token(settings: Settings, environ: Mapping[str, str]) -> str | None:
    """The status page's token itself, or None where none is asked for. Never log what comes back.

    Raises WrongUse when the settings say where it is and it cannot be had from there, or is easily guessed.
    """
    what, setting = "token for the status page", "http.token"
    if settings.http.token is None:
        return None
    token = clean_key(_secret_at(settings.http.token, environ, what, setting), what)
    if len(token) < LEAST_TOKEN:
        raise WrongUse(f"The {what} is short; {LEAST_TOKEN} characters at least (settings: {setting}).")
    return token


def _secret_at(location: str, environ: Mapping[str, str], what: str, setting: str) -> str:
    """The secret at env:NAME or file:PATH."""
    kind, _, rest = location.partition(":")
    if kind == "env":
        secret, missing = environ.get(rest, ""), f"the variable {rest} is not set"
    else:
        secret, missing = _from_key_file(expanded(rest, environ), what, setting), f"the file {rest} is empty"
    if not secret.strip():
        raise WrongUse(f"No {what}: {missing} (settings: {setting}).")
    return secret


def _default_key(provider: str, environ: Mapping[str, str]) -> str | None:
    variable = KEY_VARIABLES.get(provider)
    if variable is None:
        return None
    key = environ.get(variable, "").strip() or (_from_keychain(provider, certain=False) or "").strip()
    return clean_key(key, f"API key for {provider}") if key else None


def clean_key(key: str, what: str) -> str:
    """Raises WrongUse for what cannot be one."""
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise WrongUse(f"The {what} holds blanks or characters that none has. Copy it again.")
    hide(key)
    return key


def _from_keychain(provider: str, *, certain: bool) -> str | None:
    """`certain`: the settings name the keychain, so its absence is an error."""
    if not certain and _is_without_keychain(os.environ):
        return None
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(KEYCHAIN_SERVICE, provider)
    except KeyringError as error:
        if not certain:
            return None
        raise WrongUse(f"No API key for {provider}: the keychain cannot be read ({type(error).__name__}).") from error


def _is_without_keychain(environ: Mapping[str, str]) -> bool:
    """A Linux without a session, such as a server: known without loading what would ask, which takes 10 MB of memory
    for as long as the program runs."""
    if not sys.platform.startswith("linux") or "keyring" in sys.modules:
        return False
    config = Path(environ.get("XDG_CONFIG_HOME") or expanded("~/.config", environ)) / "python_keyring"
    chosen = any(environ.get(name) for name in KEYCHAIN_VARIABLES) or (config / "keyringrc.cfg").exists()
    return not chosen and find_spec("keyrings") is None  # the package of others that need no session


def _from_key_file(path: Path, what: str, setting: str) -> str:
    def refuse(reason: str) -> WrongUse:
        return WrongUse(f"No {what}: {reason} (settings: {setting}).")

    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise refuse(f"the file {path} cannot be read: {error.strerror}") from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise refuse(f"{path} is not a plain file")
        if status.st_uid != os.getuid():
            raise refuse(f"{path} belongs to someone else")
        if status.st_mode & 0o077:
            raise refuse(f"{path} can be read by others. Run: chmod 600 {path}")
        return os.read(handle, MOST_KEY_BYTES).decode("utf-8", "replace")
    finally:
        os.close(handle)
