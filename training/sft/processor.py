"""What of a checkpoint is neither weights nor tokenizer: how pictures are prepared and a chat is laid out.

Knows the files' names. Reads none of them: our own engine needs none, plain transformers does.
"""

import shutil
from pathlib import Path

FILES = (
    "preprocessor_config.json",
    "video_preprocessor_config.json",
    "processor_config.json",
    "chat_template.json",
    "chat_template.jinja",
)


def copy_processor(model: str, folder: Path) -> list[str]:
    """Copy those files that a model's folder (or hub name) has and `folder` has not. Returns their names."""
    from transformers.utils.hub import cached_file

    copied = []
    for name in FILES:
        found = cached_file(model, name, _raise_exceptions_for_missing_entries=False)
        if found is not None and not (folder / name).exists():
            shutil.copyfile(found, folder / name)
            copied.append(name)
    return copied
