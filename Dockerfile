# One image for worker, starter, migrations and the command line; the command says which.
FROM python:3.12-slim AS packages
COPY requirements.txt .
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home holdfast \
    && printf '#!/bin/sh\nexec python -c "from starter.cli import main; main()" "$@"\n' > /usr/local/bin/oms \
    && chmod 755 /usr/local/bin/oms
COPY --from=packages /venv /venv
WORKDIR /app
COPY activities activities
COPY adapters adapters
COPY config config
COPY domain domain
COPY starter starter
COPY storage storage
COPY worker worker
COPY workflows workflows
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
CMD ["python", "-m", "starter"]
