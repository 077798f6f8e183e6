from pathlib import Path

from implicitbias import job, schema
from implicitbias.figures.draw import draw, save

with job.logged_to(snakemake.log[0]):
    runs = schema.load(snakemake.input.runs)
    for figure, code in snakemake.params.codes.items():
        pictures = [path for path in snakemake.output if Path(path).stem == figure]
        save(draw(runs, figure=figure), pictures, code)
