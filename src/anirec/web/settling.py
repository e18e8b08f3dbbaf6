"""After much was built or dropped: what is left is made little of."""

from __future__ import annotations

import ctypes
import gc
import sys


def settle() -> None:
    """Drop what nobody holds, never look through the rest for garbage again, and give memory back to the system.

    Looking through all that is served takes some 50 ms, in which nobody is answered; what building leaves behind is
    some 35 MB, which glibc would keep. Applications hold themselves in cycles: call it again when one was dropped.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
