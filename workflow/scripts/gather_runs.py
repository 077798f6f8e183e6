from pathlib import Path

from implicitbias import job, schema
from implicitbias.studies.all_runs import gather

with job.logged_to(snakemake.log[0]):
    studies = {Path(path).stem: schema.load(path) for path in snakemake.input}
    schema.save(gather(studies), snakemake.output[0], snakemake.params.code)
