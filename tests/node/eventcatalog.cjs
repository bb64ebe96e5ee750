// Reads a folder with EventCatalog's own SDK and prints what it found.
const { createRequire } = require('node:module');

const [modules, folder] = process.argv.slice(2);
const sdk = createRequire(`${modules}/`)('@eventcatalog/sdk').default(folder);

const withSchemas = (resources) => Promise.all(resources.map(async (each) => ({
  ...each, schema: JSON.parse(await sdk.getSchemaForMessage(each.id).then(({ schema }) => schema)),
})));

(async () => {
  console.log(JSON.stringify({
    domains: await sdk.getDomains({ latestOnly: true }),
    services: await sdk.getServices({ latestOnly: true }),
    events: await withSchemas(await sdk.getEvents({ latestOnly: true })),
    queries: await withSchemas(await sdk.getQueries({ latestOnly: true })),
  }));
})();
