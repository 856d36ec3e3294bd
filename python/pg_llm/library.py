"""The versioned directory that the package was installed into."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def isolated() -> Iterator[None]:
    """Hide the distribution's `dist-packages` while third-party code is imported.

    A package of ours that finds an optional dependency there would meet a
    version that it was never locked against. The path is restored, because
    other functions of this session may import from there.
    """
    whole = sys.path[:]
    sys.path[:] = [entry for entry in whole if not entry.endswith("dist-packages")]
    try:
        yield
    finally:
        sys.path[:] = whole
