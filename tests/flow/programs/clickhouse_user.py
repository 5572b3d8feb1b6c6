"""Runs statements in the engine by a server's configuration: one process, since it opens one
directory in one way.

Arguments: the configuration file, the directory of the data. Standard input: a JSON list of
statements. Standard output: a JSON list with what each gave, or the error beginning with "Code: ".
"""

import json
import sys

import chdb


def answer(connection: chdb.session.Session, statement: str) -> str:
    try:
        return connection.query(statement, "TSV").data().strip()
    except Exception as error:
        return str(error).strip().partition(" (version ")[0]


if __name__ == "__main__":
    config, data = sys.argv[1:]
    connection = chdb.connect(f"{data}?config-file={config}")
    print(json.dumps([answer(connection, statement) for statement in json.load(sys.stdin)]))
