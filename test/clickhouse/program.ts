import { startClickHouseEndpoint } from './endpoint.js';

/** The endpoint over chDB as a program with the arguments DIRECTORY and PORT (0 selects a free one); prints its URL. */
const [directory, port] = process.argv.slice(2);
if (directory === undefined) throw new Error('say in which directory the engine keeps its files');
const endpoint = await startClickHouseEndpoint(directory, Number(port ?? 0));
console.log(endpoint.url);
process.once('SIGTERM', () => void endpoint.close());
