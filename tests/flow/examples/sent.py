"""What an example sends, as text: its spans as a tree, and what each execution told."""

from __future__ import annotations

from collections import defaultdict

from exectrail.conventions import names
from exectrail.testing.sink import SentSpan, Sink

from .running import EXAMPLES, environment, kill_in_second_step, run


def span_tree(spans: list[SentSpan]) -> str:
    """Spans by their parents, in order of start; a parent that never came is named so."""
    ids = {sent.span.span_id for sent in spans}
    children: defaultdict[bytes, list[SentSpan]] = defaultdict(list)
    for sent in sorted(spans, key=lambda one: one.span.start_time_unix_nano):
        parent = sent.span.parent_span_id
        children[parent if parent in ids else b"lost" if parent else b""].append(sent)
    lines: list[str] = []

    def write(sent: SentSpan, depth: int) -> None:
        a = sent.attributes
        words = [sent.name, str(a.get(names.EXECUTION_STATE, ""))]
        words += [f"({a[names.EXECUTION_REASON]})" for _ in [0] if names.EXECUTION_REASON in a]
        words += [
            f"{label}={a[name]}"
            for label, name in (
                ("in", names.GEN_AI_USAGE_INPUT_TOKENS),
                ("out", names.GEN_AI_USAGE_OUTPUT_TOKENS),
                ("cost", names.COST_AMOUNT),
            )
            if name in a
        ]
        words += ["ERROR"] if sent.span.status.code == 2 else []
        lines.append("  " * depth + " ".join(word for word in words if word))
        for child in children[sent.span.span_id]:
            write(child, depth + 1)

    for root in children[b""]:
        write(root, 0)
    for orphan in children[b"lost"]:
        lines.append("(parent not sent)")
        write(orphan, 1)
    return "\n".join(lines)


def events(sink: Sink) -> list[str]:
    """What each execution told, in its own order: `name: event state(reason) ...`.

    Resources are left out: a long run tells them by the clock, too.
    """
    told: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    first: dict[str, tuple[int, str]] = {}
    for log in sink.logs:
        a = log.attributes
        if names.EXECUTION_ID not in a:
            continue
        key = a[names.EXECUTION_ID]
        word = log.name.removeprefix("exectrail.")
        if names.EXECUTION_STATE in a:
            word = a[names.EXECUTION_STATE]
            if names.EXECUTION_PREVIOUS_STATE in a:
                word = f"{a[names.EXECUTION_PREVIOUS_STATE]}>{word}"
            if names.EXECUTION_REASON in a:
                word += f"({a[names.EXECUTION_REASON]})"
        told[key].append((a[names.EXECUTION_SEQUENCE], word))
        at = (log.record.time_unix_nano, f"{a[names.EXECUTION_KIND]} {a[names.EXECUTION_NAME]}")
        first[key] = min(first.get(key, at), at)
    lines: list[str] = []
    for key in sorted(told, key=lambda one: first[one]):
        steps = sorted(told[key])
        assert [number for number, _ in steps] == list(range(1, len(steps) + 1)), steps
        words = [word for _, word in steps if word != "execution.resource_usage"]
        lines.append(f"{first[key][1]}: {' '.join(words)}")
    return lines


def sent_by(*words: str, until: str = "") -> tuple[str, list[str]]:
    """Span tree and events of an example, as they reach a receiver."""
    with Sink() as sink:
        variables = environment(sink.url, "sent")
        if until:
            kill_in_second_step(
                variables,
                lambda: any(log.attributes.get(names.EXECUTION_NAME) == until for log in sink.logs),
            )
        else:
            run(variables, EXAMPLES / words[0], *words[1:])
            sink.wait_for(lambda: any(log.name == names.EVENT_WORKER_EXITED for log in sink.logs))
        return span_tree(sink.spans), events(sink)
