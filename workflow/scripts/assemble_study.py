from implicitbias import job, schema
from implicitbias.studies.assemble import assemble

with job.logged_to(snakemake.log[0]):
    study = dict(snakemake.params.study)
    pieces = [
        (p["coords"], p["prefix"], schema.load(f)) for p, f in zip(study.pop("pieces"), snakemake.input, strict=True)
    ]
    schema.save(assemble(pieces, **study), snakemake.output[0], snakemake.params.code)
