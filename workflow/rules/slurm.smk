# SLURM's executor alone: what the cluster would never grant is refused before anything is submitted, and no job of a run
# that was stopped stays behind.

HERE = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent


def ask_the_cluster():
    """Before the first job of a run: end it where SLURM would not take its jobs."""
    if workflow.executor_plugin.name == "slurm":
        sys.path.append(str(HERE))
        import submission

        submission.check(workflow)
        submission.take_back_when_stopped(workflow)
