# The image of the services `migrate` and `judge`: exectrail with what those commands need.
FROM python:3.13.16-slim-trixie AS base
ENV PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

FROM base AS build
WORKDIR /build
COPY requirements/image.txt requirements/
RUN python -m venv /opt/exectrail \
    && /opt/exectrail/bin/pip install --require-hashes --requirement requirements/image.txt
# What exectrail is made of: this directory, a wheel in it (./exectrail-0.1.0-py3-none-any.whl), or a requirement that
# pip finds (exectrail==0.1.0).
ARG EXECTRAIL_SOURCE=.
COPY . .
RUN pip wheel --no-deps --wheel-dir /wheels "$EXECTRAIL_SOURCE" \
    && /opt/exectrail/bin/pip install --no-deps /wheels/exectrail-*.whl \
    && /opt/exectrail/bin/exectrail migrate plan >/dev/null

FROM base
# The collector's number: it finds its queue in a volume that takes the owner of this directory.
RUN useradd --uid 10001 --user-group --home-dir /var/lib/exectrail --create-home --shell /usr/sbin/nologin exectrail \
    && install --directory --owner exectrail --group exectrail --mode 0750 /var/lib/exectrail/queue
COPY --from=build /opt/exectrail /opt/exectrail
ENV PATH=/opt/exectrail/bin:$PATH
USER 10001:10001
WORKDIR /var/lib/exectrail
# The database answers, and its tables are those of this image.
HEALTHCHECK --interval=60s --timeout=15s --start-period=30s --retries=3 CMD ["exectrail", "migrate", "status"]
ENTRYPOINT ["exectrail"]
CMD ["--help"]
