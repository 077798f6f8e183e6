rule assemble_study:
    input:
        lambda wildcards: [
            dataset(piece.path) for piece in study_of(wildcards.study).pieces
        ],
    output:
        dataset("studies/{study}", NAME),
    log:
        log_of("studies/{study}", NAME),
    priority: priority("studies/{study}")
    localrule: True  # seconds: no cluster job is worth it
    conda:
        ENVIRONMENT
    params:
        study=lambda wildcards: CODES.study_settings(wildcards.study),
        code=lambda wildcards: CODES.study(wildcards.study),
    script:
        "../scripts/assemble_study.py"


rule studies:
    input:
        expand(dataset("studies/{study}", NAME), study=PLAN.studies),


rule gather_runs:
    input:
        rules.studies.input,
    output:
        RUNS,
    log:
        log_of(f"studies/{ALL_RUNS}", NAME),
    localrule: True  # seconds: no cluster job is worth it
    conda:
        ENVIRONMENT
    params:
        code=lambda wildcards: CODES.runs(),
    script:
        "../scripts/gather_runs.py"
