rule run_experiment:
    input:
        unpack(inputs("experiments")),
    output:
        dataset("experiments/{key}"),
    log:
        log_of("experiments/{key}"),
    cache: SHARED
    priority: priority("experiments")
    conda:
        "../envs/implicitbias.yaml"
    threads: CONFIG.execution.threads
    resources:
        mem_mb=mem_mb("experiments"),
        runtime=runtime("experiments"),
        in_group=1,
    params:
        settings=settings("experiments"),
        code=code("experiments"),
    script:
        "../scripts/run_experiment.py"


rule experiments:
    input:
        files("experiments"),
