# Jobs on this machine are forks of one process that has imported the libraries (implicitbias.warm).
#
# Jobs that a scheduler starts elsewhere, or that run in environments of their own, are not.

import atexit
import shutil
import tempfile

from implicitbias.warm import VARIABLE


def fork_jobs_that_run_here():
    """Before the first job of a run: where its jobs find the process that they are forks of."""
    os.environ.pop(VARIABLE, None)
    if workflow.local_exec and not workflow.deployment_settings.deployment_method:
        sockets = tempfile.mkdtemp(prefix="implicitbias-")
        atexit.register(shutil.rmtree, sockets, ignore_errors=True)
        os.environ[VARIABLE] = f"{os.getpid()}:{sockets}"
