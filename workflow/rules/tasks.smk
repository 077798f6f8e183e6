rule build_task:
    output:
        dataset("tasks/{key}"),
    log:
        log_of("tasks/{key}"),
    priority: priority("tasks")
    group:
        grouped("tasks")
    conda:
        "../envs/implicitbias.yaml"
    resources:
        mem_mb=mem_mb("tasks"),
        runtime=runtime("tasks"),
        in_group=1,
    params:
        settings=settings("tasks"),
        code=code("tasks"),
        raw=RAW,
    script:
        "../scripts/build_task.py"


rule tasks:
    input:
        files("tasks"),
