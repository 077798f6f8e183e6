rule evaluate_nngp:
    input:
        unpack(inputs("nngp")),
    output:
        dataset("nngp/{key}"),
    log:
        log_of("nngp/{key}"),
    cache: SHARED
    priority: priority("nngp/{key}")
    conda:
        ENVIRONMENT
    threads: CONFIG.execution.threads
    resources:
        **resources("nngp", gpu=True),
    params:
        **params("nngp"),
    script:
        "../scripts/evaluate_nngp.py"


rule nngp:
    input:
        files("nngp"),
