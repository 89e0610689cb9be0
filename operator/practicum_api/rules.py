"""CEL rules beside the model they guard: they end up as `x-kubernetes-validations` in the CRD."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel
from pydantic.config import JsonDict

Model = TypeVar("Model", bound=type[BaseModel])

RULES_KEY = "x-kubernetes-validations"


def rules(*pairs: tuple[str, str]) -> Callable[[Model], Model]:
    """Attach CEL rules, each ``(expression, message)``, to the schema of a model."""

    def attach(model: Model) -> Model:
        extra: JsonDict = {
            RULES_KEY: [{"rule": rule, "message": message} for rule, message in pairs]
        }
        model.model_config["json_schema_extra"] = extra
        model.model_rebuild(force=True)
        return model

    return attach
