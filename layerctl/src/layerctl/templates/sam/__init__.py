"""SAM and CloudFormation templates: which functions there are, what they need, and which routes lead to them."""

from layerctl.templates.sam.model import Api, Cors, LocalFunction, Route, SamLayerReference, SamTemplate
from layerctl.templates.sam.read import load_template
from layerctl.templates.stand_ins import ACCOUNT

__all__ = ["ACCOUNT", "Api", "Cors", "LocalFunction", "Route", "SamLayerReference", "SamTemplate", "load_template"]
