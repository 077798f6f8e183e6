"""The config's JSON schema, for editors and for people: `python -m implicitbias.config.reference FILE`."""

import json
import sys
from pathlib import Path

from implicitbias.config.models import Config


def json_schema() -> str:
    """The text of config/schema.json."""
    schema = Config.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Config of the implicit-bias laboratory"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json_schema(), encoding="utf-8")
