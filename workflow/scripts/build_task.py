from pathlib import Path

from implicitbias import schema
from implicitbias.progress import logged_to
from implicitbias.tasks.build import build

with logged_to(snakemake.log[0]):
    task = build(**snakemake.params.settings, raw_dir=Path(snakemake.params.raw))
    schema.save(task, snakemake.output[0], snakemake.params.code)
