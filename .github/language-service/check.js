// Prints what GitHub's language service reports about workflow and action files; exits with 1 if it reports anything.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { register } from "node:module";

register("./json.js", import.meta.url);
const { validate } = await import("@actions/languageservice");
const { TextDocument } = await import("vscode-languageserver-textdocument");

const files = process.argv.slice(2);
let found = 0;
for (const file of files) {
  // The URI decides whether the file is read as an action or as a workflow.
  const name = basename(file);
  const uri = name === "action.yml" ? `file:///${name}` : `file:///.github/workflows/${name}`;
  for (const one of await validate(TextDocument.create(uri, "yaml", 0, readFileSync(file, "utf8")), {})) {
    found += 1;
    console.error(`${file}:${one.range.start.line + 1}:${one.range.start.character + 1}: ${one.message}`);
  }
}
console.error(`language service: ${files.length} files, ${found} findings`);
process.exitCode = found || !files.length ? 1 : 0;
