# Weights may be large: a config can have runs go without them, and be deleted as soon as they are measured.
RUN = (lambda path: path) if CONFIG.execution.keep_weights else temp
# What is deleted after use cannot be shared between workflows.
SHARED_RUNS = SHARED and CONFIG.execution.keep_weights


rule train:
    input:
        unpack(inputs("training")),
    output:
        RUN(dataset("training/{key}")),
    log:
        log_of("training/{key}"),
    cache: SHARED_RUNS
    priority: priority("training/{key}")
    conda:
        ENVIRONMENT
    threads: CONFIG.execution.threads
    resources:
        **resources("training", gpu=True),
    params:
        **params("training"),
    script:
        "../scripts/train.py"


rule training:
    input:
        files("training"),


rule sample:
    input:
        unpack(inputs("sampling")),
    output:
        RUN(dataset("sampling/{key}")),
    log:
        log_of("sampling/{key}"),
    cache: SHARED_RUNS
    priority: priority("sampling/{key}")
    conda:
        ENVIRONMENT
    threads: CONFIG.execution.threads
    resources:
        **resources("sampling", gpu=True),
    params:
        **params("sampling"),
    script:
        "../scripts/sample.py"


rule sampling:
    input:
        files("sampling"),
