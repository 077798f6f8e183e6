"""From a YAML file to the table of jobs: models, validation, and the plan."""
