# Two stages, so that the image does not contain what only the installation needs. To pin the base image, build with
#   docker build --build-arg BASE=python:3.12-slim-bookworm@sha256:… .
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS build
WORKDIR /source
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /opt/auditor \
    && /opt/auditor/bin/python -m pip install --no-cache-dir --no-compile --require-hashes \
        -r requirements/build.txt -r requirements/runtime.txt
COPY . .
# Compile all libraries except Microsoft's SDK, of which only the modules that a run imports are compiled (190 MB less).
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
