import torch

from implicitbias import schema
from implicitbias.devices import choose
from implicitbias.progress import logged_to
from implicitbias.training.run import train

execution = snakemake.config.get("execution", {})
torch.set_num_threads(snakemake.threads)
with logged_to(snakemake.log[0]):
    device = choose(execution.get("device", "auto"))
    memory = None if device == "cuda" else snakemake.resources.mem_mb * 2**20  # what the scheduler grants
    run = train(
        schema.load(snakemake.input.task),
        **snakemake.params.settings,
        device=device,
        memory_bytes=memory,
        keep_weights=execution.get("keep_weights", True),
    )
    schema.save(run, snakemake.output[0], snakemake.params.code)
