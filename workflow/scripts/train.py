from implicitbias import job, schema
from implicitbias.devices import choose, use_threads
from implicitbias.training.run import train

execution = snakemake.config["execution"]
use_threads(snakemake.threads)
with job.logged_to(snakemake.log[0]):
    device = choose(execution["device"])
    memory = None if device == "cuda" else snakemake.resources.mem_mb * 2**20  # what the scheduler grants
    run = train(
        schema.load(snakemake.input.task),
        **snakemake.params.settings,
        device=device,
        memory_bytes=memory,
        keep_weights=execution["keep_weights"] or snakemake.wildcards.key in snakemake.config["with_weights"],
    )
    schema.save(run, snakemake.output[0], snakemake.params.code)
