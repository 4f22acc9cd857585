import { execInNamespace } from '@sonde/deploy/lab/command/namespace';

/** Asks a DNS server from a network namespace, one question after the other, whatever the answers are. */
export async function lookUp(
  networkNamespace: string,
  server: string,
  questions: readonly ['resolve4' | 'resolve6', string][],
): Promise<void> {
  const script = `
    const resolver = new (require('node:dns').promises.Resolver)({ timeout: 1000, tries: 1 });
    resolver.setServers([${JSON.stringify(server)}]);
    (async () => {
      for (const [method, name] of ${JSON.stringify(questions)}) await resolver[method](name).catch(() => 0);
    })();`;
  const { code, stderr } = await execInNamespace(networkNamespace, [process.execPath, '-e', script]);
  if (code !== 0) throw new Error(stderr);
}
