"""The house in figures: `python -m tests.figures [FOLDER OF THE PACKAGE]`, for comparing two states of it."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median

ROWS = {"row", "order", "item", "attempt"}
PRIVATE_WORDS = ("each", "found", "place", "said", "kept")
SIDE_BY_SIDE = {"__init__.py", "__main__.py"}


class Package:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        paths = [path for path in sorted(folder.rglob("*.py")) if "migrations" not in path.parts]
        self.texts = {path: path.read_text(encoding="utf-8") for path in paths}
        self.walked = {path: list(ast.walk(ast.parse(text))) for path, text in self.texts.items()}

    @property
    def lines(self) -> int:
        return sum(text.count("\n") for text in self.texts.values())

    def nodes(self, *, but_in: str = "") -> Iterator[ast.AST]:
        for path, nodes in self.walked.items():
            if not but_in or but_in not in path.parts:
                yield from nodes

    def count_any(self) -> int:
        names = sum(isinstance(node, ast.Name) and node.id == "Any" for node in self.nodes())
        return names + sum(text.count('"Any"') for text in self.texts.values())

    def subscripts(self, *, of_rows: bool) -> int:
        """Subscripts by a string; of rows: `row["x"]` and the like, outside the decoders in storage."""
        nodes = self.nodes(but_in="storage" if of_rows else "")
        texts = (node for node in nodes if isinstance(node, ast.Subscript) and _is_text(node.slice))
        return sum(not of_rows or (isinstance(node.value, ast.Name) and node.value.id in ROWS) for node in texts)

    def most_side_by_side(self) -> tuple[int, str]:
        folders = Counter(path.parent for path in self.texts if path.name not in SIDE_BY_SIDE)
        folder, number = folders.most_common(1)[0]
        return number, folder.name

    def function_lines(self) -> list[int]:
        functions = (node for node in self.nodes() if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
        return sorted((node.end_lineno or node.lineno) - node.lineno + 1 for node in functions)

    def longest_module(self) -> tuple[int, str]:
        path = max(self.texts, key=lambda path: self.texts[path].count("\n"))
        return self.texts[path].count("\n"), str(path.relative_to(self.folder))

    def private_words(self) -> int:
        """Places where one of them is bound as a name."""
        names = (node.id for node in self.nodes() if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        arguments = (node.arg for node in self.nodes() if isinstance(node, ast.arg))
        return sum(name in PRIVATE_WORDS for name in (*names, *arguments))

    def cycle(self) -> list[str]:
        modules = {self._dotted(path): nodes for path, nodes in self.walked.items()}
        uses = {name: set(_imports(nodes)) & modules.keys() - {name} for name, nodes in modules.items()}
        try:
            list(TopologicalSorter(uses).static_order())
        except CycleError as error:
            return list(error.args[1])
        return []

    def _dotted(self, path: Path) -> str:
        parts = path.relative_to(self.folder.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from whole
            yield node.module


def figures(package: Package) -> Iterator[tuple[str, str]]:
    sizes, number = package.function_lines(), package.count_any()
    most, folder = package.most_side_by_side()
    longest, module = package.longest_module()
    yield "modules, lines", f"{len(package.texts)}, {package.lines}"
    yield "most modules side by side", f"{most} in {folder}/"
    yield "Any", f"{number}, {1000 * number / package.lines:.1f} per 1,000 lines"
    yield "string subscripts of rows outside storage", str(package.subscripts(of_rows=True))
    yield "string subscripts", str(package.subscripts(of_rows=False))
    yield "functions: median, p90, longest", f"{median(sizes):.0f}, {sizes[len(sizes) * 9 // 10]}, {sizes[-1]}"
    yield "longest module", f"{longest} lines, {module}"
    yield f"names bound that are {', '.join(PRIVATE_WORDS)}", str(package.private_words())
    yield "import cycles", " -> ".join(package.cycle()) or "0"


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "artfactoryd"
    for name, value in figures(Package(folder.resolve())):
        print(f"{name:<46} {value}")


if __name__ == "__main__":
    main()
