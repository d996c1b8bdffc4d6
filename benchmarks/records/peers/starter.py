"""fhirstarter over dictionaries in memory, for benchmarks/records/peers.py: FHIRStarter leaves storing to who uses it.

https://pypi.org/project/fhirstarter/
"""

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from fhir.resources.R4B import get_fhir_model_class
from fhirstarter import FHIRProvider, FHIRStarter, InteractionContext
from fhirstarter.exceptions import FHIRResourceNotFoundError

TYPES = ("Patient", "Encounter", "Condition", "Observation", "Procedure", "MedicationRequest")


def provider_of(type: str) -> FHIRProvider:
    model, kept, provider = get_fhir_model_class(type), {}, FHIRProvider()

    async def update(context: InteractionContext, id_: str, resource: Any) -> Any:
        kept[id_] = resource
        return resource

    async def read(context: InteractionContext, id_: str) -> Any:
        if id_ not in kept:
            raise FHIRResourceNotFoundError
        return kept[id_]

    update.__annotations__["resource"] = model
    update.__annotations__["return"] = read.__annotations__["return"] = model
    provider.update(model)(update)
    provider.read(model)(read)
    return provider


starter = FHIRStarter()
starter.add_providers(*map(provider_of, TYPES))
app = FastAPI()
app.mount("/fhir", starter)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="critical")
