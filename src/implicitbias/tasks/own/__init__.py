"""Your own data: from a file or a folder to numbered classes and inputs."""
