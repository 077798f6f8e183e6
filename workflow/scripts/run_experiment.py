import torch

from implicitbias import schema
from implicitbias.experiments.run import run
from implicitbias.progress import logged_to

torch.set_num_threads(snakemake.threads)
with logged_to(snakemake.log[0]):
    tasks = {name: schema.load(path) for name, path in snakemake.input.items()}
    schema.save(run(**snakemake.params.settings, **tasks), snakemake.output[0], snakemake.params.code)
