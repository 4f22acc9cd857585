import { describe, expect, it } from 'vitest';
import { labPrefix, podInterface } from './names.js';

describe('names in a lab', () => {
  it('gives a pod the interface name that Calico gives it, within 15 characters', () => {
    // printf default.nginx | sha1sum | cut -c1-11
    expect(podInterface({ namespace: 'default', name: 'nginx' })).toBe('calic440f455693');
  });

  it('lets no prefix of one lab begin the names of another', () => {
    expect(() => labPrefix('demo-2')).toThrow(/letters and digits, not "demo-2"/);
    expect(() => labPrefix('')).toThrow(/1 to 20/);
    expect(labPrefix('demo2').startsWith(labPrefix('demo'))).toBe(false);
  });
});
