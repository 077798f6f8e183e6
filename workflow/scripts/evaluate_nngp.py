from implicitbias import job, schema
from implicitbias.devices import choose, use_threads
from implicitbias.nngp.evaluate import evaluate

use_threads(snakemake.threads)
with job.logged_to(snakemake.log[0]):
    device = choose(snakemake.config["execution"]["device"])
    result = evaluate(schema.load(snakemake.input.task), **snakemake.params.settings, device=device)
    schema.save(result, snakemake.output[0], snakemake.params.code)
