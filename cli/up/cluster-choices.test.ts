import { describe, expect, it } from 'vitest';
import { CLUSTER_OPTIONS, ClusterChoices } from './cluster-choices.js';

/** The clusters of a command line of these options, which all have values but `--kubeconfig` alone. */
function choicesOf(line: string) {
  const choices = new ClusterChoices();
  for (const [, name = '', value = null] of line.matchAll(/--(\S+)(?: ([^-]\S*))?/g)) {
    const option = CLUSTER_OPTIONS.find((known) => known === name);
    if (!option) throw new Error(`no option --${name}`);
    choices.take(option, value);
  }
  return choices.choices('lab', 'here');
}

describe('the clusters of a command line', () => {
  it('are one where none or one is named, whatever the order', () => {
    const captures = { kind: 'captures', files: ['a.pcap'] };
    expect(choicesOf('--pcap a.pcap')).toEqual([
      { name: 'lab', traffic: captures, manifests: [], kubeConfig: undefined },
    ]);
    expect(choicesOf('--pcap a.pcap --manifests m --cluster east --kubeconfig')).toEqual([
      { name: 'east', traffic: captures, manifests: ['m'], kubeConfig: 'usual places' },
    ]);
  });

  it('have the storefront lab where none is named', () => {
    const lab = (definition: string) => [{ traffic: { kind: 'lab', definition } }];
    expect(choicesOf('--lab --manifests m')).toMatchObject(lab('storefront'));
    expect(choicesOf('--lab own.yaml')).toMatchObject(lab('own.yaml'));
  });

  it('each have the options that follow them where several are named', () => {
    expect(
      choicesOf(
        '--cluster east --pcap a.pcap --pcap b.pcap --kubeconfig east.conf --cluster west --interface cali* --manifests m',
      ),
    ).toEqual([
      {
        ...{ name: 'east', manifests: [], kubeConfig: { file: 'east.conf' } },
        traffic: { kind: 'captures', files: ['a.pcap', 'b.pcap'] },
      },
      {
        ...{ name: 'west', manifests: ['m'], kubeConfig: undefined },
        traffic: { kind: 'interfaces', names: ['cali*'], node: 'here' },
      },
    ]);
  });

  it.each([
    ['--manifests m', 'specify exactly one of --lab, --pcap and --interface for cluster lab'],
    ['--pcap a --interface b --cluster east', 'for cluster east'],
    ['--pcap a --cluster east --cluster west --pcap b', 'must follow the --cluster'],
    ['--cluster east --pcap a --cluster east --pcap b', 'its own name'],
    ['--cluster east --lab a --cluster west --lab b', 'only one --cluster can be a --lab'],
  ])('make no sense as %s', (line, message) => {
    expect(() => choicesOf(line)).toThrow(message);
  });
});
