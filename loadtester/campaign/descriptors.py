"""As many file descriptors as this user may have: shells start programs with far fewer; a connection takes one each."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final

#: More than a run can use; some systems name no limit, and take no larger number than one of theirs.
_MOST: Final = 1 << 17


def raise_descriptor_limit() -> None:
    """Raise the soft limit to the hard one, for this process and those it starts; where that can't be, it stays."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
