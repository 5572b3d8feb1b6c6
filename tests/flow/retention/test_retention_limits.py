"""`exectrail retention` on the real engine: what is kept, and for how long from now on."""

from __future__ import annotations

import pytest

from exectrail.retention.purposes import PURPOSES
from exectrail.storage.client import Client
from exectrail.storage.retention import restore
from exectrail.storage.runner import Runner
from exectrail.storage.tables import Tables

from .conftest import Call
from .programs import Program, days_ago, deliver, work

pytestmark = pytest.mark.slow


def _days(store: Client) -> dict[str, int | None]:
    return {table.name: table.days for table in Tables(store).all()}


def test_show_tells_rows_size_and_limit_of_every_table(
    store: Client, call: Call, monkeypatch: pytest.MonkeyPatch
):
    old = Program(days_ago(300))
    work(old, "old")
    deliver(store, old)

    told = call("retention", "show", "--json").document
    by_name = {table["name"]: table for table in told["tables"]}

    assert by_name.keys() <= PURPOSES.keys()
    assert told["warnings"] == []
    usage = by_name["usage"]
    assert (usage["rows"], usage["days"], usage["default_days"], usage["set"]) == (
        2,
        400,
        400,
        False,
    )
    assert usage["bytes"] > 0
    assert usage["oldest"][:10] == usage["newest"][:10] == f"{days_ago(300):%Y-%m-%d}"
    assert (by_name["judge_settings"]["days"], by_name["judge_settings"]["oldest"]) == (None, None)
    # Of these only some rows go.
    assert (by_name["open_known"]["days"], by_name["open_known"]["default_days"]) == (7, 7)
    monkeypatch.setenv("COLUMNS", "100")
    text = call("retention", "show")
    assert text.code == 0
    lines = {line.split()[0]: line for line in text.out.splitlines()}
    assert {"OLDEST", "NEWEST", "KEPT"} <= set(lines["TABLE"].split())
    assert lines["usage"].count(f"{days_ago(300):%Y-%m-%d}") == 2
    assert lines["open_known"].endswith("7 d")
    assert all(len(line) <= 100 for line in text.out.splitlines())
    assert "executions_state" in text.out


def test_set_only_tells_until_it_is_confirmed(store: Client, call: Call):
    old = Program(days_ago(300))
    work(old, "old")
    deliver(store, old)
    before = _days(store)

    dry = call("retention", "set", "usage=200d", "spans=3y", "--json").document

    assert dry["done"] is False
    assert [(c["table"], c["days"], c["new_days"], c["older_rows"]) for c in dry["changes"]] == [
        ("usage", 400, 200, 2),
        ("spans", 90, 1095, 0),
    ]
    assert dry["warnings"] == [
        "usage is kept for 200 d, executions_state for 400 d: older runs would show no tokens and"
        " no cost",
        "executions_state is kept for 400 d, spans for 3 y: no run leads to the oldest rows of"
        " spans",
    ]
    assert _days(store) == before

    done = call("retention", "set", "usage=200d", "--yes")
    assert "Done. 2 rows that are older go" in done.out
    store.command("OPTIMIZE TABLE usage FINAL")
    assert Tables(store).count("usage") == 0
    assert Tables(store).count("transitions") > 0


def test_a_limit_for_all_leaves_the_books_alone(store: Client, call: Call):
    before = _days(store)

    told = call("retention", "set", "--all", "2y", "usage=forever", "--yes", "--json").document

    after = _days(store)
    assert after["usage"] is None
    assert {name for name, days in after.items() if days == 730} == {
        change["table"] for change in told["changes"]
    } - {"usage"}
    for books in ("exectrail_migrations", "canary", "baselines", "erasures", "retention_settings"):
        assert after[books] == before[books]


def test_an_upgrade_keeps_what_was_set(store: Client, call: Call):
    assert call("retention", "set", "usage=5y", "spans=forever", "--yes").code == 0
    # What a migration would do that makes a table anew.
    store.command("DROP TABLE spans SYNC")
    store.command("ALTER TABLE usage MODIFY TTL toDateTime(received) + toIntervalDay(400)")
    store.command("ALTER TABLE exectrail_migrations DELETE WHERE name = 'spans'")
    store.command("OPTIMIZE TABLE exectrail_migrations FINAL")

    applied = Runner(store).apply()

    assert [migration.name for migration in applied] == ["spans"]
    assert (_days(store)["usage"], _days(store)["spans"]) == (1825, None)
    assert restore(store) == []


def test_what_is_not_to_be_set_is_refused_with_the_reason(store: Client, call: Call):
    for words, reason in (
        (("nonsense=5d",), "there is no table 'nonsense'"),
        (("erasures=5d",), "erasures holds settings and books"),
    ):
        told = call("retention", "set", *words, "--yes")
        assert (told.code, reason in told.err) == (1, True), told
    for words, reason in (
        ((), "name a table and its limit"),
        (("usage=5y", "spans=1y", "usage=3y"), "usage: named twice"),
    ):
        told = call("retention", "set", *words, "--yes")
        assert (told.code, reason in told.err) == (2, True), told
    assert call("retention", "set", "usage=5m").code == 2
    assert call("retention", "set", "usage").code == 2
    assert call("retention", "set", "--all", "0").code == 2
