import torch

from implicitbias import schema
from implicitbias.nngp.calibration import calibrate
from implicitbias.progress import logged_to

torch.set_num_threads(snakemake.threads)
with logged_to(snakemake.log[0]):
    schema.save(calibrate(**snakemake.params.settings), snakemake.output[0], snakemake.params.code)
