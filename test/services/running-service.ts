import type { TestProcess } from '../faults/processes.js';

/** What a service said in a line of its log that has a field. */
export function said(service: TestProcess, field: string): string {
  for (const line of service.log.split('\n').filter((text) => text.startsWith('{'))) {
    const value = (JSON.parse(line) as Record<string, unknown>)[field];
    if (typeof value === 'string') return value;
  }
  throw new Error(`nothing of ${field} yet: ${service.log}`);
}

export async function get(url: string): Promise<{ status: number; body: string }> {
  const response = await fetch(url);
  return { status: response.status, body: await response.text() };
}
