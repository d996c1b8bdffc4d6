// fhirpath.js on the work that paths.py hands over: per expression the rounds in µs a resource, and the values.
// node in_node.mjs FOLDER_OF_NODE_MODULES ROUNDS
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, rounds] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const fhirpath = require("fhirpath");
const model = require("fhirpath/fhir-context/r4");
const spent = () => process.cpuUsage().user + process.cpuUsage().system;
const told = JSON.parse(readFileSync(0, "utf8")).map(([, text, bodies]) => {
  const path = fhirpath.compile(text, model);
  const times = [];
  let values = [];
  for (let round = 0; round < Number(rounds); round++) {
    const start = spent();
    values = bodies.map((body) => path(body));
    times.push((spent() - start) / bodies.length);
  }
  return [times, values];
});
process.stdout.write(JSON.stringify(told));
