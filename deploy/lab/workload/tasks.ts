/** The configuration of a workload process; a line of JSON on its standard input. */
export interface WorkloadConfiguration {
  /** Addresses of DNS servers, at most one per family; a call asks the one of its own family. */
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

/** The outcome of a call: answered, refused (RST or an ICMP error), or unanswered. */
export type Outcome = 'answered' | 'refused' | 'unanswered';

export interface Call {
  /** A DNS name or an address. */
  host: string;
  family: 4 | 6;
  everyMs: number;
  /** Source address; chosen by the system if absent. */
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

/** A TCP connection that is closed once established. */
export interface ConnectCall extends Call {
  kind: 'connect';
  port: number;
}

/** Some ICMP echo requests, a second apart. */
export interface PingCall extends Call {
  kind: 'ping';
  requests: number;
}
