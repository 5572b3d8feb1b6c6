"""Runs a function when a module is imported, and another at the first import beyond the library.

One finder in front of `sys.meta_path`. It imports nothing itself, so a process under
`exectrail run` that uses the standard library alone pays for one look-up per import and no more.
wrapt has import hooks too, but importing wrapt takes longer than such a process does.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # every process under `exectrail run` loads this, `typing` only some
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

_NOT_FOREIGN = sys.stdlib_module_names | {
    "sitecustomize",
    "usercustomize",
    "apport_python_hook",  # Debian's sitecustomize looks for it in every process
    # What `copy`, `pickle`, `platform` and `xml.sax` try on other systems. Half of the library is
    # in the middle of its own import then, `dataclasses` too, and our modules could not be loaded.
    "_winreg",
    "java",
    "org",
    "vms_lib",
}


class _Loader:
    """Loads a module as its own loader does, then calls back."""

    def __init__(self, loader: Any, loaded: Callable[[str], None]) -> None:
        self._loader = loader
        self._loaded = loaded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # The module sees the loader it would have without us, also while it runs.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._loaded(module.__name__)


class ImportWatch:
    """A finder that finds nothing by itself and tells when others have loaded what is watched.

    Functions that are called back must not raise: an error would be the import's.
    """

    def __init__(self) -> None:
        self._watched: dict[str, list[Callable[[], None]]] = {}
        self._at_first_foreign: Callable[[], None] | None = None

    def when_imported(self, module: str, call: Callable[[], None]) -> None:
        """Call a function once, after a module was imported; now, if it has been.

        Args:
            module: Absolute name.
            call: Without arguments; must not raise.
        """
        self._watched.setdefault(module, []).append(call)
        if module in sys.modules:
            from importlib import import_module

            # Another thread may be in the middle of it: this waits for its end.
            import_module(module)
            self._loaded(module)
        else:
            self._stand_in_front()

    def at_first_foreign_import(self, call: Callable[[], None]) -> None:
        """Call a function once, before the first import of a module beyond the standard library."""
        self._at_first_foreign = call
        self._stand_in_front()

    def forget(self) -> None:
        """Watch nothing any more."""
        self._watched.clear()
        self._at_first_foreign = None
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Part of the import protocol: the other finders' answer for what is watched, else None."""
        call = self._at_first_foreign
        if call is not None and fullname.partition(".")[0] not in _NOT_FOREIGN:
            self._at_first_foreign = None
            call()
        if fullname not in self._watched:
            return None
        # Asked one by one, not through importlib: that would ask this finder again.
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec = find(fullname, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, self._loaded)
                return spec
        return None

    def _loaded(self, module: str) -> None:
        for call in self._watched.pop(module, ()):
            call()

    def _stand_in_front(self) -> None:
        # Stays until `forget`: the list must not shrink while an import walks along it.
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)


watch = ImportWatch()
"""The watch of this process."""
