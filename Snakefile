from snakemake.utils import min_version

min_version("9.9")

# a config given on the command line replaces the default one; Snakemake alone would merge the two
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/tasks.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/measurement.smk"
include: "workflow/rules/nngp.smk"
include: "workflow/rules/experiments.smk"
include: "workflow/rules/studies.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/memory.smk"
include: "workflow/rules/failures.smk"
include: "workflow/rules/slurm.smk"
include: "workflow/rules/words.smk"
include: "workflow/rules/warm.smk"
include: "workflow/rules/pace.smk"


# once for all of them: Snakemake would keep the last of several
onstart:
    fork_jobs_that_run_here()
    ask_the_cluster()
    start_jobs_at_once()


rule all:
    default_target: True
    input:
        REPORT,
        # named here too: Snakemake takes an old report for good that it cannot make anew, but not without these
        rules.studies.input,
        rules.figures.input,
