"""The process's one set of executions, and what they report to.

Wires the write half together: configuration -> pipeline (export) -> recorder (signals) ->
executions. Adapters and the API ask here for `executions()`; nothing else of it is theirs.

`arm` is cheap and says that exectrail is wanted; the OpenTelemetry SDK is loaded when the first
execution starts. A forked child begins anew: its parent's executions are not its to write.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from exectrail import endings
from exectrail.config import Config, load
from exectrail.execution import Executions, Meter, NullMeter, NullRecorder
from exectrail.execution.ids import uuid7
from exectrail.guard import guard, logger, reset
from exectrail.loading import FORK_WAIT, LOADING

if TYPE_CHECKING:
    from exectrail.export import Pipeline
    from exectrail.pricing import PriceTable
    from exectrail.signals import Worker

_FLUSH: Final = guard("runtime.flush")
EXIT_WAIT: Final = 1.0
"""Seconds the program waits at its end for what is still to be sent, where that meets trouble."""
SLOW_WAIT: Final = 8.0
"""Seconds it waits at most where nothing refuses or fails and what is not sent would be lost."""
SPOOLED_WAIT: Final = 2.0
"""The same where it waits in the spool for the next one to ship it."""
REFUSED_WAIT: Final = 0.3
"""And where the receiver fails or refuses besides."""


class _State:
    """What is set up in this process."""

    def __init__(self) -> None:
        self.engine = Executions()
        self.config: Config | None = None
        self.options: Mapping[str, Any] | None = None
        self.pipeline: Pipeline | None = None
        self.worker: Worker | None = None
        self.drain: Callable[[], None] = _nothing
        self.look: Callable[[bool], None] = _look_nowhere
        self.project = ""
        self.armed = False
        self.setting_up = False
        self.unwatched = False
        """SIGTERM is to be watched by the next execution that the main thread starts."""


def _nothing() -> None:
    return None


def _look_nowhere(_last: bool) -> None:
    return None


_lock = threading.RLock()
_forking = threading.local()
_state = _State()
_registered = False


def arm(config: Config | None = None, *, providers: Mapping[str, Any] | None = None) -> bool:
    """Say that exectrail is wanted. Set-up itself waits for the first execution.

    Args:
        config: Settings; read from the environment if left out.
        providers: The user's `tracer_provider`, `logger_provider`, `meter_provider` to use; the
            global one for each that is left out. Our own providers if None.

    Returns:
        Whether it is on: False where it is disabled.
    """
    settings = config or load()
    if settings.disabled:
        return False
    with _lock:
        # Providers that were asked for win over our own, as long as nothing was reported.
        if _state.pipeline is None and (providers is not None or not _state.armed):
            _state.armed = True
            _state.config = settings
            _state.options = providers
        _at_exit()
    _watch_sigterm()
    return True


def executions() -> Executions:
    """The executions of this process; they record nothing unless exectrail is armed."""
    if _state.armed and _state.pipeline is None:
        with _lock, guard("runtime.set_up"):  # other threads wait here and are not lost
            _set_up()
    endings.renew_watch()
    if _state.unwatched and threading.current_thread() is threading.main_thread():
        _state.unwatched = False
        _watch_sigterm()
    return _state.engine


def project() -> str:
    """The project, `service.namespace` of the resource; part of a durable key."""
    executions()
    return _state.project


def flush() -> None:
    """Hand over what is waiting to be sent."""
    state = _state
    if state.pipeline is not None:
        with _FLUSH:
            state.drain()
        with _FLUSH:
            state.pipeline.flush()


def shutdown(wait: float = EXIT_WAIT) -> None:
    """End: tell that the worker exited, and hand over what is waiting.

    Args:
        wait: Seconds to wait for that where the receiver fails or refuses; what is left stays in
            the spool. One that is only slow is given up to `SPOOLED_WAIT`, or `SLOW_WAIT` where
            there is no spool and what is left is lost.
    """
    most = SPOOLED_WAIT if _durable() else SLOW_WAIT
    endings.unwatch_sigterm()
    _end(wait, most, endings.ended_by())
    endings.stay_interrupted()


def _end(wait: float, most: float, signal: str) -> None:
    """Tell that the worker exited, and hand over what is waiting.

    Args:
        wait: Seconds to wait where the receiver fails or refuses.
        most: Seconds to wait where it is only slow.
        signal: Name of the signal that ends the process, if one does.
    """
    global _state
    with _lock:
        ended, _state = _state, _State()
    with guard("runtime.measure"):
        ended.look(True)
    ended.engine.recorder, ended.engine.meter = NullRecorder(), NullMeter()
    if ended.worker is None or ended.pipeline is None:
        return
    with guard("runtime.shutdown"):
        started = time.monotonic()
        if ended.pipeline.durable():
            wait = min(wait, REFUSED_WAIT)
        done = ended.worker.stop(0.0 if ended.pipeline.troubled() else wait, signal)
        while ended.worker.alive and time.monotonic() - started < most:
            if ended.pipeline.troubled() and time.monotonic() - started > wait:
                break
            done = ended.worker.stop(0.02)
        if not done:
            ended.pipeline.abort()
            ended.worker.stop(wait / 3)


def _durable() -> bool:
    """Whether what is not sent yet outlives this process."""
    return _state.pipeline is not None and _state.pipeline.durable()


def install(engine: Executions, project: str = "") -> Callable[[], None]:
    """Put other executions in place of this process's, for tests.

    Returns:
        A function that puts the former ones back.
    """
    global _state
    former, _state = _state, _State()
    _state.engine, _state.project = engine, project

    def restore() -> None:
        global _state
        _state = former

    return restore


def _set_up() -> None:
    if _state.pipeline is not None or not _state.armed or _state.setting_up:
        return
    _state.setting_up = True
    try:
        _set_up_once()
    finally:
        _state.armed = _state.setting_up = False  # whatever failed fails once


def _set_up_once() -> None:
    from exectrail import export, signals
    from exectrail.signals.events import Events
    from exectrail.signals.metrics import Metrics
    from exectrail.signals.recorder import OTelRecorder, TextRules

    config = _state.config or load()
    engine = Executions(capture_content=config.capture_content)
    worker_id = uuid7(engine.now_ns())
    if _state.options is None:
        resource = export.worker_resource(worker_id, config.lease)
        pipeline = export.from_environment(resource, version())
    else:
        about = export.worker_attributes(worker_id, config.lease)
        pipeline = export.from_providers(_state.options, about, version())
    events = Events(pipeline.records, pipeline.always)
    metrics = Metrics(pipeline.meter)
    prices = _prices(config)
    engine.recorder = OTelRecorder(
        pipeline.spans,
        events,
        metrics,
        prices,
        TextRules(config.errors != "type", config.error_limit),
    )

    engine.meter, look = _meter(config)

    def warm() -> None:
        with LOADING:
            prices.warm()

    def farewell() -> None:
        with _FLUSH:
            metrics.drain()
        pipeline.close(SPOOLED_WAIT)

    _state.worker = signals.Worker(
        events,
        config.lease,
        engine.now_ns,
        lambda: engine.open_count,
        warm,
        farewell,
        lambda: look(False),
    )
    _state.look = look
    _state.drain = metrics.drain
    _state.project = pipeline.project
    _state.engine = engine
    _state.pipeline = pipeline  # last: other threads look at it without the lock
    _at_exit_of_child()
    _state.unwatched = threading.current_thread() is not threading.main_thread()
    _watch_sigterm()
    _state.worker.start()


def _at_exit() -> None:
    """See to it that what waits is handed over when the process ends.

    As early as can be: functions that the program registers from now on run before ours.
    """
    global _registered
    if _registered:
        return
    _registered = True
    # Connections are closed by finalizers, which run at exit too. That is registered with the first
    # one there is: now, so that ours comes after it and runs before it.
    weakref.finalize(_State(), _nothing)
    atexit.register(_exiting)


def _exiting() -> None:
    """The process ends. What the program has registered before us may still start executions.

    Their events are written at once, to a spool of their own that somebody else ships.
    """
    former = _state
    shutdown()
    if former.pipeline is not None:
        arm(former.config, providers=former.options)


def _at_exit_of_child() -> None:
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None and processes.parent_process() is not None:
        # A forked worker of multiprocessing ends without atexit, but with its own finalizers.
        from multiprocessing.util import Finalize

        Finalize(None, shutdown, exitpriority=0)


def _watch_sigterm() -> None:
    with guard("runtime.sigterm"):
        endings.watch_sigterm(_sigterm_came, (flush.__code__, _end.__code__))


def _sigterm_came() -> None:
    endings.cancel_open(_state.engine)
    _end(endings.HAND_OVER_S, endings.HAND_OVER_S, "SIGTERM")


def _meter(config: Config) -> tuple[Meter, Callable[[bool], None]]:
    """What measures executions, and its beat."""
    if config.resources != "off":
        with guard("runtime.meter"):
            from exectrail.resources.meter import ProcessMeter

            meter = ProcessMeter(everything=config.resources == "all")
            return meter, meter.beat
    return NullMeter(), _look_nowhere


def _prices(config: Config) -> PriceTable:
    from exectrail.pricing import PriceFileError, PriceTable

    try:
        return PriceTable(Path(config.prices) if config.prices else None)
    except PriceFileError as error:
        logger.warning("exectrail: %s; prices of genai-prices alone", error)
        return PriceTable()


def version() -> str:
    """The version of exectrail."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as of

    try:
        return of("exectrail")
    except PackageNotFoundError:  # on the path without being installed
        return "0"


def _before_fork() -> None:
    """Let our loading of modules end: a child that began amid it would wait for it for ever."""
    _forking.held = _lock.acquire(timeout=FORK_WAIT)
    _forking.deferred = endings.hold_sigterm()


def _after_fork_in_parent() -> None:
    if _forking.deferred:
        endings.release_sigterm()
    if _forking.held:
        _lock.release()


def _after_fork_in_child() -> None:
    """The parent's executions are not ours to write; set up anew when the first one starts."""
    global _state, _lock
    former = _state
    _lock = threading.RLock()
    _state = _State()
    _state.armed = former.armed or former.pipeline is not None
    _state.config, _state.options = former.config, former.options
    former.engine.recorder, former.engine.meter = NullRecorder(), NullMeter()
    former.engine.lock = threading.RLock()
    former.engine.left_behind = True
    endings.unwatch_in_child()
    if _forking.deferred:
        endings.release_sigterm()
    reset()
    if former.pipeline is not None and former.pipeline.spool is not None:
        former.pipeline.spool.close_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
