rule draw_figure:
    input:
        study=dataset("studies/{study}", NAME),
    output:
        **{suffix: picture("{study}/{figure}", suffix, NAME) for suffix in PICTURES},
    log:
        log_of("figures/{study}/{figure}", NAME),
    localrule: True  # seconds: no cluster job is worth it
    conda:
        "../envs/implicitbias.yaml"
    params:
        settings=lambda wildcards: figure_of(wildcards.study, wildcards.figure),
        code=lambda wildcards: CODES.figure(wildcards.study, wildcards.figure),
    script:
        "../scripts/draw_figure.py"


rule draw_all_runs:
    input:
        study=RUNS,
    output:
        **{suffix: picture(ALL_RUNS, suffix, NAME) for suffix in PICTURES},
    log:
        log_of(f"figures/{ALL_RUNS}", NAME),
    localrule: True  # seconds: no cluster job is worth it
    conda:
        "../envs/implicitbias.yaml"
    params:
        settings=CODES.figure_settings(ALL_RUNS, ALL_RUNS),
        code=lambda wildcards: CODES.figure(ALL_RUNS, ALL_RUNS),
    script:
        "../scripts/draw_figure.py"


rule figures:
    input:
        figure_files(),
        picture(ALL_RUNS, "png", NAME),
