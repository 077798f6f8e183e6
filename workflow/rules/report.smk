rule write_report:
    input:
        studies=rules.studies.input,
        figures=figure_files(),
        runs=RUNS,
        overviews=OVERVIEW_PAGES,
    output:
        REPORT,
    log:
        log_of("report", NAME),
    localrule: True  # seconds: no cluster job is worth it
    conda:
        ENVIRONMENT
    params:
        settings=lambda wildcards: CODES.report_settings(),
        code=lambda wildcards: CODES.report(),
    script:
        "../scripts/write_report.py"
