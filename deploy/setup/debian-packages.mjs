import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The Debian packages that Sonde needs, and why. */
const PACKAGES = [
  { name: 'clang', why: 'compiles the eBPF programs' },
  { name: 'libbpf-dev', why: 'loads them' },
  { name: 'libelf-dev', why: 'libbpf needs it' },
  { name: 'zlib1g-dev', why: 'libbpf needs it' },
  { name: 'bpftool', why: 'embeds them in flowprobe' },
  { name: 'gcc', why: 'compiles flowprobe' },
  { name: 'libc6-dev', why: 'compiles flowprobe' },
  { name: 'make', why: 'builds flowprobe' },
  { name: 'lld', why: "links the probe's code for capture files" },
  { name: 'wasi-libc', why: "compiles the probe's code for capture files" },
  { name: 'iproute2', why: "the lab's network namespaces" },
  { name: 'nftables', why: "the lab's services and policies" },
  { name: 'iputils-ping', why: "the lab's ICMP traffic" },
  { name: 'ethtool', why: 'segmentation offload of lab interfaces' },
  { name: 'tcpdump', why: 'records lab traffic; independent packet counts in tests' },
];

const PACKAGES_FOR_TESTS = [
  { name: 'libclang-rt-dev', why: 'fuzzes the packet parsers' },
  { name: 'maven', why: 'downloads the development Kafka and provides Java' },
  { name: 'openssl', why: 'creates TLS certificates for the development Kafka' },
  { name: 'protobuf-compiler', why: 'the Python program of docs/kafka-topics.md' },
  { name: 'python3-protobuf', why: 'the Python program of docs/kafka-topics.md' },
  { name: 'python3-confluent-kafka', why: 'the Python program of docs/kafka-topics.md' },
  { name: 'iperf3', why: 'bulk traffic for tests and benchmarks' },
  { name: 'chromium', why: 'the browser tests of the console' },
  { name: 'clang-format', why: 'checks the layout of the C files in lint' },
  { name: 'clang-tidy', why: 'checks the C files in lint' },
  { name: 'prometheus', why: 'promtool, which checks the metrics in tests' },
  { name: 'procps', why: 'sysctl, for the network namespaces of tests' },
  { name: 'util-linux', why: 'setpriv, to run without privileges in tests' },
];

/**
 * Installs missing packages. On other distributions it prints the list of packages; without root it prints the command
 * to run. Neither is an error: without the packages Sonde has no live traffic, and pcap
 * files only if the code for them was built before.
 */
export function installDebianPackages({ forTests, say, fail }) {
  if (process.platform !== 'linux') return;
  const wanted = forTests ? [...PACKAGES, ...PACKAGES_FOR_TESTS] : PACKAGES;
  const installed = installedPackages();
  if (installed === undefined) {
    say(`not a Debian system; to observe live traffic, install the equivalents of: ${names(wanted)}`);
    return;
  }
  const missing = wanted.filter(({ name }) => !installed.has(name));
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${names(missing)}`;
  if (process.getuid() !== 0) {
    say(`to observe live traffic, run once as root: ${command}`);
    return;
  }
  for (const { name, why } of missing) say(`installing ${name} (Debian): ${why}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const step of ['apt-get update -qq', command.replace('-y', '-y -qq')]) {
    const { status, stderr } = spawnSync('sh', ['-c', step], { env: environment, encoding: 'utf8' });
    if (status !== 0) fail(`\`${step}\` failed:\n${stderr}`);
  }
}

/** Names of the installed packages, or undefined without dpkg. Reads the status file because it is faster than dpkg. */
function installedPackages() {
  let status;
  try {
    status = readFileSync('/var/lib/dpkg/status', 'utf8');
  } catch {
    return undefined;
  }
  const installed = new Set();
  for (const paragraph of status.split('\n\n')) {
    const name = /^Package: (.*)$/m.exec(paragraph)?.[1];
    if (name && /^Status: .* installed$/m.test(paragraph)) installed.add(name);
  }
  return installed;
}

function names(packages) {
  return packages.map(({ name }) => name).join(' ');
}
