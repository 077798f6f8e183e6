rule build_task:
    output:
        "results/tasks/{key}.nc",
    log:
        "results/logs/tasks/{key}.log",
    conda:
        "../envs/implicitbias.yaml"
    resources:
        mem_mb=mem_mb("tasks"),
        runtime=runtime("tasks"),
    params:
        settings=settings("tasks"),
        code=code("tasks"),
        raw=RAW,
    script:
        "../scripts/build_task.py"


rule tasks:
    input:
        files("tasks"),
