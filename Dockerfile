# One image for web, worker, beat, migration and bootstrap; docker-compose.yml says which it is.
FROM python:3.11-slim-bookworm AS packages
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/base.txt /tmp/base.txt
RUN pip install --require-hashes -r /tmp/base.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --home-dir /var/lib/troupe --create-home troupe
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 TROUPE_HOME=/var/lib/troupe/home TROUPE_HOST=0.0.0.0
WORKDIR /srv/troupe
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e .
# The volume's folder belongs to the user before there is a volume, so that the volume does, too.
RUN install -d -o troupe -g troupe /var/lib/troupe/home
USER troupe
VOLUME /var/lib/troupe
EXPOSE 8000
CMD ["python", "-m", "embedded", "run", "web"]
