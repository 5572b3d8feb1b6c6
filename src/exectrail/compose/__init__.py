"""The services under docker compose: ClickHouse, collector, migrations, judge and Grafana.

Enters: a directory, and files of the repository (`docker-compose.yml`, `Dockerfile`, `collector/`,
`compose/`), which the wheel carries. Leaves: a directory with those files and an .env with
passwords, and calls of `docker compose` in it.
`files` knows the files and where they are, `environment` the .env, `directory` puts both into a
directory, `docker` calls docker compose and waits for the services, `commands` puts that on the
command line. It speaks to no database; what the services do stands in docs/compose.md.
May import: nothing else of exectrail, and nothing beyond the standard library.
"""
