"""The tools for tests: the harness, the plugin and the sink."""

from __future__ import annotations

import gzip
import http.client
import threading
import urllib.error
import urllib.request
import zlib
from urllib.parse import urlsplit

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk.trace import TracerProvider

import exectrail
from exectrail import runtime
from exectrail.execution import Usage
from exectrail.testing.harness import Harness, Spread, short
from exectrail.testing.sink import Answer, Sink

pytest_plugins = ["pytester"]


def test_harness_stands_in_for_the_process_while_it_is_open() -> None:
    before = runtime.executions()
    harness = Harness(project="shop")
    with exectrail.workflow("before"), harness:
        assert runtime.executions() is harness.executions
        assert runtime.project() == "shop"
        with exectrail.workflow("w"):
            pass
    assert runtime.executions() is before
    harness.close()  # a second time is nothing
    with exectrail.workflow("after"):
        pass
    assert harness.tree() == "workflow w completed"


def test_two_runs_show_the_same() -> None:
    def shown() -> tuple[object, ...]:
        with Harness() as harness, exectrail.workflow("w"), exectrail.agent("a") as run:
            run.progress(0.5)
            run.model_call("openai", "gpt-4o").end(Usage(3, 4))
        ids = [told["id"] for told in harness.events(varying=True)]
        times = [(s.start_time, s.end_time) for s in harness.spans()]
        return harness.tree(), harness.events(), ids, times, harness.metrics()["active"]

    assert shown() == shown()


def test_events_are_chosen_by_name_and_shown_without_what_varies() -> None:
    with Harness() as harness, exectrail.step("s") as step:
        step.progress(0.5)
        step.set_variable("v", 1)
    assert [e["event"] for e in harness.events("progress", "variable_set")] == [
        "progress",
        "variable_set",
    ]
    [told] = harness.events("variable_set")
    assert told == {
        "event": "variable_set",
        "kind": "step",
        "name": "s",
        "attempt": 1,
        "sequence": 3,
        "variable.name": "v",
        "variable.type": "int",
    }
    [whole] = harness.events("variable_set", varying=True)
    assert whole["variable.hash"]
    assert whole["id"] == step.id


def test_tree_shows_foreign_spans_and_orphans() -> None:
    with Harness(user_providers=True) as harness:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(harness._spans)
        foreign = provider.get_tracer("foreign")
        with exectrail.step("s"), foreign.start_as_current_span("http") as span:
            span.set_status(trace.StatusCode.ERROR, "503")
        with foreign.start_as_current_span("open"):
            with exectrail.step("beneath an open one"):
                pass
            assert harness.tree().endswith("\nstep beneath an open one completed")
    assert harness.tree() == (
        "step s completed\n  span http ERROR 503\nspan open\n  step beneath an open one completed"
    )


def test_metrics_are_numbers_and_spreads() -> None:
    with Harness() as harness, exectrail.step("s"):
        pass
    found = harness.metrics()
    assert found["transitions"]["kind=step state=running"] == 1
    spread = found["duration"]["kind=step name=s state=completed"]
    assert spread == Spread(1, 0.002, {0.01: 1})


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("exectrail.execution.state", "state"),
        ("exectrail.worker.id", "worker.id"),
        ("gen_ai.usage.input_tokens", "usage.input_tokens"),
        ("error.type", "error.type"),
    ],
)
def test_short_names(name: str, shown: str) -> None:
    assert short(name) == shown


def test_fixture_is_opted_into_by_name(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makeconftest('pytest_plugins = ["exectrail.testing.plugin"]')
    pytester.makepyfile(
        """
        import exectrail

        def test_program(exectrail_harness):
            with exectrail.workflow("w"):
                pass
            assert exectrail_harness.tree() == "workflow w completed"

        def test_next_one_begins_anew(exectrail_harness):
            assert exectrail_harness.events() == []
        """
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
    pytester.makeconftest("")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(errors=2)


# -- the sink -------------------------------------------------------------------------------------


def one_event(name: str) -> bytes:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    pair = group.resource.attributes.add(key="service.name")
    pair.value.string_value = "shop"
    record = group.scope_logs.add().log_records.add(event_name=name)
    record.attributes.add(key="count").value.int_value = 3
    many = record.attributes.add(key="many").value.array_value
    many.values.add().bool_value = True
    record.attributes.add(key="map").value.kvlist_value.values.add(key="k").value.double_value = 0.5
    record.attributes.add(key="empty")
    return request.SerializeToString()


def post(url: str, body: bytes, encoding: str = "") -> int:
    headers = {"Content-Encoding": encoding} if encoding else {}
    request = urllib.request.Request(url, body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def test_sink_keeps_what_it_is_sent() -> None:
    with Sink() as sink:
        url = f"{sink.url}/v1/logs"
        assert post(url, one_event("plain")) == 200
        assert post(url, gzip.compress(one_event("gzip")), "gzip") == 200
        assert post(url, zlib.compress(one_event("deflate")), "deflate") == 200
        assert post(f"{sink.url}/elsewhere", b"anything") == 200
    assert [log.name for log in sink.logs] == ["plain", "gzip", "deflate"]
    assert sink.logs[0].resource == {"service.name": "shop"}
    assert sink.logs[0].attributes == {
        "count": 3,
        "many": [True],
        "map": {"k": 0.5},
        "empty": None,
    }
    assert sink.requests == 4


def test_sink_refuses_what_is_no_otlp() -> None:
    with Sink() as sink:
        assert post(f"{sink.url}/v1/logs", b"\xff\xff no protobuf") == 400
        assert post(f"{sink.url}/v1/logs", b"no gzip", "gzip") == 400
    assert (sink.logs, sink.requests) == ([], 2)


def test_sink_can_fail_in_many_ways() -> None:
    with Sink() as sink:
        url = f"{sink.url}/v1/logs"
        sink.answer = Answer.UNAVAILABLE
        assert post(url, one_event("e")) == 503
        sink.answer = Answer.BAD_REQUEST
        assert post(url, one_event("e")) == 400
        for answer in (Answer.GARBAGE, Answer.DROP):
            sink.answer = answer
            with pytest.raises((http.client.HTTPException, OSError)):
                post(url, one_event("e"))
        sink.answer = Answer.HANG
        seen: list[BaseException] = []

        def ask() -> None:
            try:
                post(url, one_event("e"))
            except (http.client.HTTPException, OSError) as error:
                seen.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        sink.wait_for(lambda: sink.requests == 5)
        assert asking.is_alive()
    asking.join(10)
    assert len(seen) == 1
    assert sink.logs == []
    assert urlsplit(sink.url).hostname == "127.0.0.1"
    with pytest.raises(urllib.error.URLError):  # closed, it refuses
        post(url, one_event("e"))


def test_waiting_for_what_never_comes_says_what_came() -> None:
    with Sink() as sink:
        post(f"{sink.url}/v1/logs", one_event("this one"))
        sink.wait_for(lambda: len(sink.logs) == 1)
        with pytest.raises(TimeoutError, match=r"1 requests came .* events \['this one'\]"):
            sink.wait_for(lambda: len(sink.logs) == 2, timeout=0.01)
