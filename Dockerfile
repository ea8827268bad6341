# Two stages: what installs is not in what runs. Pin the base by digest where you build, with
#   docker build --build-arg BASE=python:3.12-slim-bookworm@sha256:… .
# No digest stands here: one that nobody looked up would be worse than a tag that says what it is.
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS build
WORKDIR /source
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /opt/auditor \
    && /opt/auditor/bin/python -m pip install --no-cache-dir --no-compile --require-hashes \
        -r requirements/build.txt -r requirements/runtime.txt
COPY . .
# Compiled is what a run imports: nothing else of Microsoft's SDK (190 MB less), and all of the other libraries.
RUN /opt/auditor/bin/python -m pip install --no-cache-dir --no-compile --no-deps --no-build-isolation . \
    && /opt/auditor/bin/python -m compileall -q -x '/msgraph/' /opt/auditor/lib \
    && /opt/auditor/bin/python -c 'import auditor.graph.requests, auditor.graph.sdk_fast_path'

FROM ${BASE}
COPY --from=build /opt/auditor /opt/auditor
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin auditor
USER 10001:10001
WORKDIR /audit
ENV PATH=/opt/auditor/bin:$PATH PYTHONDONTWRITEBYTECODE=1 AUDITOR_CONTAINER=1
ENTRYPOINT ["auditor"]
CMD ["--help"]
