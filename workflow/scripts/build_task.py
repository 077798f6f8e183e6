from pathlib import Path

from implicitbias import job, schema
from implicitbias.tasks.build import build

with job.logged_to(snakemake.log[0]):
    task = build(**snakemake.params.settings, raw_dir=Path(snakemake.params.raw))
    schema.save(task, snakemake.output[0], snakemake.params.code)
