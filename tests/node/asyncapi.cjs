// Reads an AsyncAPI document with AsyncAPI's own parser and prints what it understood and refused.
const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');

const [modules, file] = process.argv.slice(2);
const { Parser } = createRequire(`${modules}/`)('@asyncapi/parser');

new Parser().parse(readFileSync(file, 'utf8')).then(({ document, diagnostics }) => {
  const all = (items) => (document ? items(document).all() : []);
  console.log(JSON.stringify({
    diagnostics: diagnostics.map(({ code, severity, message, path }) => ({ code, severity, message, path })),
    channels: all((it) => it.channels()).map((channel) => channel.id()),
    messages: all((it) => it.messages()).map((message) => message.name()),
    operations: all((it) => it.operations()).map((operation) => ({
      id: operation.id(),
      action: operation.action(),
      messages: operation.messages().all().map((message) => message.name()),
      fields: operation.messages().all().flatMap((message) => Object.keys(message.payload()?.properties() ?? {})),
    })),
  }));
});
