import { startClickHouseEndpoint } from './endpoint.js';

/** The endpoint over chDB as a program: DIRECTORY and PORT (0 takes any); says where it answers. */
const [directory, port] = process.argv.slice(2);
if (directory === undefined) throw new Error('say in which directory the engine keeps its files');
const endpoint = await startClickHouseEndpoint(directory, Number(port ?? 0));
console.log(endpoint.url);
process.once('SIGTERM', () => void endpoint.close());
