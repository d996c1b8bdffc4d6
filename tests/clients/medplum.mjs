// What a program with Medplum's client does against a FHIR server; told, step by step, as one JSON object.
// https://www.medplum.com/docs/sdk/core.medplumclient
import { pathToFileURL } from 'node:url';

const [, , library, address, token] = process.argv;
const { MedplumClient } = await import(pathToFileURL(library).href);
const origin = new URL(address);
const client = new MedplumClient({ baseUrl: `${origin.origin}/`, fhirUrlPath: origin.pathname.slice(1), cacheTime: 0 });
client.setAccessToken(token);

const pulse = (patient, day) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  subject: { reference: `Patient/${patient.id}` },
  effectiveDateTime: `2026-03-${String(day).padStart(2, '0')}T08:00:00Z`,
  valueQuantity: { value: 60 + day, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
});
const told = {};

const patient = await client.createResource({ resourceType: 'Patient', name: [{ family: 'Wang' }] });
told.read = (await client.readResource('Patient', patient.id)).name[0].family;
told.updated = (await client.updateResource({ ...patient, gender: 'female' })).meta.versionId;
const born = [{ op: 'add', path: '/birthDate', value: '1970-05-06' }];
told.patched = (await client.patchResource('Patient', patient.id, born)).birthDate;
told.versions = (await client.readHistory('Patient', patient.id)).entry.length;
told.first = (await client.readVersion('Patient', patient.id, '1')).gender ?? 'unsaid';

const same = { resourceType: 'Patient', identifier: [{ system: 'urn:ward', value: '7' }] };
const racers = Array.from({ length: 8 }, () => client.createResourceIfNoneExist(same, 'identifier=urn:ward|7'));
told.made = new Set((await Promise.all(racers)).map((one) => one.id)).size;
told.upserted = (await client.upsertResource({ ...same, active: true }, 'identifier=urn:ward|7')).active;

const days = Array.from({ length: 11 }, (_, n) => n + 1);
const entry = days.map((day) => ({ request: { method: 'POST', url: 'Observation' }, resource: pulse(patient, day) }));
const batch = await client.executeBatch({ resourceType: 'Bundle', type: 'transaction', entry });
told.stored = batch.entry.filter((one) => one.response.status.startsWith('201')).length;
told.pages = [];
const found = { patient: patient.id, code: '8867-4', _sort: '-date', _count: '4' };
for await (const page of client.searchResourcePages('Observation', found)) {
  told.pages.push(page.map((one) => one.effectiveDateTime.slice(8, 10)));
}
told.one = (await client.searchOne('Observation', { date: '2026-03-05' })).valueQuantity.value;
told.chart = (await client.readPatientEverything(patient.id)).entry.length;
told.codes = (await client.valueSetExpand({ url: 'http://hl7.org/fhir/ValueSet/administrative-gender' })).expansion.contains.length;

const fault = async (asked) => asked.then(() => 'nothing', (error) => error.outcome.issue[0].diagnostics);
told.refused = await fault(client.createResource({ resourceType: 'Patient', birthDate: 'yesterday' }));
told.unknown = await fault(client.searchResources('Patient', { colour: 'red' }));
await client.deleteResource('Patient', patient.id);
told.gone = await fault(client.readResource('Patient', patient.id));

console.log(JSON.stringify(told));
