"""One prediction: written down when it is accepted, worked out from the clock ever after.

Nothing runs here. What a prediction is at a moment follows from its line in the ledger file and
the time, so an emulator that was killed goes on where it was.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from tests.emulator import models, pictures
from tests.emulator.weather import MORE, Weather

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
NSFW = "All generated images contained NSFW content. Try running it again with a different prompt."
INTERRUPTED = "Prediction interrupted; please retry (code: PA)"
TERMINAL = {"succeeded", "failed", "canceled", "aborted", "strange"}


def new_id() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(26))


def moment(seconds: float, digits: int) -> str:
    """RFC 3339 with 2 to 9 digits after the point, as they come in the wild."""
    whole = datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{f'{seconds % 1:.9f}'[2 : 2 + digits]}Z"


@dataclass
class Prediction:
    """The line in the ledger file: an accepted create, so money."""

    id: str
    accepted: float  # seconds since the epoch
    digits: int
    model: str
    version: str
    by_version: bool
    input: dict[str, Any]
    outcome: str
    error: str | None
    output: str | None  # what its outputs do when fetched, where the prompt asked for it
    run_seconds: float
    start_seconds: float
    answered: str  # how its create was answered
    canceled: float | None = None
    number: str = ""  # told instead of the seconds that it took

    @property
    def drawing(self) -> dict[str, Any]:
        return self.input

    def line(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def ended(self) -> float:
        if self.canceled is not None:
            return self.canceled
        return self.accepted + (float("inf") if self.outcome == "stuck" else self.run_seconds)

    @property
    def begun(self) -> float:
        return self.accepted + min(self.start_seconds, self.run_seconds)

    @property
    def ran(self) -> float:
        """Seconds, of one that has ended."""
        return max(0.0, self.ended - self.begun)

    def status(self, now: float) -> str:
        if now >= self.ended:
            if self.canceled is not None:
                return "canceled"
            known = {
                **dict.fromkeys(("fewer", "more", "empty"), "succeeded"),
                "nsfw": "failed",
                "interrupted": "failed",
            }
            return known.get(self.outcome, self.outcome)
        return "starting" if now < self.accepted + self.start_seconds else "processing"

    def cancel(self, now: float) -> bool:
        if self.status(now) in TERMINAL:
            return False
        self.canceled = now
        return True

    @property
    def asked(self) -> int:
        return int(self.input.get("num_outputs", 1))

    def count(self) -> int:
        return {"fewer": max(1, self.asked - 1), "more": self.asked + MORE, "empty": 0}.get(self.outcome, self.asked)

    def removed(self, now: float, weather: Weather) -> bool:
        return now >= self.ended + weather.remove_after

    def fresh(self, base: str) -> dict[str, Any]:
        """The answer to a create: no output, started_at, completed_at or metrics yet, not even as null."""
        here = f"{base}/v1/predictions/{self.id}"
        return {
            "id": self.id, "model": self.model, "version": self.version, "input": self.input, "logs": "",
            "data_removed": False, "error": None, "status": "starting",
            "created_at": moment(self.accepted, self.digits),
            "urls": {"cancel": f"{here}/cancel", "get": here},
        }  # fmt: skip

    def document(self, now: float, base: str, outputs: str, weather: Weather) -> dict[str, Any]:
        answer = self.fresh(base)
        answer["status"] = self.status(now)
        if answer["status"] != "aborted" and now >= self.begun:
            answer["started_at"] = moment(self.begun, self.digits)
        if answer["status"] in TERMINAL:
            self._finish(answer, outputs)
        if self.removed(now, weather):
            answer |= {"input": {}, "logs": None, "data_removed": True, "output": None}
        return answer

    def _finish(self, answer: dict[str, Any], outputs: str) -> None:
        answer["completed_at"] = moment(self.ended, self.digits)
        answer["output"] = None
        if answer["status"] != "aborted":
            told = float(self.number) if self.number else self.ran  # json writes Infinity and NaN as they are
            answer["metrics"] = {"predict_time": told, "total_time": max(self.ran, self.ended - self.accepted)}
        if answer["status"] == "canceled":
            answer["logs"] = None
        elif answer["status"] == "failed":
            answer["error"] = {"nsfw": NSFW, "interrupted": INTERRUPTED}.get(self.outcome, self.error)
        elif answer["status"] == "succeeded":
            answer["logs"] = f"Using seed: {self.input.get('seed', 1)}\n"
            answer["output"] = self._shaped(self.addresses(outputs))

    def addresses(self, outputs: str) -> list[str]:
        ending = pictures.kind(self.input)
        return [f"{outputs}/pbxt/{self.id}/out-{place}.{ending}" for place in range(self.count())]

    def blocking(self, base: str, weather: Weather) -> dict[str, Any]:
        """The answer to a create that waited: still `processing`, yet with its output, inline."""
        answer = self.fresh(base)
        kind = pictures.mime(self.input)
        made = [pictures.draw(self.input, place, weather.pixels) for place in range(self.count())]
        inline = [f"data:{kind};base64,{base64.b64encode(one).decode()}" for one in made]
        return answer | {"status": "processing", "output": self._shaped(inline)}

    def _shaped(self, addresses: list[str]) -> list[str] | str | None:
        if self.model in models.SINGLE:
            return addresses[0] if addresses else None
        return addresses
