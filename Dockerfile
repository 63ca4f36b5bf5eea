# The image of wva-exporter: Python, the locked dependencies, the program; no compiler, no pip, no root.
#
#   docker build --tag wva-exporter .
#
# PYTHON may carry a digest (3.13.7-slim-bookworm@sha256:...); what is installed on top is pinned by hash in docker/.
ARG PYTHON=3.13.7-slim-bookworm

FROM docker.io/library/python:${PYTHON} AS build
ENV VENV=/opt/wva-exporter BUILD=/tmp/build PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY docker/ docker/
RUN python3 -m venv "$VENV"
RUN "$VENV/bin/python" -m pip install --quiet --only-binary=:all: --require-hashes --requirement docker/requirements.txt
RUN python3 -m venv --without-pip "$BUILD"
RUN "$VENV/bin/python" -m pip --python "$BUILD" install --quiet --only-binary=:all: --require-hashes --requirement docker/build-requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY mixins/ mixins/
COPY wva_exporter/ wva_exporter/
RUN "$VENV/bin/python" -m pip --python "$BUILD" wheel --quiet --no-deps --no-build-isolation --wheel-dir "$BUILD/dist" .
RUN "$VENV/bin/python" -m pip install --quiet --no-deps --no-index "$BUILD"/dist/*.whl
RUN "$VENV/bin/python" -m pip check && "$VENV/bin/python" -m pip uninstall --quiet --yes pip

FROM docker.io/library/python:${PYTHON}
LABEL org.opencontainers.image.title="wva-exporter" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/wva-exporter/wva-exporter"
COPY --from=build /opt/wva-exporter /opt/wva-exporter
ENV PATH=/opt/wva-exporter/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1
USER 65532:65532
WORKDIR /
EXPOSE 10982
ENTRYPOINT ["wva-exporter"]
CMD ["run"]
