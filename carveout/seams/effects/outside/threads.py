"""Notes work that is handed to other threads and processes, where nothing is recorded."""

import threading
from collections.abc import Callable
from typing import Any

from carveout.seams.effects.outside.block import EffectBlock, suspended
from carveout.seams.effects.outside.harmless import is_harmless
from carveout.seams.effects.outside.wrapping import Around, found, wrap


def install() -> None:
    wrap(threading.Thread, "start", _handing("started a thread"))
    _wrap_found("concurrent.futures.thread", "ThreadPoolExecutor", "submit", "a pool of threads")
    _wrap_found("concurrent.futures.process", "ProcessPoolExecutor", "submit", "other processes")
    _wrap_found("multiprocessing.process", "BaseProcess", "start", "another process")


def _wrap_found(module: str, cls: str, method: str, to: str) -> None:
    if owner := found(module, cls):
        wrap(owner, method, _handing(f"handed work to {to}"))


def _handing(sentence: str) -> Around:
    def hand_over(
        block: EffectBlock, original: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        block.refuse_if(lambda: None if is_harmless() else sentence)
        with suspended():
            return original(*args, **kwargs)

    return hand_over
