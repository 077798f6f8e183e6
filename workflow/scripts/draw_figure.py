from implicitbias import schema
from implicitbias.figures.draw import draw, save
from implicitbias.progress import logged_to

with logged_to(snakemake.log[0]):
    save(draw(schema.load(snakemake.input.study), **snakemake.params.settings), snakemake.output)
