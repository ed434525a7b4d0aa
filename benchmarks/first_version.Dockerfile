# The first version as a container, to put it under load beside ours: benchmarks/task.py builds it.
ARG BASE_IMAGE=python:3.13-slim
# hadolint ignore=DL3006
FROM ${BASE_IMAGE}
# The versions of the benchmarks' lock file.
COPY locked.txt /
RUN --mount=type=secret,id=ca,required=false \
    [ ! -e /run/secrets/ca ] || export PIP_CERT=/run/secrets/ca; \
    python3 -m venv /venv && /venv/bin/pip install --no-cache-dir --constraint /locked.txt \
      fastapi httptools pandas scikit-learn shap uvicorn uvloop xgboost-cpu
COPY benchmarks /app/benchmarks
COPY model.ubj /model.ubj
ENV BENCH_MODEL=/model.ubj OMP_NUM_THREADS=1
WORKDIR /app
USER 10001:10001
# One worker, for one CPU.
CMD ["/venv/bin/python", "-m", "uvicorn", "benchmarks.systems.first_version:app", "--host", "0.0.0.0", "--no-access-log"]
