"""fhirpathpy on the work that paths.py hands over: per expression the rounds in µs a resource, and the values."""

import json
import sys
from time import process_time

import fhirpathpy
from fhirpathpy.models import models

told = []
for _, text, bodies in json.load(sys.stdin):
    path = fhirpathpy.compile(text, models["r4"])
    times = []
    for _ in range(int(sys.argv[1])):
        start = process_time()
        values = [path(body) for body in bodies]
        times.append((process_time() - start) / len(bodies) * 1e6)
    told.append([times, values])
json.dump(told, sys.stdout, default=str)
