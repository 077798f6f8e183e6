import torch

from implicitbias import schema
from implicitbias.devices import choose
from implicitbias.nngp.evaluate import evaluate
from implicitbias.progress import logged_to

torch.set_num_threads(snakemake.threads)
with logged_to(snakemake.log[0]):
    device = choose(snakemake.config["execution"]["device"])
    result = evaluate(schema.load(snakemake.input.task), **snakemake.params.settings, device=device)
    schema.save(result, snakemake.output[0], snakemake.params.code)
