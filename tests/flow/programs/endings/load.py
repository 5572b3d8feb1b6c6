"""Works as fast as it can, in four threads; from the first execution on, or once it is warm."""

import sys
import threading

import exectrail

exectrail.instrument()


def work(name: str) -> None:
    while True:
        with exectrail.workflow(name) as run:
            for n in range(5):
                with exectrail.step("s"):
                    exectrail.progress(n / 5)
                    exectrail.usage("acme", "acme-1", input_tokens=1, output_tokens=1)
            run.set_variable("n", n)


if sys.argv[1] == "warm":
    with exectrail.workflow("warm"):
        exectrail.usage("openai", "gpt-4o", input_tokens=1, output_tokens=1)
    exectrail.flush()
for _ in range(3):
    threading.Thread(target=work, args=("beside",), daemon=True).start()
print("ready", flush=True)
work("main")
