"""What goes wrong is said in words that help, and never with a secret."""

from __future__ import annotations

import socket

import pytest

from exectrail.storage.client import StorageError, connect


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_where_nothing_answers_the_message_says_what_to_do() -> None:
    port = _closed_port()
    with pytest.raises(StorageError) as failure:
        connect(f"http://reader:s3cret-word@127.0.0.1:{port}", password="other-s3cret")
    message = str(failure.value)
    assert f"http://127.0.0.1:{port}" in message
    assert "exectrail up" in message
    assert "s3cret" not in message


def test_the_address_comes_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    port = _closed_port()
    monkeypatch.setenv("EXECTRAIL_CLICKHOUSE_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(StorageError, match=str(port)):
        connect()


@pytest.mark.parametrize(
    "url", ["localhost:8123", "ftp://host", "http://", "http://host:port", "clickhouse://h:9000"]
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(StorageError, match="http://host:8123"):
        connect(url)
