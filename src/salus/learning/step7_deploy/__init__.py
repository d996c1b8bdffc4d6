"""Deploy: the registry, and models as the bedside asks them."""

from salus.learning.step7_deploy.deployed import Deployed
from salus.learning.step7_deploy.prediction import Contribution, Prediction
from salus.learning.step7_deploy.registry import Registry

__all__ = ["Contribution", "Deployed", "Prediction", "Registry"]
