from pathlib import Path

from implicitbias import schema
from implicitbias.progress import logged_to
from implicitbias.studies.all_runs import gather

with logged_to(snakemake.log[0]):
    studies = {Path(path).stem: schema.load(path) for path in snakemake.input}
    schema.save(gather(studies), snakemake.output[0], snakemake.params.code)
