"""Stands in for torchvision: SGLang imports it for its image models, and its wheels need the CUDA build of torch."""

from absent import stand_in

__version__ = "0"

__getattr__ = stand_in(__name__, "this server has no torchvision: it serves text only")
