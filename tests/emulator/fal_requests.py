"""One request to fal: written down when it is accepted, worked out from the clock ever after, as predictions are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tests.emulator import pictures
from tests.emulator.predictions import moment
from tests.emulator.weather import MORE, Weather

SIZES = {
    "square_hd": (1024, 1024), "square": (512, 512), "portrait_4_3": (768, 1024), "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768), "landscape_16_9": (1024, 576),
}  # fmt: skip
# What an outcome is called in the status document, and what the result answers: status, error type, words.
ENDS: dict[str, tuple[int, str, str]] = {
    "failed": (500, "internal_server_error", "Internal server error"),
    "aborted": (504, "request_timeout", "Request timed out before it started"),
    "canceled": (499, "client_cancelled", "Request was cancelled"),
    "refused": (422, "content_policy_violation", "The content could not be processed: flagged by a content checker."),
}
QUIET = {"refused"}  # said by the result alone


def app_of(endpoint: str) -> str:
    parts = endpoint.split("/")
    return "/".join(parts[: 3 if parts[0] in ("workflows", "comfy") else 2])


@dataclass
class Request:
    """The line in the ledger file: an accepted create, so money."""

    id: str
    accepted: float  # seconds since the epoch
    endpoint: str
    input: dict[str, Any]
    outcome: str
    output: str | None  # what its outputs do when fetched, where the prompt asked for it
    run_seconds: float
    start_seconds: float
    answered: str  # how its create was answered
    canceled: float | None = None
    number: str = ""  # told instead of the seconds that it took

    def line(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def drawing(self) -> dict[str, Any]:
        """What is drawn: fal's size and format in the words of `pictures`."""
        size = self.input.get("image_size", "square_hd")
        width, height = (size["width"], size["height"]) if isinstance(size, dict) else SIZES[size]
        kind = self.input.get("output_format") or self.input.get("format") or "jpeg"
        return {**self.input, "width": width, "height": height, "output_format": kind.replace("jpeg", "jpg")}

    @property
    def ended(self) -> float:
        if self.canceled is not None:
            return self.canceled
        return self.accepted + (float("inf") if self.outcome == "stuck" else self.run_seconds)

    @property
    def end(self) -> tuple[int, str, str] | None:
        return ENDS.get("canceled" if self.canceled is not None else self.outcome)

    def status(self, now: float) -> str:
        if now >= self.ended:
            return "COMPLETED" if self.outcome != "strange" else "RESTING"
        return "IN_QUEUE" if now < self.accepted + self.start_seconds else "IN_PROGRESS"

    def cancel(self, now: float) -> bool:
        if now >= self.ended:
            return False
        self.canceled = now
        return True

    def removed(self, now: float, weather: Weather) -> bool:
        return now >= self.ended + weather.remove_after

    def urls(self, base: str) -> dict[str, Any]:
        here = f"{base}/{app_of(self.endpoint)}/requests/{self.id}"
        return {
            "request_id": self.id, "response_url": here, "status_url": f"{here}/status", "cancel_url": f"{here}/cancel",
        }  # fmt: skip

    def fresh(self, base: str) -> dict[str, Any]:
        return {"status": "IN_QUEUE", **self.urls(base), "queue_position": 0}

    def document(self, now: float, base: str) -> dict[str, Any]:
        """`queue_position` only in the queue, `logs` and `metrics` only after it."""
        status = self.status(now)
        if status == "IN_QUEUE":
            return {"status": status, **self.urls(base), "queue_position": 0}
        answer = {"status": status, **self.urls(base), "logs": None}
        if status == "COMPLETED":
            answer["metrics"] = {"inference_time": self.told(max(0.0, self.run_seconds - self.start_seconds))}
            if self.end and self.outcome not in QUIET:
                answer |= {"error": self.end[2], "error_type": self.end[1]}
        return answer

    def told(self, seconds: float) -> float:
        return float(self.number) if self.number else seconds  # json writes Infinity and NaN as they are

    def result(self, outputs: str) -> tuple[int, dict[str, Any]]:
        if self.end:
            status, kind, words = self.end
            told = {"loc": ["body", "prompt"], "msg": words, "type": kind, "url": f"https://docs.fal.ai/errors#{kind}"}
            return status, {"detail": [{**told, "input": self.input}]}
        asked = int(self.input.get("num_images", 1)) + (MORE if self.outcome == "more" else 0)
        flags = [self.is_flagged(place) for place in range(asked)]
        drawing = self.drawing
        images = [
            {"url": f"{outputs}/pbxt/{self.id}/out-{place}.{drawing['output_format']}", "width": drawing["width"],
             "height": drawing["height"], "content_type": pictures.mime(drawing)}
            for place in range(0 if self.outcome == "empty" else asked)
        ]  # fmt: skip
        return 200, {
            "images": images, "timings": {"inference": self.told(0.1)}, "seed": self.input.get("seed", 1),
            "has_nsfw_concepts": flags, "prompt": self.input.get("prompt", ""),
        }  # fmt: skip

    def is_flagged(self, place: int) -> bool:
        """Blacked out, and said to be so."""
        return self.outcome == "nsfw" or (self.outcome == "fewer" and place == 0)

    def history(self, now: float, payloads: bool) -> dict[str, Any]:
        begun = self.accepted + min(self.start_seconds, self.run_seconds)
        item: dict[str, Any] = {
            "request_id": self.id, "endpoint_id": self.endpoint, "started_at": moment(begun, 3),
            "sent_at": moment(self.accepted, 3),
        }  # fmt: skip
        if now >= self.ended:
            item |= {"ended_at": moment(self.ended, 3), "status_code": self.end[0] if self.end else 200}
        return item | ({"json_input": self.input} if payloads else {})
