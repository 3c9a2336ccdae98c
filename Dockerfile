# Workers of glotmill on Dataflow, with packages and models baked in, and the launcher of its Flex Template.
#
#   docker build --target workers --tag IMAGE .
#   docker build --target workers --tag IMAGE --build-arg MODELS="cis-lmu/glotlid" .
#   docker build --target template --tag IMAGE --build-arg LAUNCHER_IMAGE=… .   # Google's Python template launcher, 3.11
#
# Built by nobody here: there is no Docker where the tests run. They hold that each path exists, that the versions are
# those of the lock files, and that glotmill runs where the wheel is all that is installed of it.
ARG BEAM_VERSION=2.77.0
ARG LAUNCHER_IMAGE=apache/beam_python3.11_sdk:${BEAM_VERSION}

FROM apache/beam_python3.11_sdk:${BEAM_VERSION} AS beam

FROM ${LAUNCHER_IMAGE} AS launcher

FROM python:3.11-slim AS workers
# PyICU is built against ICU's headers.
RUN apt-get update -q \
    && apt-get install -qy --no-install-recommends g++ libicu-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/glotmill
COPY requirements-dataflow.txt requirements-icu.txt ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements-dataflow.txt
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements-icu.txt
COPY pyproject.toml README.md LICENSE ./
COPY data_cards data_cards
COPY pipelines pipelines
COPY schemas schemas
COPY stages stages
RUN pip install --no-cache-dir --no-deps --no-build-isolation .
# Models of the Hub that recipes name, as owner/name; the models of language identification are in the packages.
ARG MODELS=""
ENV HF_HOME=/opt/models
RUN for model in ${MODELS}; do hf download "${model}" || exit 1; done
ENV HF_HUB_OFFLINE=1
COPY --from=beam /opt/apache/beam /opt/apache/beam
ENTRYPOINT ["/opt/apache/beam/boot"]

FROM workers AS template
COPY --from=launcher /opt/google/dataflow/python_template_launcher /opt/google/dataflow/python_template_launcher
ENV FLEX_TEMPLATE_PYTHON_PY_FILE=/opt/glotmill/pipelines/runners/flex_template.py
