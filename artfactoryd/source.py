"""A file's bytes as text with places, and in plain words the mistakes people make when they write YAML.

Not here: the parser (yaml12) and what a document means (documents).
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from enum import Enum

from artfactoryd.errors import Path, Problem, Refusal

BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# What YAML cannot hold: control characters, half surrogates, a byte order mark inside.
FORBIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
SURROGATES = re.compile(r"(\\\\)|\\u([dD][89abAB][\da-fA-F]{2})\\u([dD][c-fC-F][\da-fA-F]{2})")
QUOTES = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b"  # double, then single; low and reversed ones too
CURLY = re.compile(f"[{QUOTES}][^{QUOTES}]*(\u2019[^{QUOTES}]+)*[{QUOTES}]", re.DOTALL)  # an apostrophe may be inside
CURLY_FIX = 'Type straight quotes " instead; if the curly ones belong to the text, put straight ones around them.'


@dataclass(frozen=True)
class Source:
    """`text` is the file as it is; `parsed` is what the parser reads: JSON's surrogate pairs made one escape."""

    data: bytes
    file: str
    text: str
    encoding: str
    bom: bytes
    parsed: str
    _pairs: list[int] = field(repr=False)
    _lines: list[int] = field(repr=False)

    def origin(self, index: int) -> int:
        """The index in `text` of an index in `parsed`."""
        return index + 2 * bisect_right(self._pairs, index) if self._pairs else index

    def position(self, index: int) -> tuple[int, int]:
        """Line and column from 1, in code points, of an index in `text`."""
        line = bisect_right(self._lines, index)
        return line, index - self._lines[line - 1] + 1

    def line(self, number: int) -> str:
        """Without its line break; empty beyond the end."""
        if not 1 <= number <= len(self._lines):
            return ""
        end = self._lines[number] if number < len(self._lines) else len(self.text)
        return self.text[self._lines[number - 1] : end].rstrip("\r\n")

    def piece(self, start: int, end: int) -> bytes:
        """The bytes of a part of the text; beyond the start of a UTF-16 file with a mark of its own."""
        bom = self.bom if start == 0 or self.encoding != "utf-8" else b""
        return bom + self.text[start:end].encode(self.encoding)

    def problem(self, code: str, message: str, fix: str, index: int, path: Path = ()) -> Problem:
        return Problem(code, message, fix, path=path).at(self.file, *self.position(index))


def read_source(data: bytes, file: str, most_bytes: int) -> Source:
    """Raises Refusal for what is not a text file of a sensible size."""

    def refuse(code: str, message: str, fix: str, line: int | None = None, column: int | None = None) -> Refusal:
        return Refusal([Problem(code, message, fix).at(file, line, column)])

    if file.lower().endswith((".yaml.txt", ".yml.txt", ".json.txt")):
        raise refuse("E_NAME", "the file's name ends in .txt.", f"Rename it to {file[:-4]} (without .txt).")
    if len(data) > most_bytes:
        raise refuse(
            "E_TOO_LARGE", f"the file is too large; of its bytes at most {most_bytes:,} are read.", "Split it."
        )
    if data.startswith(UTF_32):
        raise refuse("E_ENCODING", "this is UTF-32 text.", "Save the file as UTF-8.")
    bom, encoding = next(((bom, name) for bom, name in BOMS if data.startswith(bom)), (b"", "utf-8"))
    complaint = _not_text(data[len(bom) :]) if encoding == "utf-8" else None
    if complaint:
        raise refuse(*complaint)
    try:
        text = data[len(bom) :].decode(encoding)
    except UnicodeDecodeError as error:
        before = data[len(bom) :][: error.start].decode(encoding, "ignore")
        position = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise refuse("E_ENCODING", "this is not UTF-8 text.", "Save the file as UTF-8.", *position) from None
    return _checked(data, file, text, encoding, bom)


UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
INVISIBLE = {
    "\u00a0": "a no-break space", "\u00ad": "a soft hyphen", "\u200b": "a zero-width space",
    "\u200c": "a zero-width non-joiner", "\u200d": "a zero-width joiner", "\u200e": "a direction mark",
    "\u200f": "a direction mark", "\u2028": "a line separator", "\u2029": "a paragraph separator",
    "\u202f": "a narrow no-break space", "\u2060": "a word joiner", "\u3000": "a wide space",
    "\ufeff": "a byte order mark",
}  # fmt: skip
_UNSEEN = re.compile(f"[{''.join(INVISIBLE)}]")


def unseen(text: str) -> re.Match[str] | None:
    """The first character in it that nobody sees and that is no blank."""
    return _UNSEEN.search(text)


def shown(text: str) -> str:
    """With what nobody sees written out: `para<U+200B>meters`."""
    return _UNSEEN.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def _not_text(data: bytes) -> tuple[str, str, str] | None:
    head = data.lstrip()[:5]
    if head == b"{\\rtf":
        return "E_ENCODING", "this is rich text, not plain text.", "In TextEdit choose Format > Make Plain Text."
    if data and not data.strip(b"\0"):
        return "E_ENCODING", "the file holds only zero bytes: its writing was cut short.", "Save it again."
    if b"\0" not in data:
        return None
    if 0 in (data[0], data[1] if len(data) > 1 else 1) and data.count(0) > len(data) // 4:
        return "E_ENCODING", "this looks like UTF-16 without a byte order mark.", "Save the file as UTF-8."
    return "E_ENCODING", "this is a binary file, not text.", "Only YAML or JSON text can be read here."


def _checked(data: bytes, file: str, text: str, encoding: str, bom: bytes) -> Source:
    pairs: list[int] = []
    parsed = _without_pairs(text, pairs) if text.lstrip()[:1] in ("{", "[") else text
    lines = [0, *(line_break.end() for line_break in re.finditer("\r\n|\r|\n", text))]
    source = Source(data, file, text, encoding, bom, parsed, pairs, lines)
    forbidden = FORBIDDEN.search(text)
    if forbidden:
        message = f"the character U+{ord(forbidden[0]):04X} cannot stand in a YAML file."
        raise Refusal([source.problem("E_ENCODING", message, "Delete it; it may be invisible.", forbidden.start())])
    return source


def _without_pairs(text: str, pairs: list[int]) -> str:
    """JSON writes a character beyond U+FFFF as two escapes, which YAML refuses; notes where, in the new text."""

    def one_escape(match: re.Match[str]) -> str:
        if match[1]:  # a backslash written out, not the start of an escape
            return match[1]
        pairs.append(match.start() - 2 * len(pairs) + 1)
        high, low = int(match[2], 16), int(match[3], 16)
        return f"\\U{0x10000 + ((high - 0xD800) << 10) + low - 0xDC00:08X}"

    return SURROGATES.sub(one_escape, text)


def is_curly_quoted(text: str) -> bool:
    return len(text) > 1 and CURLY.fullmatch(text) is not None


_START = r"^[ ]*(?:-[ ]+)*(?:(?P<key>[^\s:#\"'\[{][^:#]*|\"[^\"]*\"|'[^']*'):[ ]+)?"
_AFTER_LIST = re.compile(_START + r"(?P<value>(?:\[.*\]|\{.*\})(?![\s]*(?:#|$)).*)$")
_AFTER_QUOTE = re.compile(_START + r"(?P<value>(?P<quote>[\"']).*(?P=quote)[ ]*[^\s#,:\]}].*)$")
_BAD_START = re.compile(_START + r"(?P<value>(?:[*&@%`!]|[|>](?![-+0-9]*\s*(?:#|$))).*)$")
_COLON_INSIDE = re.compile(_START.removesuffix("?") + r"(?P<value>[^\s\"'\[{].*:(?:[ ].*)?)$")
_NO_SPACE = re.compile(r"^(?P<value>[ ]*[A-Za-z_]\w*:(?![/\s]).*)$")
_TAB = re.compile(r"^[ -]*(?P<value>\t)")
_CURLY = re.compile(rf"(?:^|[:,{{\[-])[ ]*(?P<value>[{QUOTES}])")
_QUOTE_IT = "Put straight double quotes around the whole text"
_OTHER_QUOTE = "Quote the whole text, with the other kind of quote (' or \") around it than inside it."
_SECRET = re.compile("key|token|secret|password", re.IGNORECASE)


class Mistake(Enum):
    """What stopped the parser. Told by the type and the marks of its error: its words change with its release."""

    KEY = "a colon where no key can be"
    QUOTE = "a quote that is never closed"
    ESCAPE = "a backslash that means nothing"
    FLOW = "inside brackets"
    BLOCK = "between lines that belong together"
    OTHER = "anything else"


@dataclass(frozen=True, slots=True)
class Complaint:
    """Where the parser stopped, as indexes into the source's text. `opened`: where the part it was reading began."""

    kind: Mistake
    index: int
    opened: int | None
    words: str  # the parser's own, to be shown where there are no better ones


def structure_mistake(source: Source, opened: int | None, in_flow: bool) -> Mistake:
    """Of a complaint that the next token does not fit. `in_flow`: what is being read stands in brackets."""
    if opened is None or source.text.startswith("!", opened):  # a second root; a tag without its handle
        return Mistake.OTHER
    return Mistake.FLOW if in_flow else Mistake.BLOCK


def token_mistake(source: Source, index: int, opened: int | None) -> Mistake:
    """Of a complaint that at `index` there is no token."""
    if opened is None:
        return Mistake.KEY if source.text.startswith(":", index) else Mistake.OTHER
    match source.text[opened : opened + 1]:
        case "'" | '"' if index >= len(source.text) or source.text.startswith(("---", "..."), index):
            return Mistake.QUOTE
        case '"':
            return Mistake.ESCAPE
        case "|" | ">":
            return Mistake.BLOCK
    return Mistake.OTHER


_STRAY = frozenset({Mistake.QUOTE, Mistake.FLOW, Mistake.BLOCK, Mistake.OTHER})
_ANY = frozenset(Mistake)
_KEY = frozenset({Mistake.KEY})

# (what the line looks like, the kinds it explains, code, message, fix); the first that fits is told.
_TRAPS = (
    (_TAB, _ANY, "E_TAB", "the line is indented with a tab.", "Indent with spaces; YAML allows no tabs there."),
    (_CURLY, _ANY, "E_QUOTES", "these are curly quotes, which YAML takes for ordinary letters.", CURLY_FIX),
    (_AFTER_LIST, _STRAY, "E_YAML", "a text that begins with a bracket is read as a list by YAML.", _QUOTE_IT),
    (_AFTER_QUOTE, _STRAY, "E_YAML", "there is more text after the closing quote.", _OTHER_QUOTE),
    (_BAD_START, _ANY, "E_YAML", "a text cannot begin with this character in YAML.", _QUOTE_IT),
    (_NO_SPACE, _KEY, "E_YAML", "a space is missing after the colon.", "Write `key: value`."),
    (_COLON_INSIDE, _KEY, "E_YAML", "a text with a colon and a blank in it needs quotes.", _QUOTE_IT),
)


def syntax_problem(source: Source, complaint: Complaint) -> Problem:
    """The parser's complaint, retold."""
    line = source.position(complaint.index)[0]
    lines = [line, line - 1] if complaint.kind is Mistake.KEY else [line]
    if complaint.opened is not None and complaint.kind is not Mistake.BLOCK:
        lines.append(source.position(complaint.opened)[0])
    hidden = (_hidden(source, number) for number in lines)
    traps = (_trap(source, number, complaint.kind) for number in lines)
    return next(filter(None, [*hidden, *traps]), None) or _other(source, complaint)


def _hidden(source: Source, number: int) -> Problem | None:
    """Of a line that the parser stopped at, what nobody sees in it, or at its end."""
    line = source.line(number)
    if found := unseen(line.strip("\u00a0") if line.strip() else line):
        column = line.index(found[0]) + 1
        return hidden_problem(found[0], line[:80]).at(source.file, number, column)
    return None


def hidden_problem(character: str, text: str) -> Problem:
    message = f"there is {INVISIBLE[character]} (U+{ord(character):04X}) here, which nobody sees: {shown(text).strip()}"
    return Problem("E_INVISIBLE", f"{message}.", "Delete it, and type a plain blank where one is meant.")


def _trap(source: Source, number: int, kind: Mistake) -> Problem | None:
    line = source.line(number)
    for pattern, kinds, code, message, fix in _TRAPS:
        match = pattern.search(line)
        if match and kind in kinds:
            example = _example(match) if fix is _QUOTE_IT else fix
            return Problem(code, message, example).at(source.file, number, match.start("value") + 1)
    return None


def _example(match: re.Match[str]) -> str:
    """Shows the line quoted, but never repeats what may be a secret."""
    key, value = match["key"] or "", match["value"].strip()
    if _SECRET.search(key) or len(value) > 80 or '"' in value or "\\" in value:
        return f"{_QUOTE_IT}."
    return f'{_QUOTE_IT}: {key}{": " if key else ""}"{value}"'


_AT_OPENING = frozenset({Mistake.QUOTE, Mistake.FLOW})  # told where the part begins, not where the parser stopped
_RETOLD = {
    Mistake.QUOTE: ("the quote that opens here is never closed.", "Close it with the same quote."),
    Mistake.ESCAPE: (
        "in double quotes this backslash means nothing.",
        "Write the backslash twice, or put single quotes ' around the text.",
    ),
    Mistake.KEY: (
        "a key cannot stand here: the one above it has a value already.",
        "Keys of one group begin in the same column; what belongs to a key stands further in, below it.",
    ),
    Mistake.FLOW: (
        "the bracket that opens here does not close as it should.",
        "Close it, and part its entries by commas; if it belongs to a text, put double quotes around the text.",
    ),
    Mistake.BLOCK: (
        "this line does not go on from the lines above it.",
        "Keys of one group begin in the same column; look at this line and the one above it.",
    ),
}
_ELSE_FIX = "Look at this line and the one above it; a text with : # [ ] { } or quotes in it goes in double quotes."


def _other(source: Source, complaint: Complaint) -> Problem:
    message, fix = _RETOLD.get(complaint.kind, (f"this is not YAML: {complaint.words}.", _ELSE_FIX))
    if complaint.kind in _AT_OPENING and complaint.opened is not None:
        return source.problem("E_YAML", message, fix, complaint.opened)
    return source.problem("E_YAML", message, fix, complaint.index)
