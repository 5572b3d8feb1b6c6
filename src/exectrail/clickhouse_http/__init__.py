"""The ClickHouse HTTP protocol over the engine of the embedded stack.

Enters: HTTP requests of ordinary ClickHouse clients, and one directory (`engine`). Leaves: query
results and stored rows. What of the protocol is offered, and what is not, stands in
docs/embedded.md.
`app` is the ASGI application, `loopback` keeps browsers of other sites out, `access` asks for
tokens, `head` measures heads, `request` and `form` read a request, `statement` takes its SQL apart
by the words of `lexer`, `admission` says what is let through, `service` runs it, `sessions` keeps
what a session keeps. `engine` opens the directory, `handle` runs statements, `compression` and
`handshake` know bytes, `errors` codes.
May import: nothing else of exectrail. `receiver` composes the process and imports this room.
"""
