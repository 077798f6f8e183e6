rule build_task:
    output:
        dataset("tasks/{key}"),
    log:
        log_of("tasks/{key}"),
    priority: priority("tasks/{key}")
    group:
        grouped("tasks")
    conda:
        ENVIRONMENT
    resources:
        **resources("tasks"),
    params:
        **params("tasks"),
        raw=RAW,
    script:
        "../scripts/build_task.py"


rule tasks:
    input:
        files("tasks"),
