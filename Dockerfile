# anirec serving the starter bundle, or the one that $ANIREC_BUNDLE names: no training, no root, nothing written but /tmp.
#   docker build --tag anirec .
# A release names both base images by digest: --build-arg PYTHON=python@sha256:... --build-arg NODE=node@sha256:...
# tests/deployment runs every RUN line, the command and the health check without an engine.
ARG NODE=node:22-bookworm-slim
ARG PYTHON=python:3.13-slim-bookworm

FROM ${NODE} AS page
WORKDIR /page
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend/ ./
RUN npm run build

FROM ${PYTHON} AS install
WORKDIR /build
COPY requirements/dev.txt requirements/
RUN python -m venv tools \
    && tools/bin/pip install --no-cache-dir --disable-pip-version-check --constraint requirements/dev.txt hatchling
COPY pyproject.toml hatch_build.py README.md LICENSE NOTICE ./
COPY src/ src/
COPY --from=page /page/dist/ page/
ENV ANIREC_PAGE=/build/page
RUN tools/bin/python -m hatchling build -t wheel -d wheels
# Without pip in it: what serves cannot install. The versions are those that the tests ran with.
RUN python -m venv --without-pip /opt/anirec \
    && tools/bin/pip --python /opt/anirec/bin/python install --no-cache-dir --disable-pip-version-check \
    --constraint requirements/dev.txt "$(echo wheels/*.whl)[serve,text]"

FROM ${PYTHON} AS serve
LABEL org.opencontainers.image.title="anirec" \
      org.opencontainers.image.description="Anime recommendations with reasons: an HTTP API and a page" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=install /opt/anirec/ /opt/anirec/
ENV PATH=/opt/anirec/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
WORKDIR /tmp
# A number, so that a cluster can see that it is not root.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/ready', timeout=2)"]
ENTRYPOINT ["anirec"]
CMD ["serve", "--host", "0.0.0.0", "--workers", "2", "--images", "proxy"]
