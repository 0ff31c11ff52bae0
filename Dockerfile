# syntax=docker/dockerfile:1
# One image for web, workers, beat and migrations.
# A CPU build of torch is a quarter of the size: docker compose build --build-arg PIP_EXTRA_INDEX_URL=...
# (docs/operations.md, torch).
FROM python:3.12-slim-bookworm AS packages
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
WORKDIR /build
COPY pyproject.toml constraints.txt ./
COPY .ci/requirements.py .ci/
RUN python -m venv /venv \
    && python .ci/requirements.py > requirements.txt \
    && /venv/bin/pip install --no-cache-dir --constraint constraints.txt --requirement requirements.txt

FROM python:3.12-slim-bookworm
RUN useradd --uid 10001 --create-home recsite \
    && install --directory --owner recsite --mode 0700 /var/lib/recsite
COPY --from=packages /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RECSITE_HOME=/var/lib/recsite
WORKDIR /srv/recsite
COPY . .
# Neither is a secret or a server: collecting files needs settings, not a site.
RUN SECRET_KEY=only-for-this-step DATABASE_URL=postgresql://none/none python manage.py collectstatic --noinput
USER recsite
VOLUME /var/lib/recsite
EXPOSE 8000
CMD ["gunicorn", "recsite.wsgi", "--config", "python:recsite.web_server", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", \
     "--threads", "4", "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
