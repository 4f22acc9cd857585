import type { TestProcess } from '../faults/processes.js';

/** The value of a field in the first log line of a service that has it. */
export function said(service: TestProcess, field: string): string {
  for (const line of service.log.split('\n').filter((text) => text.startsWith('{'))) {
    const value = (JSON.parse(line) as Record<string, unknown>)[field];
    if (typeof value === 'string') return value;
  }
  throw new Error(`no log line with the field ${field} yet: ${service.log}`);
}

export async function get(url: string): Promise<{ status: number; body: string }> {
  const response = await fetch(url);
  return { status: response.status, body: await response.text() };
}
