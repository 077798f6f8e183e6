rule measure:
    input:
        unpack(inputs("measurements")),
    output:
        dataset("measurements/{key}"),
    log:
        log_of("measurements/{key}"),
    priority: priority("measurements/{key}")
    group:
        grouped("measurements")
    conda:
        ENVIRONMENT
    threads: CONFIG.execution.threads
    resources:
        **resources("measurements"),
    params:
        **params("measurements"),
    script:
        "../scripts/measure.py"


rule measurements:
    input:
        files("measurements"),
