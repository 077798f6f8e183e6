rule draw_figure:
    input:
        study=f"{SUMMARY}/studies/{{study}}.nc",
    output:
        multiext(f"{SUMMARY}/figures/{{study}}/{{figure}}", png=".png", pdf=".pdf"),
    log:
        f"{SUMMARY}/logs/figures/{{study}}/{{figure}}.log",
    localrule: True  # seconds: no cluster job is worth it
    conda:
        "../envs/implicitbias.yaml"
    params:
        settings=lambda wildcards: PLAN.studies[wildcards.study].figures[
            wildcards.figure
        ],
        code=lambda wildcards: figure_code(wildcards.study, wildcards.figure),
    script:
        "../scripts/draw_figure.py"


rule draw_all_runs:
    input:
        study=RUNS,
    output:
        multiext(OVERVIEW, png=".png", pdf=".pdf"),
    log:
        f"{SUMMARY}/logs/figures/all_runs.log",
    localrule: True  # seconds: no cluster job is worth it
    conda:
        "../envs/implicitbias.yaml"
    params:
        settings={"figure": "all_runs"},
        code=overview_code(),
    script:
        "../scripts/draw_figure.py"


rule figures:
    input:
        figure_files(),
        f"{OVERVIEW}.png",
