rule draw_figure:
    input:
        study=dataset("studies/{study}", NAME),
    output:
        **{suffix: picture("{study}/{figure}", suffix, NAME) for suffix in PICTURES},
    log:
        log_of("figures/{study}/{figure}", NAME),
    priority: priority("figures/{study}/{figure}")
    localrule: True  # seconds: no cluster job is worth it
    conda:
        ENVIRONMENT
    params:
        settings=lambda wildcards: figure_of(wildcards.study, wildcards.figure),
        code=lambda wildcards: CODES.figure(wildcards.study, wildcards.figure),
    script:
        "../scripts/draw_figure.py"


rule draw_all_runs:
    input:
        runs=RUNS,
    output:
        [picture(figure, suffix, NAME) for figure in OVERVIEWS for suffix in PICTURES],
    log:
        log_of(f"figures/{ALL_RUNS}", NAME),
    localrule: True  # seconds: no cluster job is worth it
    conda:
        ENVIRONMENT
    params:
        codes=lambda wildcards: {
            figure: CODES.figure(ALL_RUNS, figure) for figure in OVERVIEWS
        },
    script:
        "../scripts/draw_all_runs.py"


rule figures:
    input:
        figure_files(),
        OVERVIEW_PAGES,
