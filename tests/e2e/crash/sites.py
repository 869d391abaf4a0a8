"""Finds every write a keeper module makes, by its syntax, and puts a hook around each as it loads.

A call is a write when it has one of the shapes below. What was missed by shape is found by the
guards in `guards`, which watch the system calls themselves.
"""

import ast
import builtins
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

__all__ = ["HOOK", "Site", "Sites", "install", "sites_of"]

HOOK: Final = "__crash_site__"
_UNTOUCHED: Final = ("keeper.devnet",)
_OS: Final = frozenset(
    (
        *("open", "write", "writev", "pwrite", "pwritev", "fsync", "fdatasync", "truncate"),
        *("ftruncate", "rename", "renames", "replace", "unlink", "remove", "rmdir", "mkdir"),
        *("makedirs", "link", "symlink", "chmod", "sendfile", "mkfifo"),
    )
)
_METHODS: Final = frozenset(
    (
        *("write", "writelines", "write_text", "write_bytes", "flush", "truncate", "unlink"),
        *("mkdir", "touch", "rename", "chmod", "rmdir", "symlink_to", "hardlink_to", "flock"),
        *("send", "sendall", "sendto", "drain", "post", "request", "broadcast", "ping"),
        *("start_unix_server", "start_server", "open_connection", "create_connection"),
        "create_subprocess_exec",
        "gettempdir",  # it writes a file to see whether it may
    )
)
_FUNCTIONS: Final = frozenset(("connect", "open"))
_WRITE_MODE: Final = frozenset("wax+")


@dataclass(frozen=True, slots=True)
class Site:
    """One call in the source; `name` is stable while the function keeps its name."""

    name: str
    file: str
    first_line: int
    last_line: int


def sites_of(source: str, module: str, file: str) -> list[Site]:
    """List the writes of a module's source, in order."""
    finder = _Instrument(module, file)
    finder.visit(ast.parse(source))
    return finder.sites


class Sites(MetaPathFinder):
    """Loads keeper modules from their sources with the hook around each write."""

    def __init__(self) -> None:
        self.found: list[Site] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("keeper") or fullname.startswith(_UNTOUCHED):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path, self.found)
        return spec


class _Loader(SourceFileLoader):
    """Compiles what the file says, with hooks; neither reads nor leaves byte code."""

    def __init__(self, fullname: str, path: str, found: list[Site]) -> None:
        super().__init__(fullname, path)
        self._found = found

    def get_code(self, fullname: str) -> CodeType:
        instrument = _Instrument(fullname, self.path)
        tree = instrument.visit(ast.parse(Path(self.path).read_text(encoding="utf-8")))
        self._found.extend(instrument.sites)
        code: CodeType = compile(ast.fix_missing_locations(tree), self.path, "exec")
        return code


def install(hook: Callable[[str, Any], Any]) -> Sites:
    """Instrument every keeper module imported from now on; `hook(name, function)` is called."""
    setattr(builtins, HOOK, hook)
    sites = Sites()
    sys.meta_path.insert(0, sites)
    return sites


class _Instrument(ast.NodeTransformer):
    def __init__(self, module: str, file: str) -> None:
        self._module = module.removeprefix("keeper.")
        self._file = file
        self._scope: list[str] = []
        self._names: Counter[str] = Counter()
        self.sites: list[Site] = []

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._scoped(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._scoped(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._scoped(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if not _writes(node):
            return self.generic_visit(node)
        site = self._site(node)
        self.generic_visit(node)
        named = ast.Call(ast.Name(HOOK, ast.Load()), [ast.Constant(site.name), node.func], [])
        ast.copy_location(named, node)
        return ast.copy_location(ast.Call(named, node.args, node.keywords), node)

    def _scoped(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._scope.append(node.name)
        self.generic_visit(node)
        self._scope.pop()
        return node

    def _site(self, node: ast.Call) -> Site:
        name = f"{self._module}.{'.'.join(self._scope)}: {ast.unparse(node.func)}"
        self._names[name] += 1
        if self._names[name] > 1:
            name += f" ({self._names[name]})"
        site = Site(name, self._file, node.lineno, node.end_lineno or node.lineno)
        self.sites.append(site)
        return site


def _writes(node: ast.Call) -> bool:
    function = node.func
    if isinstance(function, ast.Name):
        return function.id in _FUNCTIONS or _is_remote(node, function.id)
    if not isinstance(function, ast.Attribute):
        return _is_remote(node, "")
    owner = function.value.id if isinstance(function.value, ast.Name) else ""
    name = function.attr
    if owner == "os":
        return name in _OS
    if name == "open":
        return any(_is_write_mode(argument) for argument in node.args)
    if name == "send" and ast.unparse(function.value).endswith("_alerts"):
        return False  # a port's method, which is a point by itself
    if name == "close":  # of a websocket: it says goodbye
        return ast.unparse(function.value).endswith("_connection")
    if name == "replace":
        return _is_path_replace(node, function)
    return name in _METHODS or _is_remote(node, name)


def _is_write_mode(argument: ast.expr) -> bool:
    is_text = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    return is_text and bool(_WRITE_MODE & set(argument.value))  # type: ignore[attr-defined]


def _is_path_replace(node: ast.Call, function: ast.Attribute) -> bool:
    """`path.replace(target)`: that of a str takes two arguments, that of a struct keywords."""
    is_own = ast.unparse(function.value) in ("self", "self._directory")
    return len(node.args) == 1 and not node.keywords and not is_own


def _is_remote(node: ast.Call, name: str) -> bool:
    """A request over the network: called with a deadline, or an HTTP `get` with its query."""
    keywords = {keyword.arg for keyword in node.keywords}
    if name == "get":
        return "params" in keywords
    return "timeout" in keywords and not name[:1].isupper()
