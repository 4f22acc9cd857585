import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readManifests } from '@sonde/backbone/manifests/read';
import type { KubernetesObject, Node, Pod, Service } from '@sonde/model/cluster/objects';
import { parseAddress } from '@sonde/model/net/address';
import { parsePrefix } from '@sonde/model/net/prefix';
import ts from 'typescript';
import { expect, it } from 'vitest';

const repository = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const LAB = repository('deploy/lab/storefront/manifests');
/** Service ranges of the lab's cluster; the API server accepts at most 20 bits of addresses. */
const SERVICE_RANGES = ['10.96.0.0/16', 'fd00:10:96::/108'];

const TYPES: Readonly<Record<string, string>> = {
  'v1 Namespace': 'V1Namespace',
  'v1 Node': 'V1Node',
  'v1 Pod': 'V1Pod',
  'v1 Service': 'V1Service',
  'v1 ServiceAccount': 'V1ServiceAccount',
  'apps/v1 Deployment': 'V1Deployment',
  'apps/v1 ReplicaSet': 'V1ReplicaSet',
  'apps/v1 StatefulSet': 'V1StatefulSet',
  'apps/v1 DaemonSet': 'V1DaemonSet',
  'discovery.k8s.io/v1 EndpointSlice': 'V1EndpointSlice',
  'networking.k8s.io/v1 NetworkPolicy': 'V1NetworkPolicy',
  'rbac.authorization.k8s.io/v1 ClusterRole': 'V1ClusterRole',
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding': 'V1ClusterRoleBinding',
};

async function read(...paths: string[]): Promise<KubernetesObject[]> {
  const { objects, problems } = await readManifests(paths);
  expect(problems).toEqual([]);
  return objects.map(({ object }) => object);
}

const typeOf = ({ apiVersion, kind }: KubernetesObject) => TYPES[`${apiVersion} ${kind}`];

/**
 * Checks objects against the types that @kubernetes/client-node generates from the OpenAPI document of Kubernetes:
 * required fields, unknown fields and types of values. Returns the errors of the compiler.
 */
function schemaErrors(objects: readonly KubernetesObject[]): string[] {
  const file = path.join(import.meta.dirname, 'checked-manifests.ts');
  const text = [
    "import type * as k8s from '@kubernetes/client-node';",
    // In manifests, times are text, and fields with the name of a keyword have no underscore.
    'type Json<T> = T extends Date ? string : T extends readonly (infer Item)[] ? Json<Item>[] : T extends object ?' +
      ' { [Key in keyof T as Key extends `_${infer Name}` ? Name : Key]: Json<T[Key]> } : T;',
    ...objects.map((object, index) => {
      const literal = JSON.stringify(object);
      return `export const object${index}: Json<k8s.${typeOf(object) ?? ''}> = ${literal};`;
    }),
  ].join('\n');
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, types: ['node'] },
    ...{ module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022 },
  };
  const host = ts.createCompilerHost(options);
  const readFile = host.readFile.bind(host);
  const fileExists = host.fileExists.bind(host);
  host.readFile = (name) => (name === file ? text : readFile(name));
  host.fileExists = (name) => name === file || fileExists(name);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (name, languageVersion, ...rest) =>
    name === file
      ? ts.createSourceFile(name, text, languageVersion)
      : getSourceFile(name, languageVersion, ...rest);
  const program = ts.createProgram([file], options, host);
  const source = program.getSourceFile(file);
  const preamble = 2;
  return ts.getPreEmitDiagnostics(program, source).map(({ messageText, start = 0 }) => {
    const line = source?.getLineAndCharacterOfPosition(start).line ?? 0;
    const object = objects[line - preamble];
    const reason = ts.flattenDiagnosticMessageText(messageText, ' ');
    return `${object?.kind ?? ''} ${object?.metadata.name ?? ''}: ${reason}`;
  });
}

it('manifests of the lab and of the setup match the schemas of Kubernetes', async () => {
  const objects = await read(LAB, repository('deploy/rbac.yaml'), repository('test/e2e/open-lab/manifests'));
  const isCustom = ({ apiVersion }: KubernetesObject) => /(calico|policy\.networking)/.test(apiVersion);
  const known = objects.filter((object) => typeOf(object) !== undefined);
  expect(objects.filter((object) => !isCustom(object) && !known.includes(object))).toEqual([]);
  console.log(
    `${known.length} objects checked; ${objects.length - known.length} custom resources have no types`,
  );
  expect(schemaErrors(known)).toEqual([]);
  // The check itself fails on a field that is missing, unknown or of another type.
  const [pod] = known.filter(({ kind }) => kind === 'Pod');
  const invalid = [{ containers: undefined }, { nodeNames: 'a' }, { nodeName: 7 }].map((spec) => ({
    ...(pod as KubernetesObject & { spec: object }),
    spec: { ...(pod as KubernetesObject & { spec: object }).spec, ...spec },
  }));
  expect(schemaErrors(invalid)).toHaveLength(3);
}, 120_000);

it('objects of the lab keep the rules that an API server checks beyond schemas', async () => {
  const objects = await read(LAB);
  const isWithin = (address: string, range: string) => {
    const { network, bits } = parsePrefix(range);
    const bytes = parseAddress(address);
    return Array.from({ length: bits }, (_, bit) => bit).every(
      (bit) => (((bytes[bit >> 3] ?? 0) ^ (network[bit >> 3] ?? 0)) & (0x80 >> (bit & 7))) === 0,
    );
  };
  const nodes = new Map(
    objects
      .filter((object): object is Node => object.kind === 'Node')
      .map((node) => [node.metadata.name, node]),
  );
  const problems = objects.flatMap((object): string[] => {
    const name = `${object.kind} ${object.metadata.name}`;
    switch (object.kind) {
      case 'Service': {
        const { clusterIPs = [] } = (object as Service).spec ?? {};
        return clusterIPs
          .filter((ip) => ip !== 'None' && !SERVICE_RANGES.some((range) => isWithin(ip, range)))
          .map((ip) => `${name}: ${ip} is in no service range`);
      }
      case 'Deployment':
      case 'ReplicaSet': {
        const { selector, template } = (object as KubernetesObject & { spec: WorkloadSpec }).spec;
        return Object.entries(selector.matchLabels)
          .filter(([key, value]) => template.metadata.labels[key] !== value)
          .map(([key]) => `${name}: the template lacks the label ${key} of the selector`);
      }
      case 'Pod': {
        const { spec, status } = object as Pod;
        const ranges = nodes.get(spec?.nodeName ?? '')?.spec?.podCIDRs ?? [];
        return (spec?.hostNetwork === true ? [] : (status?.podIPs ?? []))
          .filter(({ ip }) => !ranges.some((range) => isWithin(ip, range)))
          .map(({ ip }) => `${name}: ${ip} is in no pod range of its node`);
      }
      default:
        return [];
    }
  });
  expect(problems).toEqual([]);
});

interface WorkloadSpec {
  readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly template: { readonly metadata: { readonly labels: Readonly<Record<string, string>> } };
}
