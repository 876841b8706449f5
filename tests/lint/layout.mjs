// Lays a graph out: Graphviz's language on standard input, SVG on standard output. Graphviz comes as WebAssembly, so that every
// machine draws the same picture to the byte.
import { readFileSync } from "node:fs";
import { instance } from "@viz-js/viz";

const viz = await instance();
process.stdout.write(viz.renderString(readFileSync(0, "utf8"), { format: "svg" }));
