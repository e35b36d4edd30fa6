"""SAM and CloudFormation templates: which functions there are, what they need, and which routes lead to them."""

from layerctl.sam_template._model import Function, LayerReference, Route, Template
from layerctl.sam_template._read import load_template
from layerctl.sam_template._resolve import ACCOUNT

__all__ = ["ACCOUNT", "Function", "LayerReference", "Route", "Template", "load_template"]
