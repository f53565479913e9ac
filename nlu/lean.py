"""Keeps a package that nothing uses out of memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec

TORCH = "torch"


class _NoTorch(MetaPathFinder):
    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name == TORCH:
            raise ModuleNotFoundError(name, name=name)
        return None


@contextmanager
def without_torch() -> Iterator[None]:
    """While open, torch cannot be imported anew.

    spaCy imports it wherever it is installed: 140 MB and more than a second at each start, for
    networks that splitting a text into words does not use.
    """
    finder = _NoTorch()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
