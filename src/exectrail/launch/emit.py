"""`exectrail emit`: a shell script, or an agent in another language, reports for itself."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from exectrail.conventions.names import Kind, Mode, Reason, UsageRole
from exectrail.launch.emitting import calls, words

if TYPE_CHECKING:
    from exectrail.execution import Execution

_EXPORT: Final = 'eval "$(exectrail emit start --name nightly --kind workflow --export)"'

HELP: Final = """\
Report an execution from a shell script, or from a program in any language. Each call is a
short process; nothing has to be running. `start` prints the id; later calls take it by --id,
or from EXECTRAIL_EXECUTION.

The execution depends on the process that --pid names, the caller by default: when that process
ends and has not ended the execution, it is shown as abandoned."""
EXAMPLES: Final = f"""\
examples:
  id=$(exectrail emit start --kind agent --name reviewer)
  exectrail emit progress 0.5 --message "half of the files" --id "$id"
  exectrail emit usage --model gpt-4o --input-tokens 900 --output-tokens 80 --id "$id"
  exectrail emit complete --id "$id"

  {_EXPORT}
  exectrail emit fail --message "no disk" --error-type OSError

exit code: 0, also where it could not be recorded (that is told on stderr, and 1 with --strict), so
that a script with `set -e` goes on; 2 for a wrong call."""


def register(subparsers: Any) -> None:
    """Add the command."""
    parser = _command(subparsers, "emit", "report an execution from a script", HELP, EXAMPLES)
    actions = parser.add_subparsers(title="what to tell", metavar="WHAT", required=True)
    _start(actions)
    for add in (_progress, _complete, _fail, _cancel, _pause, _resume, _state, _artifact, _usage):
        add(actions)


def _command(subparsers: Any, name: str, summary: str, text: str, examples: str) -> ArgumentParser:
    return subparsers.add_parser(
        name,
        help=summary,
        description=text,
        epilog=examples if examples.startswith("examples") else f"examples:\n{examples}",
        formatter_class=RawDescriptionHelpFormatter,
    )


def _common(parser: ArgumentParser) -> None:
    parser.add_argument("--strict", action="store_true", help="exit with 1 where it fails")
    parser.add_argument("--json", action="store_true", help="print what came of it, for programs")


def _later(
    actions: Any,
    name: str,
    summary: str,
    examples: str,
    report: Callable[[Namespace], Callable[[Execution], object]],
) -> ArgumentParser:
    """A call that tells of an execution that was started before."""
    parser = _command(actions, name, summary, f"{summary[0].upper()}{summary[1:]}.", examples)
    parser.add_argument("--id", default="", help="the execution; EXECTRAIL_EXECUTION if left out")
    _common(parser)
    parser.set_defaults(run=calls.report, report=report)
    return parser


# -- the calls -------------------------------------------------------------------------------------


def _start(actions: Any) -> None:
    parser = _command(
        actions,
        "start",
        "start an execution and print its id",
        "Start an execution and print its id.",
        "  id=$(exectrail emit start --kind agent --name reviewer --tag repo=shop)\n"
        '  step=$(exectrail emit start --kind step --name build --parent "$id")\n'
        "  exectrail emit start --name deploy --kind workflow --deadline 30m --pid $$\n"
        f"  {_EXPORT}",
    )
    add = parser.add_argument
    add("--name", required=True, help="low-cardinality name")
    add("--kind", default=Kind.TASK.value, choices=[kind.value for kind in Kind], help="task")
    add("--workflow", default="", help="name of the workflow that it belongs to")
    add("--id", default="", help="the id that it gets, a UUIDv7; a new one if left out")
    above = parser.add_mutually_exclusive_group()
    above.add_argument(
        "--parent",
        default="",
        metavar="ID",
        help="its parent; EXECTRAIL_EXECUTION, EXECTRAIL_PARENT or TRACEPARENT if left out",
    )
    above.add_argument("--root", action="store_true", help="no parent, whatever is set")
    add(
        "--pid",
        type=words.pid,
        metavar="PID",
        help="the process that it depends on, the caller if left out; 0 for none, then it counts "
        "as lost after --lease without a word",
    )
    add(
        "--lease",
        type=words.seconds,
        default=0.0,
        metavar="TIME",
        help="silence allowed: 45s; 1d at 0",
    )
    add("--state", default="running", type=words.status, help="created, queued or running")
    add("--reason", default="", help="why it starts")
    add("--deadline", type=words.deadline, metavar="WHEN", help="30m, 2h, or RFC 3339")
    add(
        "--tag",
        type=words.tag,
        action=words.Tags,
        default={},
        metavar="KEY=VALUE",
        help="may be repeated",
    )
    add("--attempt", type=words.count, default=1, metavar="N", help="1 for the first try")
    add("--iteration", type=words.count, default=0, metavar="N", help="its turn in a loop")
    add("--max-iterations", type=words.count, metavar="N", help="turns that are allowed")
    add("--mode", choices=[mode.value for mode in Mode], help="execution or simulation")
    add("--external-id", default="", metavar="ID", help="the id that others give it")
    add("--conversation-id", default="", metavar="ID", help="conversation that it belongs to")
    add("--agent-version", default="", metavar="VERSION", help="version of the agent")
    add("--tool-call-id", default="", metavar="ID", help="the model's id of a tool call")
    add("--target-type", default="", metavar="TYPE", help="what it works on, like pull_request")
    add("--target-id", default="", metavar="ID", help="which one")
    add("--trigger-source", default="", metavar="WORD", help="who started it, like cron")
    add("--trigger-key", default="", metavar="KEY", help="the trigger's own key")
    add("--trigger-status", default="", metavar="WORD", help="what the trigger's status was")
    add("--trigger-intent", default="", metavar="WORD", help="what it was meant for")
    add("--resumes", default="", metavar="KEY", help="it goes on where a pause with this key ended")
    add("--checkpoint-id", default="", metavar="ID", help="what it resumes from; evidence only")
    add("--export", action="store_true", help="print shell commands that set it for what follows")
    _common(parser)
    parser.set_defaults(run=calls.start)


def _progress(actions: Any) -> None:
    parser = _later(
        actions,
        "progress",
        "tell how far it is",
        '  exectrail emit progress 0.5 --id "$id"\n'
        '  exectrail emit progress --completed 3 --planned 7 --message "linting" --id "$id"',
        lambda a: (
            lambda execution: execution.progress(
                a.fraction, a.message, completed=a.completed, planned=a.planned
            )
        ),
    )
    parser.add_argument("fraction", nargs="?", type=words.fraction, help="from 0 to 1, or 50%%")
    parser.add_argument("--message", default="", help="what it does")
    parser.add_argument("--completed", type=words.count, metavar="K", help="steps done")
    parser.add_argument("--planned", type=words.count, metavar="N", help="steps planned")


def _complete(actions: Any) -> None:
    _later(
        actions,
        "complete",
        "it ended well",
        '  exectrail emit complete --id "$id"',
        lambda a: lambda execution: execution.complete(),
    )


def _fail(actions: Any) -> None:
    parser = _later(
        actions,
        "fail",
        "it ended badly",
        '  exectrail emit fail --message "tests failed" --error-type TestFailure --id "$id"\n'
        '  exectrail emit fail --reason timeout --id "$id"',
        lambda a: lambda execution: execution.fail(_error(a), a.reason),
    )
    parser.add_argument("--message", default="", help="what went wrong; secrets are taken out")
    parser.add_argument("--error-type", default="", metavar="TYPE", help="low-cardinality")
    parser.add_argument("--reason", default=Reason.ERROR.value, help="error if left out")


def _cancel(actions: Any) -> None:
    parser = _later(
        actions,
        "cancel",
        "it was ended",
        '  exectrail emit cancel --reason user_request --id "$id"',
        lambda a: lambda execution: execution.cancel(a.reason),
    )
    parser.add_argument("--reason", default=Reason.USER_REQUEST.value, help="user_request")


def _pause(actions: Any) -> None:
    parser = _later(
        actions,
        "pause",
        "it waits on purpose",
        '  exectrail emit pause --reason human_input --id "$id"\n'
        '  exectrail emit pause --key shop/review/42 --id "$id"    # go on: start --resumes',
        lambda a: (
            lambda execution: (
                execution.suspend(a.key, a.reason, checkpoint_id=a.checkpoint_id)
                if a.key
                else execution.pause(a.reason)
            )
        ),
    )
    parser.add_argument("--reason", default=Reason.HUMAN_INPUT.value, help="human_input")
    parser.add_argument("--key", default="", help="it is saved, and any process may resume this")
    parser.add_argument("--checkpoint-id", default="", metavar="ID", help="what it was saved as")


def _resume(actions: Any) -> None:
    parser = _later(
        actions,
        "resume",
        "it works again",
        '  exectrail emit resume --id "$id"',
        lambda a: lambda execution: execution.run(a.reason),
    )
    parser.add_argument("--reason", default="", help="why")


def _state(actions: Any) -> None:
    parser = _later(
        actions,
        "state",
        "change its state by a word",
        '  exectrail emit state blocked --reason rate_limit --id "$id"\n'
        '  exectrail emit state in_progress --id "$id"    # words of other systems, too',
        lambda a: lambda execution: execution.status(a.word, a.reason),
    )
    parser.add_argument("word", type=words.status, help="a state, or what another system calls it")
    parser.add_argument("--reason", default="", help="why")


def _artifact(actions: Any) -> None:
    parser = _later(
        actions,
        "artifact",
        "tell of a file or link that it made",
        '  exectrail emit artifact report.html --url file:///srv/report.html --id "$id"\n'
        '  exectrail emit artifact "PR 42" --action linked --url https://example.org/42 --id "$id"',
        lambda a: (
            lambda execution: execution.add_artifact(
                a.name, a.url, action=a.action, media_type=a.media_type, size=a.size
            )
        ),
    )
    parser.add_argument("name", help="file name or title")
    parser.add_argument("--url", default="", help="path or address; credentials are taken out")
    parser.add_argument(
        "--action", default="created", choices=("created", "changed", "deleted", "linked")
    )
    parser.add_argument("--media-type", default="", metavar="TYPE", help="IANA media type")
    parser.add_argument("--size", type=words.count, metavar="BYTES", help="of the file")


def _usage(actions: Any) -> None:
    parser = _later(
        actions,
        "usage",
        "tell what one model call took",
        "  exectrail emit usage --provider anthropic --model claude-sonnet-4-5 \\\n"
        '      --input-tokens 1200 --cache-read-tokens 800 --output-tokens 90 --id "$id"\n'
        '  exectrail emit usage --model acme-large --cost 0.0125 --duration 4s --id "$id"',
        lambda a: lambda execution: _use(execution, a),
    )
    add = parser.add_argument
    add("--model", required=True, help="the model that answered")
    add("--provider", default="", help="openai, anthropic, ...")
    add("--input-tokens", type=words.count, metavar="N", help="input, the cache included")
    add("--output-tokens", type=words.count, metavar="N", help="output, reasoning included")
    add("--cache-read-tokens", type=words.count, metavar="N", help="part of input from the cache")
    add(
        "--cache-write-tokens",
        type=words.count,
        metavar="N",
        help="part of input put into the cache",
    )
    add(
        "--reasoning-tokens",
        type=words.count,
        metavar="N",
        help="part of output that was reasoning",
    )
    add("--cost", type=words.amount, metavar="AMOUNT", help="what the provider says that it cost")
    add("--currency", default="USD", help="of --cost; USD")
    add("--operation", default="chat", help="chat, embeddings, ...; chat")
    add(
        "--duration", type=words.seconds, default=0.0, metavar="TIME", help="how long it took: 1.5s"
    )
    add("--response-id", default="", metavar="ID", help="the provider's id of the answer")
    add(
        "--role",
        default=UsageRole.BILLING.value,
        choices=[role.value for role in UsageRole],
        help="billing, unless it repeats what is told elsewhere",
    )


def _use(execution: Execution, a: Namespace) -> None:
    from exectrail.execution import ProviderCost, Usage

    began = execution.engine.now_ns() - int(a.duration * 1e9)
    call = execution.model_call(a.provider, a.model, operation=a.operation, started_ns=began)
    usage = Usage(
        a.input_tokens,
        a.output_tokens,
        a.cache_read_tokens,
        a.cache_write_tokens,
        a.reasoning_tokens,
    )
    cost = None if a.cost is None else ProviderCost(a.cost, a.currency)
    call.end(
        usage,
        response_model=a.model,
        response_id=a.response_id,
        role=UsageRole(a.role),
        cost=cost,
    )


def _error(a: Namespace) -> BaseException | str | None:
    if not a.error_type:
        return a.message or None
    # An execution takes exceptions: one whose type has that name, and no module.
    return type(a.error_type, (Exception,), {"__module__": "builtins"})(a.message)
