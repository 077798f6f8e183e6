from implicitbias import job, schema
from implicitbias.measurement.measure import measure

with job.logged_to(snakemake.log[0]):
    task, run = schema.load(snakemake.input.task), schema.load(snakemake.input.run)
    schema.save(measure(task, run, **snakemake.params.settings), snakemake.output[0], snakemake.params.code)
