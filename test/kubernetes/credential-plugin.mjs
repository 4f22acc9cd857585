/**
 * A credential plugin (Kubernetes, "client-go credential plugins"): gives the token that stands in the file named by
 * its argument, and counts its calls in a file beside it.
 */
import { appendFileSync, readFileSync } from 'node:fs';

const [, , file] = process.argv;
appendFileSync(`${file}.calls`, '.');
const expirationTimestamp = new Date(Date.now() + 3_600_000).toISOString();
const status = { token: readFileSync(file, 'utf8').trim(), expirationTimestamp };
console.log(
  JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status }),
);
