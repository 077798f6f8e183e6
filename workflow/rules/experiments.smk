rule run_experiment:
    input:
        unpack(inputs("experiments")),
    output:
        dataset("experiments/{key}"),
    log:
        log_of("experiments/{key}"),
    cache: SHARED
    priority: priority("experiments/{key}")
    conda:
        ENVIRONMENT
    threads: CONFIG.execution.threads
    resources:
        **resources("experiments"),
    params:
        **params("experiments"),
    script:
        "../scripts/run_experiment.py"


rule experiments:
    input:
        files("experiments"),
