"""fhir.resources on what paths.py hands over: per type the rounds in µs a resource, and how many it took."""

import json
import sys
from time import process_time

from fhir.resources.R4B import get_fhir_model_class

told = {}
for kind, texts in json.load(sys.stdin).items():
    model = get_fhir_model_class(kind)
    bodies = [text.encode() for text in texts]
    times = []
    for _ in range(int(sys.argv[1])):
        taken, start = 0, process_time()
        for body in bodies:
            try:
                model.model_validate_json(body)
                taken += 1
            except ValueError:
                pass
        times.append((process_time() - start) / len(bodies) * 1e6)
    told[kind] = [times, taken]
json.dump(told, sys.stdout)
