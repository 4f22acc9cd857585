import { Option } from 'commander';

/** `--from`, as the API takes it; `usual` if it is not given. */
export function fromOption(usual: string): Option {
  const description = `start of the time range: RFC 3339, or before now, as ${usual}`;
  return new Option('--from <time>', description).default(usual);
}

/** `--to`, as the API takes it. */
export function toOption(): Option {
  return new Option('--to <time>', 'end of the time range').default('now');
}
