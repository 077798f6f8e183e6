import torch

from implicitbias import schema
from implicitbias.devices import choose
from implicitbias.progress import logged_to
from implicitbias.sampling import sample

torch.set_num_threads(snakemake.threads)
with logged_to(snakemake.log[0]):
    device = choose(snakemake.config["execution"]["device"])
    run = sample(schema.load(snakemake.input.task), **snakemake.params.settings, device=device)
    schema.save(run, snakemake.output[0], snakemake.params.code)
