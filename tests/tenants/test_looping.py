"""Code without an event loop has one to lend."""

import asyncio
import os
import signal
import threading

import pytest

from tenants.looping import run_in_loop


async def the_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_all_calls_share_one_loop_whatever_thread_they_come_from():
    loops = [run_in_loop(the_loop())]
    thread = threading.Thread(target=lambda: loops.append(run_in_loop(the_loop())))
    thread.start()
    thread.join()
    assert loops[0] is loops[1]


def test_what_the_work_raises_comes_out():
    async def fail() -> None:
        raise LookupError("nobody")

    with pytest.raises(LookupError, match="nobody"):
        run_in_loop(fail())


def test_who_stops_waiting_stops_the_work():
    ended = threading.Event()

    async def last() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    def interrupt(*_args: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGUSR1, interrupt)
    threading.Timer(0.05, signal.pthread_kill, [threading.get_ident(), signal.SIGUSR1]).start()
    try:
        with pytest.raises(TimeoutError):
            run_in_loop(last())
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert ended.wait(5)


def test_a_forked_worker_has_a_loop_of_its_own():
    run_in_loop(the_loop())
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            run_in_loop(asyncio.sleep(0))
            os.write(writing, b"ran")
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        assert said.read() == b"ran"
    os.waitpid(child, 0)
