from implicitbias import schema
from implicitbias.progress import logged_to
from implicitbias.studies.assemble import assemble

with logged_to(snakemake.log[0]):
    study = dict(snakemake.params.study)
    pieces = [
        (p["coords"], p["prefix"], schema.load(f)) for p, f in zip(study.pop("pieces"), snakemake.input, strict=True)
    ]
    schema.save(assemble(pieces, **study), snakemake.output[0], snakemake.params.code)
