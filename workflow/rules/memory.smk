# Results that Snakemake does not remember as they are, found once a run, before jobs are planned.
#
# Snakemake takes a file that it has no record of for good: one that was copied from another machine, or all of them once
# .snakemake is deleted. But every file says which code made it. So those of other code get a record, with words in the
# place of parameters, and Snakemake plans them anew as it does whatever has other parameters, where a target needs them.

from functools import partial

from implicitbias.schema import versions
from implicitbias.stamp import stamp_of

OTHER_CODE = "made by other code, or with other settings"
OTHER_VERSIONS = "computed with other versions of torch, numpy or scipy"
NO_WEIGHTS = "without weights, which a metric asks for"


def codes():
    """Every file of the plan, with the function that gives its code."""
    for stage, jobs in PLAN.jobs.items():
        for key in jobs:
            yield dataset(f"{stage}/{key}"), partial(CODES.point, f"{stage}/{key}")
    for address, product in PLAN.products.items():
        for file in product.files:
            yield file, partial(CODES.product, address, file)


def lack(path, code, remembered):
    """What is wrong with a file, or nothing; whether its code is right Snakemake knows of what it remembers."""
    upgraded = CONFIG.execution.rerun_on_upgrade and path.suffix == ".nc"
    weightless = path.parent.name == "training" and path.stem in PLAN.with_weights
    if remembered and not upgraded and not weightless:
        return ""
    stamp = stamp_of(path)
    if not remembered and stamp.get("code") != code():
        return OTHER_CODE
    if weightless and stamp.get("weights") == "left out":
        return NO_WEIGHTS
    if upgraded and any(
        stamp.get(key) != version for key, version in versions().items()
    ):
        return OTHER_VERSIONS
    return ""


def remember():
    """Give a record to every file that lacks something, and take ours from those that lack nothing any more."""
    from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord
    from snakemake.persistence.file import FilePersistence

    memory = FilePersistence(nolock=True)
    for name, code in codes():
        if not os.path.exists(name):
            continue
        record = memory._read_record(name)
        ours = record is not None and record.params in (
            [OTHER_CODE],
            [OTHER_VERSIONS],
            [NO_WEIGHTS],
        )
        reason = lack(Path(name), code, record is not None and not ours)
        if reason:
            memory._write_record(
                name,
                MetadataRecord(
                    params=[reason], record_format_version=RECORD_FORMAT_VERSION
                ),
            )
        elif ours:
            memory._delete_record(name)


if workflow.is_main_process:  # jobs' own processes look at nothing but their job
    remember()
