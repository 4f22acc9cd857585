import { describe, expect, it } from 'vitest';
import { labPrefix, podInterface } from './names.js';

describe('lab names', () => {
  it("uses Calico's interface name for a pod, of at most 15 characters", () => {
    // printf default.nginx | sha1sum | cut -c1-11
    expect(podInterface({ namespace: 'default', name: 'nginx' })).toBe('calic440f455693');
  });

  it('gives no lab a prefix that matches the names of another lab', () => {
    expect(() => labPrefix('demo-2')).toThrow(/letters and digits, not "demo-2"/);
    expect(() => labPrefix('')).toThrow(/1 to 20/);
    expect(labPrefix('demo2').startsWith(labPrefix('demo'))).toBe(false);
  });
});
