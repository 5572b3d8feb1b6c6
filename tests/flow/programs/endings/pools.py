"""Works in other processes, or threads, in the way that its arguments say."""

import concurrent.futures
import multiprocessing
import os
import sys
import time

import exectrail

if __name__ != "__main__":
    exectrail.instrument()


def square(n: int) -> int:
    with exectrail.step("squares"):
        return n * n


def exits(_n: int) -> None:
    with exectrail.step("exits"):
        sys.exit(3)


def fails(_n: int) -> None:
    with exectrail.step("fails"):
        raise ValueError("no")


def stays(begun: object) -> None:
    with exectrail.step("stays"):
        begun.set()  # type: ignore[attr-defined]
        time.sleep(100)


def main(how: str, method: str) -> None:
    context = multiprocessing.get_context(method)
    if how == "process":
        process = context.Process(target=square, args=(3,))
        process.start()
        process.join()
        print(process.exitcode)
    elif how == "process exits":
        process = context.Process(target=exits, args=(3,))
        process.start()
        process.join()
        print(process.exitcode)
    elif how == "process ended":
        begun = context.Event()
        process = context.Process(target=stays, args=(begun,))
        process.start()
        begun.wait()
        process.terminate()
        process.join()
        print(process.exitcode)
    elif how == "pool":
        with context.Pool(1) as pool:
            print(pool.map(square, range(3)))
    elif how == "pool closed":
        pool = context.Pool(1)
        print(pool.map(square, range(3)))
        pool.close()
        pool.join()
    elif how == "executor":
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            print(list(pool.map(square, range(3))))
            print(type(pool.submit(fails, 1).exception()))
    elif how == "executor breaks":
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            print(type(pool.submit(os._exit, 1).exception()))
    elif how == "threads":
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            print(list(pool.map(square, range(3))))
            print(type(pool.submit(exits, 1).exception()))


if __name__ == "__main__":
    exectrail.instrument()
    with exectrail.workflow("w"):
        main(sys.argv[1], sys.argv[2])
