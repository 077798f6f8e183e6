from pathlib import Path

from implicitbias import job, schema
from implicitbias.config.layout import STATE
from implicitbias.devices import choose, use_threads
from implicitbias.training.run import train
from implicitbias.training.saved import Saved

execution = snakemake.config["execution"]
use_threads(snakemake.threads)
with job.logged_to(snakemake.log[0]):
    device = choose(execution["device"])
    memory = None if device == "cuda" else snakemake.resources.mem_mb * 2**20  # what the scheduler grants
    weights = execution["keep_weights"] or snakemake.wildcards.key in snakemake.config["with_weights"]
    identity = f"{snakemake.params.code} {device} {'with' if weights else 'without'} weights"
    saved = Saved(Path(snakemake.output[0]).with_suffix(STATE), identity)
    run = train(
        schema.load(snakemake.input.task),
        **snakemake.params.settings,
        device=device,
        memory_bytes=memory,
        keep_weights=weights,
        saved=saved,
    )
    schema.save(run, snakemake.output[0], snakemake.params.code)
    saved.clear()
