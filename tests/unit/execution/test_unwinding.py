"""Which exceptions a signal is behind."""

from __future__ import annotations

import asyncio
import signal

import pytest

from exectrail.execution.unwinding import by_signal


@pytest.mark.parametrize(
    ("error", "signalled"),
    [
        (KeyboardInterrupt(), True),
        (SystemExit(128 + signal.SIGTERM), True),
        (SystemExit(128 + signal.SIGINT), True),
        (SystemExit(0), False),
        (SystemExit(3), False),
        (SystemExit(None), False),
        (SystemExit("143"), False),
        (SystemExit([143]), False),
        (asyncio.CancelledError(), False),
        (GeneratorExit(), False),
        (ValueError(), False),
    ],
)
def test_by_the_exception_alone(error: BaseException, signalled: bool) -> None:
    assert by_signal(error) is signalled


def run(interrupt: bool) -> list[tuple[str, bool]]:
    """Cancel a main task with another beside it, as Ctrl-C does or as a program does."""
    seen: list[tuple[str, bool]] = []

    async def stay(name: str) -> None:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError as error:
            seen.append((name, by_signal(error)))
            raise

    async def main() -> None:
        beside = asyncio.create_task(stay("beside"))
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        if interrupt:
            signal.raise_signal(signal.SIGINT)
        else:
            task.cancel()
        await stay("main")
        await beside

    with pytest.raises(KeyboardInterrupt if interrupt else asyncio.CancelledError):
        asyncio.run(main())
    return seen


def test_ctrl_c_is_behind_what_asyncio_cancels_because_of_it() -> None:
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert run(interrupt=True) == [("main", True), ("beside", True)]
        assert run(interrupt=False) == [("main", False), ("beside", False)]
    finally:
        signal.signal(signal.SIGINT, former)
