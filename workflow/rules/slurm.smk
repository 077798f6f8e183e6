# SLURM's executor alone: what the cluster would never grant is refused before anything is submitted, and no job of a run
# that was stopped stays behind.

HERE = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent


onstart:
    if workflow.executor_plugin.name == "slurm":
        sys.path.append(str(HERE))
        import submission

        submission.check(workflow)
        submission.take_back_when_stopped(workflow)
