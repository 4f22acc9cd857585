/** What one workload process does; written as a line of JSON on its standard input. */
export interface WorkloadConfiguration {
  /** Addresses of DNS servers, at most one a family; a call asks the one of its own family. */
  dnsServers: string[];
  serve: ServeTask[];
  call: CallTask[];
}

export type ServeTask = HttpService | DnsService;

/** Answers each request with as many bytes as the request asks for. */
export interface HttpService {
  kind: 'http';
  port: number;
}

/** Answers A and AAAA queries over UDP and TCP. */
export interface DnsService {
  kind: 'dns';
  port: number;
  /** Addresses of both families by name. */
  zone: Record<string, string[]>;
}

export type CallTask = HttpCall | ConnectCall | PingCall;

/** How a call ends: with an answer, with a refusal (RST or an ICMP error), or with silence. */
export type Outcome = 'answered' | 'refused' | 'unanswered';

export interface Call {
  /** A DNS name or an address. */
  host: string;
  family: 4 | 6;
  everyMs: number;
  /** Own address to call from; the system's choice when absent. */
  from?: string;
  /** Anything else is reported. */
  expect: Outcome;
}

/** A POST request. */
export interface HttpCall extends Call {
  kind: 'http';
  port: number;
  connection: 'fresh' | 'keep-alive';
  requestBytes: number;
  responseBytes: number;
}

/** A TCP connection that is closed as soon as it stands. */
export interface ConnectCall extends Call {
  kind: 'connect';
  port: number;
}

/** Some ICMP echo requests, a second apart. */
export interface PingCall extends Call {
  kind: 'ping';
  requests: number;
}
