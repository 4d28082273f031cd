# syntax=docker/dockerfile:1
# One image for web, worker, beat and the migration step; docker-compose.yml says which is which.

# The front-end packages, as package-lock.json pins them.
FROM node:24-bookworm-slim AS front-end
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

# Everything that has to be installed or made, with the tools for it.
FROM python:3.13-slim-bookworm AS build
ENV PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements/base.txt requirements/base.txt
RUN /venv/bin/pip install --require-hashes -r requirements/base.txt
COPY . .
COPY --from=front-end /app/node_modules node_modules
RUN /venv/bin/python expansive_cm/services/front_end.py \
    && DEMO=true STATIC_ROOT=/app/staticfiles /venv/bin/python manage.py collectstatic --no-input \
    && rm -rf node_modules

# What runs: no build tools, no root, and nothing it could write to but its volume.
FROM python:3.13-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    STATIC_ROOT=/app/staticfiles MEDIA_ROOT=/media
RUN groupadd --gid 10001 app && useradd --uid 10001 --gid app --no-create-home app \
    && install --directory --owner app --group app --mode 700 /media
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER app
VOLUME /media
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "expansive_cm/services/probe.py", "http://127.0.0.1:8000/readyz"]
CMD ["gunicorn", "expansive_cm.asgi", "--config", "expansive_cm/services/gunicorn.py", "--bind", "0.0.0.0:8000"]
