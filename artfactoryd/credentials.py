"""Keys of providers in the system's keychain: put there and taken away. They are read in settings."""

from __future__ import annotations

from artfactoryd.errors import WrongUse

SERVICE = "artfactoryd"


def store(provider: str, key: str) -> None:
    """Raises WrongUse when there is no keychain, or it did not keep the key."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(SERVICE, provider, key)
        kept = keyring.get_password(SERVICE, provider) == key
    except KeyringError as error:
        raise _no_keychain(provider, type(error).__name__) from None  # its own words may hold the key
    if not kept:
        raise _no_keychain(provider, "it kept nothing")


def remove(provider: str) -> bool:
    """False when there was none. Raises WrongUse when there is no keychain."""
    import keyring
    from keyring.errors import KeyringError

    try:
        if keyring.get_password(SERVICE, provider) is None:
            return False
        keyring.delete_password(SERVICE, provider)
    except KeyringError as error:
        raise _no_keychain(provider, type(error).__name__) from None
    return True


def _no_keychain(provider: str, why: str) -> WrongUse:
    instead = f"Put the key into a file only you can read, and say so: providers.{provider}.api_key: file:/PATH"
    return WrongUse(f"The keychain of this machine cannot be used ({why}). {instead}")
