rule assemble_study:
    input:
        lambda wildcards: [
            dataset(piece.path) for piece in PLAN.studies[wildcards.study].pieces
        ],
    output:
        f"{SUMMARY}/studies/{{study}}.nc",
    log:
        f"{SUMMARY}/logs/studies/{{study}}.log",
    localrule: True  # seconds: no cluster job is worth it
    conda:
        "../envs/implicitbias.yaml"
    params:
        study=lambda wildcards: study_settings(wildcards.study),
        code=lambda wildcards: study_code(wildcards.study),
    script:
        "../scripts/assemble_study.py"


rule studies:
    input:
        expand(f"{SUMMARY}/studies/{{study}}.nc", study=PLAN.studies),


rule gather_runs:
    input:
        rules.studies.input,
    output:
        RUNS,
    log:
        f"{SUMMARY}/logs/studies/all_runs.log",
    localrule: True  # seconds: no cluster job is worth it
    conda:
        "../envs/implicitbias.yaml"
    params:
        code=runs_code(),
    script:
        "../scripts/gather_runs.py"
