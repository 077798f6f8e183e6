from implicitbias import job, schema
from implicitbias.devices import use_threads
from implicitbias.experiments.run import run

use_threads(snakemake.threads)
with job.logged_to(snakemake.log[0]):
    tasks = {name: schema.load(path) for name, path in snakemake.input.items()}
    schema.save(run(**snakemake.params.settings, **tasks), snakemake.output[0], snakemake.params.code)
