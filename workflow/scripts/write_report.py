from implicitbias import job
from implicitbias.report.build import write

with job.logged_to(snakemake.log[0]):
    given, params = snakemake.input, snakemake.params
    write(
        snakemake.output[0],
        given.studies,
        given.figures,
        given.runs,
        given.overviews,
        code=params.code,
        **params.settings,
    )
