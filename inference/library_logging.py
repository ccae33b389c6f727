"""Importing this keeps the model libraries' progress bars and advice off the terminal.

What matters of it is raised as an error or logged by this project. Import it beside the libraries themselves: it
loads them.
"""

from __future__ import annotations

import functools
import logging
import warnings

from huggingface_hub.utils.tqdm import disable_progress_bars
from transformers import modeling_gguf_pytorch_utils as gguf_loading
from transformers.utils import logging as transformers_logging

disable_progress_bars()
transformers_logging.disable_progress_bar()
transformers_logging.set_verbosity_error()
gguf_loading.tqdm = functools.partial(gguf_loading.tqdm, disable=True)  # it asks none of the switches above
logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module=r"(peft|transformers|sentence_transformers)\.")
