# An image that runs the workflow in the folder that it is called from: docs/howto/install.md says how.
# The version of Python is that which constraints.txt was tested with.
FROM python:3.11-slim

WORKDIR /opt/laboratory
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
# On Linux torch's default build computes on GPUs too, where the container is given one.
RUN python -m pip install --no-cache-dir --constraint constraints.txt '.[workflow]'
COPY Snakefile Snakefile
COPY workflow workflow
COPY config config

WORKDIR /work
ENTRYPOINT ["snakemake", "--snakefile", "/opt/laboratory/Snakefile", "--workflow-profile", "/opt/laboratory/workflow/profiles/default"]
CMD ["--cores", "all"]
