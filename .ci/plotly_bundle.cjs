/* Builds static/js/vendor/plotly-population-VERSION.min.js: scatter, bar, heatmap and sankey, without `new Function`.

       npm install plotly.js@4.1.1 esbuild esbuild-plugin-environment esbuild-plugin-inline-css stream-browserify
       node /path/to/.ci/plotly_bundle.cjs /path/to/static/js/vendor      (in the folder of node_modules) */
"use strict";

const fs = require("fs");
const path = require("path");
const from = (name) => require(require.resolve(name, { paths: [process.cwd()] }));
const root = path.join(process.cwd(), "node_modules", "plotly.js");
const { version } = from("plotly.js/package.json");

// A style attribute is what our policy forbids; the same said through the style object is allowed.
const STYLES = [
  [/\.attr\('style', PIXELATED_IMAGE_STYLE\)/g, ".style('image-rendering', 'pixelated')"],
  [/\.attr\('style', ''\)/g, ".attr('style', null)"],
];
const withoutStyleAttributes = {
  name: "without-style-attributes",
  setup: (build) =>
    build.onLoad({ filter: /plotly\.js[/\\]src[/\\](traces[/\\]heatmap|components[/\\]colorbar)[/\\].*\.js$/ }, ({ path: file }) => ({
      contents: STYLES.reduce((text, [found, instead]) => text.replace(found, instead), fs.readFileSync(file, "utf8")),
      loader: "js",
    })),
};

from("esbuild").build({
  stdin: {
    contents: `
      var Plotly = require("./lib/core");
      Plotly.register([require("./lib/bar"), require("./lib/heatmap"), require("./lib/sankey")]);
      module.exports = Plotly;`,
    resolveDir: root,
  },
  // The rest as plotly.js builds its own bundles.
  format: "iife",
  globalName: "Plotly",
  bundle: true,
  minify: true,
  target: "es2016",
  plugins: [withoutStyleAttributes, from("esbuild-plugin-inline-css")(), from("esbuild-plugin-environment").environmentPlugin({ NODE_DEBUG: false })],
  alias: { stream: "stream-browserify" },
  define: { global: "window", "define.amd": "false" },
  banner: {
    js: `/**
* plotly.js (scatter, bar, heatmap, sankey - minified) v${version}
* Copyright 2012-2026, Plotly, Inc.
* All rights reserved.
* Licensed under the MIT license
*/`,
  },
  outfile: path.join(process.argv[2], `plotly-population-${version}.min.js`),
});
