from implicitbias import job, schema
from implicitbias.devices import choose, use_threads
from implicitbias.sampling import sample

use_threads(snakemake.threads)
with job.logged_to(snakemake.log[0]):
    device = choose(snakemake.config["execution"]["device"])
    run = sample(schema.load(snakemake.input.task), **snakemake.params.settings, device=device)
    schema.save(run, snakemake.output[0], snakemake.params.code)
