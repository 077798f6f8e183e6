# The workflow is where the Snakemake workflow catalog and modules of other workflows look for it.
include: "workflow/Snakefile"


workflow.default_target = "all"  # which an included file does not choose
