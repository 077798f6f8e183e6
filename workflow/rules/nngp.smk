rule evaluate_nngp:
    input:
        unpack(inputs("nngp")),
    output:
        dataset("nngp/{key}"),
    log:
        log_of("nngp/{key}"),
    cache: SHARED
    priority: priority("nngp")
    conda:
        "../envs/implicitbias.yaml"
    threads: CONFIG.execution.threads
    resources:
        mem_mb=mem_mb("nngp"),
        runtime=runtime("nngp"),
        gpu=gpus("nngp"),
        in_group=1,
    params:
        settings=settings("nngp"),
        code=code("nngp"),
    script:
        "../scripts/evaluate_nngp.py"


rule nngp:
    input:
        files("nngp"),
