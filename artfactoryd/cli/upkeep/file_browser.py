"""“Order with Art Factory” in the file browser: a Quick Action of Finder, a script of Nautilus or Nemo.

What is selected is submitted: recipes as they are, where they lie (in their git folder, too), with the pictures that
are selected with them; pictures alone by a template of the Library that is asked for. `install` writes it, `uninstall`
takes it away. What it says is a shell script, the same for all.
"""

from __future__ import annotations

import plistlib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from artfactoryd.daemon.supervisors import Service, write_for_supervisor
from artfactoryd.entries import remove
from artfactoryd.medium import in_words

NAME = "Order with Art Factory"
BROWSERS = ("nautilus", "nemo")
SELECTED = "com.apple.Automator.fileSystemObject"
IS_PICTURE = "*.png|*.jpg|*.jpeg|*.webp|*.gif|*.heic|*.avif|*.tif|*.tiff|*.bmp"
SCRIPT = """#!/bin/sh
# Written by `artfactoryd install`; `artfactoryd uninstall` takes it away.
factory() { @PROGRAM@ --home @HOME@ "$@"; }
@TALK@
pictures=yes
for file in "$@"; do
  [ -d "$file" ] && pictures=no
  case "$(printf %s "$file" | tr '[:upper:]' '[:lower:]')" in @PICTURES@) ;; *) pictures=no ;; esac
done
if [ $# = 0 ]; then
  exit 0
elif [ $pictures = no ]; then
  words=$(factory submit -- "$@" 2>&1) || tell "$words"
else
  names=$(factory templates --names 2>&1) || { tell "$names"; exit 1; }
  [ -n "$names" ] || { tell "There is no template in the Library that could say what to make of pictures."; exit 1; }
  name=$(choose "$names")
  [ -n "$name" ] || exit 0
  words=$(factory submit --template "$name" -- "$@" 2>&1) || tell "$words"
fi
"""
ON_MAC = """tell() {
  osascript -e 'on run argv' -e 'display alert "Art Factory" message (item 1 of argv)' -e 'end run' "$1" >/dev/null
}
choose() {
  osascript -e 'on run argv' -e 'set known to paragraphs of (item 1 of argv)' \\
    -e 'set chosen to choose from list known with title "Art Factory" with prompt "What is to be made of them?"' \\
    -e 'if chosen is false then return ""' -e 'return item 1 of chosen' -e 'end run' "$1"
}"""
ON_LINUX = """tell() {
  zenity --error --no-markup --title='Art Factory' --text="$1" 2>/dev/null || notify-send -- 'Art Factory' "$1"
}
choose() {
  printf '%s\\n' "$1" | zenity --list --title='Art Factory' --text='What is to be made of them?' --column=Template
}"""


def script(service: Service, program: Path, platform: str) -> str:
    """Names of the program and of the home are words in it, whatever is in them."""
    words = {
        "PROGRAM": shlex.quote(str(program)), "HOME": shlex.quote(str(service.home)), "PICTURES": IS_PICTURE,
        "TALK": ON_MAC if platform == "darwin" else ON_LINUX,
    }  # fmt: skip
    return re.sub("@([A-Z]+)@", lambda match: words[match[1]], SCRIPT)


def title(service: Service) -> str:
    """Each factory folder has its own."""
    return f"{NAME} ({service.suffix})" if service.suffix else NAME


def workflow(service: Service, program: Path) -> dict[str, bytes]:
    """The files of a Quick Action by their names in its folder."""
    menu = {
        "NSMenuItem": {"default": title(service)}, "NSMessage": "runWorkflowAsService",
        "NSRequiredContext": {"NSApplicationIdentifier": "com.apple.finder"}, "NSSendFileTypes": ["public.item"],
        "NSIconName": "NSActionTemplate",
    }  # fmt: skip
    document = {
        "AMApplicationBuild": "523", "AMApplicationVersion": "2.10", "AMDocumentVersion": "2",
        "actions": [{"action": _shell_action(script(service, program, "darwin")), "isViewVisible": 1}],
        "connectors": {},
        "workflowMetaData": {
            "applicationBundleIDsByPath": {}, "applicationPaths": [], "inputTypeIdentifier": SELECTED,
            "outputTypeIdentifier": "com.apple.Automator.nothing", "presentationMode": 15, "processesInput": 0,
            "serviceApplicationBundleID": "com.apple.finder",
            "serviceApplicationPath": "/System/Library/CoreServices/Finder.app",
            "serviceInputTypeIdentifier": SELECTED, "serviceOutputTypeIdentifier": "com.apple.Automator.nothing",
            "serviceProcessesInput": 0, "systemImageName": "NSActionTemplate", "useAutomaticInputType": 0,
            "workflowTypeIdentifier": "com.apple.Automator.servicesMenu",
        },
    }  # fmt: skip
    return {
        "Contents/Info.plist": plistlib.dumps({"NSServices": [menu]}),
        "Contents/document.wflow": plistlib.dumps(document),
    }


def _shell_action(text: str) -> dict[str, Any]:
    """Run Shell Script, with what is selected as its arguments."""
    strings = {"Container": "List", "Types": ["com.apple.cocoa.string"]}
    return {
        "AMAccepts": {**strings, "Optional": True}, "AMProvides": strings, "AMActionVersion": "2.0.3",
        "AMApplication": ["Automator"], "AMParameterProperties": {
            name: {} for name in ("COMMAND_STRING", "CheckedForUserDefaultShell", "inputMethod", "shell", "source")
        },
        "ActionBundlePath": "/System/Library/Automator/Run Shell Script.action", "ActionName": "Run Shell Script",
        "ActionParameters": {
            "COMMAND_STRING": text, "CheckedForUserDefaultShell": True, "inputMethod": 1, "shell": "/bin/sh",
            "source": "",
        },
        "BundleIdentifier": "com.apple.RunShellScript", "CFBundleVersion": "2.0.3",
        "CanShowSelectedItemsWhenRun": False, "CanShowWhenRun": True, "Category": ["AMCategoryUtilities"],
        "Class Name": "RunShellScriptAction", "InputUUID": "6E6B7C1A-6E0B-4D43-8F2E-8C5E0D4A1B01",
        "OutputUUID": "6E6B7C1A-6E0B-4D43-8F2E-8C5E0D4A1B02", "UUID": "6E6B7C1A-6E0B-4D43-8F2E-8C5E0D4A1B03",
        "UnlocalizedApplications": ["Automator"], "isViewVisible": 1,
    }  # fmt: skip


def places(service: Service, platform: str, data: Path, browsers: Sequence[str]) -> list[Path]:
    """Where it lies: a folder on a Mac, elsewhere a script for each of the browsers. `data`: XDG_DATA_HOME."""
    if platform == "darwin":
        return [service.user / "Library" / "Services" / f"{title(service)}.workflow"]
    return [data / browser / "scripts" / title(service) for browser in browsers]


def install(service: Service, program: Path, platform: str, lie: Sequence[Path]) -> Iterator[str]:
    """Best effort: that there is none is no reason not to install the service."""
    for path in lie:
        try:
            if platform == "darwin":
                for name, content in workflow(service, program).items():
                    write_for_supervisor(path / name, content)
            else:
                write_for_supervisor(path, script(service, program, platform).encode())
                path.chmod(0o755)
            yield f"Wrote {path}"
        except OSError as error:
            yield f"warning: “{NAME}” is not in the file browser: {in_words(error)}"


def uninstall(lie: Sequence[Path]) -> Iterator[str]:
    for path in lie:
        if path.exists():
            with suppress(OSError):
                remove(path)
                yield f"Took away {path}"


def data_folder(environ: Mapping[str, str], user: Path) -> Path:
    return Path(environ.get("XDG_DATA_HOME") or user / ".local" / "share")
