from implicitbias import job, schema
from implicitbias.figures.draw import draw, save

with job.logged_to(snakemake.log[0]):
    figure = draw(schema.load(snakemake.input.study), **snakemake.params.settings)
    save(figure, snakemake.output, snakemake.params.code)
