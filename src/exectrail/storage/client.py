"""A thin typed client over the ClickHouse HTTP interface, of a server or of the embedded stack."""

from __future__ import annotations

import io
import json
import logging
import ssl
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, cast
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client as Driver
from clickhouse_connect.driver.exceptions import ClickHouseError, Error
from clickhouse_connect.driver.query import QueryResult

from exectrail.config import load
from exectrail.storage import credentials

DEFAULT_DATABASE = "exectrail"

# ClickHouse error codes (src/Common/ErrorCodes.cpp) that a user can do something about.
_UNKNOWN_TABLE = 60
_UNKNOWN_DATABASE = 81
_READONLY = 164
_AUTHENTICATION = frozenset({192, 193, 194, 516})

# The driver logs what it raises; without a handler that would reach the terminal a second time.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())

Row = dict[str, Any]
_CHUNK = 1 << 16
T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class StorageError(Exception):
    """Something between us and the database failed; the message says what to do, never a secret."""


class AddressError(StorageError):
    """What should be the database's address is none; trying again will not help."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of a statement that somebody wrote by hand.

    Attributes:
        columns: Name and ClickHouse type of each column; a name may occur twice.
        rows: Values in the order of the columns; times are UTC and aware.
    """

    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Any]]


class Statement(Protocol[T_co]):
    """A question with its parameters and the way from a row to its type: `exectrail.queries`."""

    @property
    def name(self) -> str: ...

    @property
    def sql(self) -> str: ...

    @property
    def parameters(self) -> Mapping[str, object]: ...

    def row(self, values: Mapping[str, Any]) -> T_co: ...


class Client:
    """Queries, commands and inserts against one database. Threads may share it."""

    def __init__(self, driver: Driver, *, database: str, address: str) -> None:
        """Wrap an open clickhouse-connect client.

        Args:
            driver: Any clickhouse-connect client; it is closed with this one.
            database: Name of the database that statements run in.
            address: Where it is, for messages; without user or password.
        """
        self._driver = driver
        self.database = database
        self.address = address

    def query(
        self,
        sql: str,
        parameters: Mapping[str, object] | None = None,
        *,
        use_database: bool = True,
        settings: Mapping[str, object] | None = None,
    ) -> list[Row]:
        """Rows as dictionaries; times are UTC and aware.

        Args:
            sql: One SELECT with native `{name:Type}` parameters.
            parameters: Values by name.
            use_database: False for questions that must work before the database exists; such rows
                come as JSON, so numbers and strings keep their types and times are strings.
            settings: Settings of ClickHouse for this question.

        Raises:
            StorageError: The database refused it or cannot be reached.
        """
        with self._explained():
            bound = dict(parameters or {})
            if not use_database:
                raw = self._driver.raw_query(sql, bound, fmt="JSONEachRow", use_database=False)
                return [json.loads(line) for line in raw.splitlines()]
            result = self._driver.query(sql, bound, settings=dict(settings or {}))
            names = result.column_names
            return [dict(zip(names, row, strict=True)) for row in result.result_rows]

    def fetch(self, statement: Statement[T]) -> list[T]:
        """All typed rows of a statement.

        Raises:
            StorageError: The database refused it or cannot be reached.
        """
        return [statement.row(row) for row in self.query(statement.sql, statement.parameters)]

    def stream(self, sql: str, parameters: Mapping[str, object] | None = None) -> Iterator[Row]:
        """Rows one by one, for results that should not be in memory as a whole.

        Raises:
            StorageError: The database refused it or cannot be reached.
        """
        with self._explained():
            rows = self._driver.query_rows_stream(sql, dict(parameters or {}))
            names = cast(QueryResult, rows.source).column_names
            with rows as stream:
                for row in stream:
                    yield dict(zip(names, row, strict=True))

    def read(self, sql: str) -> Answer:
        """Run a statement that somebody wrote by hand, read-only: the database refuses to write.

        Raises:
            StorageError: The database refused it or cannot be reached.
        """
        with self._explained():
            result = self._driver.query(sql, settings=self._read_only())
            types = [kind.name for kind in result.column_types]
            return Answer(list(zip(result.column_names, types, strict=True)), result.result_rows)

    def read_raw(self, sql: str, *, output_format: str | None = None) -> Iterator[bytes]:
        """The bytes that the database answers a statement with, read-only, piece by piece.

        Args:
            sql: The statement.
            output_format: A format of ClickHouse, where the statement does not name one.

        Raises:
            StorageError: The database refused it or cannot be reached.
        """
        with self._explained():
            raw = self._driver.raw_stream(sql, settings=self._read_only(), fmt=output_format)
            with cast(io.RawIOBase, raw) as stream:
                while part := stream.read(_CHUNK):
                    yield part

    def command(
        self, sql: str, parameters: Mapping[str, object] | None = None, *, use_database: bool = True
    ) -> None:
        """Run a statement that returns nothing.

        Raises:
            StorageError: The database refused it or cannot be reached.
        """
        with self._explained():
            self._driver.command(sql, dict(parameters or {}), use_database=use_database)

    def insert(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Append rows, all with the same columns, as one block.

        Raises:
            StorageError: The database refused it or cannot be reached.
        """
        if not rows:
            return
        columns = list(rows[0])
        with self._explained():
            self._driver.insert(
                table,
                [[row[column] for column in columns] for row in rows],
                column_names=columns,
                database=self.database,
            )

    def download(
        self,
        sql: str,
        parameters: Mapping[str, object] | None = None,
        *,
        settings: Mapping[str, object] | None = None,
    ) -> Iterator[bytes]:
        """The answer to a question as a Parquet file, piece by piece.

        Args:
            sql: One SELECT without FORMAT, with native `{name:Type}` parameters.
            parameters: Values by name.
            settings: Settings of ClickHouse for this question.

        Raises:
            StorageError: The database refused it or cannot be reached.
        """
        with self._explained():
            raw = self._driver.raw_stream(
                sql, dict(parameters or {}), settings=dict(settings or {}), fmt="Parquet"
            )
            with cast(io.RawIOBase, raw) as stream:
                while part := stream.read(_CHUNK):
                    yield part

    def upload(
        self,
        table: str,
        columns: Sequence[str],
        data: bytes,
        *,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        """Append the rows of a Parquet file.

        Args:
            table: Name of the table.
            columns: Columns that are to be filled; those that the file lacks get their defaults.
            data: The file.
            settings: Settings of ClickHouse for this insert.

        Raises:
            StorageError: The database refused it or cannot be reached.
        """
        with self._explained():
            self._driver.raw_insert(
                table, columns, data, settings=dict(settings or {}), fmt="Parquet"
            )

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read_only(self) -> dict[str, Any]:
        # A user who may only read may not change this setting either, not even to itself.
        now = self._driver.server_settings.get("readonly")
        return {} if now is not None and now.value != "0" else {"readonly": 1}

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except ClickHouseError as error:
            raise _explain(error, self.address, self.database) from error


def connect(
    url: str | None = None,
    *,
    user: str | None = None,
    password: str | None = None,
    database: str = DEFAULT_DATABASE,
) -> Client:
    """Open a client.

    Args:
        url: `http[s]://[user[:password]@]host[:port]` of the ClickHouse HTTP interface; default is
            the setting `clickhouse_url` (EXECTRAIL_CLICKHOUSE_URL).
        user: Over the one in the URL; default is EXECTRAIL_CLICKHOUSE_USER.
        password: Over the one in the URL; default is EXECTRAIL_CLICKHOUSE_PASSWORD, or what stands
            in the file that _PASSWORD_FILE names. A token of the embedded stack is a password.
        database: The database of the tables; it need not exist yet.

    For https, EXECTRAIL_CLICKHOUSE_CA_FILE names the authority to trust instead of those of the
    system, and _CERT_FILE and _KEY_FILE a certificate of our own.

    Raises:
        AddressError: The URL is not one.
        StorageError: Nothing answers there, it is not trusted, or it refuses the user.
    """
    target = urlsplit(url or load().clickhouse_url)
    try:
        port = target.port
    except ValueError:
        port = -1
    if target.scheme not in ("http", "https") or not target.hostname or port == -1:
        raise AddressError(
            "The ClickHouse URL must look like http://host:8123 or https://host:8443"
            " (EXECTRAIL_CLICKHOUSE_URL or --url)."
        )
    host = f"[{target.hostname}]" if ":" in target.hostname else target.hostname
    port = port or (8443 if target.scheme == "https" else 8123)
    address = f"{target.scheme}://{host}:{port}"
    try:
        driver = clickhouse_connect.get_client(
            host=target.hostname,
            port=port,
            interface=target.scheme,
            username=user or unquote(target.username or "") or credentials.setting("USER") or None,
            password=password or unquote(target.password or "") or credentials.password(),
            **credentials.tls(),
            # The certificate lets us in, the password says who we are.
            tls_mode="strict",
            connect_timeout=5,
            # A session admits one statement at a time; without one, threads share the client.
            autogenerate_session_id=False,
            tz_mode="aware",
        )
    except ClickHouseError as error:
        raise _explain(error, address, database) from error
    except credentials.UnreadableFileError as error:
        raise StorageError(str(error)) from error
    # Only now: with a database that does not exist yet, the driver's handshake would fail.
    driver.database = database
    return Client(driver, database=database, address=address)


def _explain(error: ClickHouseError, address: str, database: str) -> StorageError:
    code = error.code if isinstance(error, Error) else None
    if code in _AUTHENTICATION:
        return StorageError(
            f"{address} refused the user or password. Put them into the URL, or set"
            " EXECTRAIL_CLICKHOUSE_USER and EXECTRAIL_CLICKHOUSE_PASSWORD (or _PASSWORD_FILE). A"
            " token of the embedded stack is a password, of any user."
        )
    if code == _UNKNOWN_DATABASE:
        return StorageError(
            f"{address} has no database '{database}' yet. Run `exectrail migrate apply`."
        )
    if code == _UNKNOWN_TABLE:
        return StorageError(
            f"A table or view is missing in database '{database}' at {address}."
            f" Run `exectrail migrate status`, then `exectrail migrate apply`.\n{_text(error)}"
        )
    if code == _READONLY:
        return StorageError(
            f"Only reading is allowed here, and this statement writes.\n{_text(error)}"
        )
    if code is None and _is_distrust(error):
        return StorageError(
            f"The certificate that {address} shows is not trusted, or is for another name. Name"
            " its authority with EXECTRAIL_CLICKHOUSE_CA_FILE."
        )
    if code is None and _is_network(error):
        return StorageError(
            f"Nothing answers at {address}. Start the embedded stack with `exectrail up`, or name"
            " your ClickHouse with EXECTRAIL_CLICKHOUSE_URL or --url."
        )
    return StorageError(_text(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _is_distrust(error: ClickHouseError) -> bool:
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def _is_network(error: ClickHouseError) -> bool:
    return any(
        isinstance(cause, OSError) or type(cause).__module__.startswith("urllib3")
        for cause in _causes(error)
    )


def _text(error: ClickHouseError) -> str:
    """The server's own words, without the driver's around and the parser's list of what may be."""
    said = str(error).strip().rpartition("server response: ")[2]
    return said.partition(" Expected one of:")[0].partition(" (version ")[0].strip()
