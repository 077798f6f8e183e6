rule measure:
    input:
        unpack(inputs("measurements")),
    output:
        dataset("measurements/{key}"),
    log:
        log_of("measurements/{key}"),
    priority: priority("measurements")
    group:
        grouped("measurements")
    conda:
        "../envs/implicitbias.yaml"
    threads: CONFIG.execution.threads
    resources:
        mem_mb=mem_mb("measurements"),
        runtime=runtime("measurements"),
        in_group=1,
    params:
        settings=settings("measurements"),
        code=code("measurements"),
    script:
        "../scripts/measure.py"


rule measurements:
    input:
        files("measurements"),
