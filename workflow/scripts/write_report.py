from pathlib import Path

from implicitbias import job, schema
from implicitbias.report.build import build

with job.logged_to(snakemake.log[0]):
    settings = snakemake.params.settings
    studies = {Path(path).stem: schema.load(path) for path in snakemake.input.studies}
    images = [Path(path) for path in snakemake.input.figures if path.endswith(".png")]
    figures = {name: {path.stem: path for path in images if path.parent.name == name} for name in studies}
    runs, overview = schema.load(snakemake.input.runs), Path(snakemake.input.overview)
    page = build(studies, figures, runs=runs, overview=overview, code=snakemake.params.code, **settings)
    Path(snakemake.output[0]).write_text(page, encoding="utf-8")
