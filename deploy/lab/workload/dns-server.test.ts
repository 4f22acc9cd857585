import packet from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { answer } from './dns-server.js';

const zone = { 'web.shop.svc.cluster.local': ['10.96.0.7', 'fd00::7'] };

describe('the DNS server', () => {
  it('answers with addresses of the requested family', () => {
    expect(ask('web.shop.svc.cluster.local', 'A').answers).toMatchObject([{ type: 'A', data: '10.96.0.7' }]);
    expect(ask('web.shop.svc.cluster.local', 'AAAA').answers).toMatchObject([
      { type: 'AAAA', data: 'fd00::7' },
    ]);
  });

  it('ignores case and answers in the case of the query', () => {
    expect(ask('WEB.shop.svc.cluster.local', 'A').answers).toMatchObject([
      { name: 'WEB.shop.svc.cluster.local' },
    ]);
  });

  it('answers NOERROR without records for a known name and NXDOMAIN for an unknown name', () => {
    expect(ask('web.shop.svc.cluster.local', 'TXT')).toMatchObject({ rcode: 'NOERROR', answers: [] });
    expect(ask('nobody.example', 'A')).toMatchObject({ rcode: 'NXDOMAIN', answers: [] });
  });

  it('truncates a reply that is too long for the client and sets the TC flag', () => {
    const many = { 'many.example': Array.from({ length: 60 }, (_, index) => `192.0.2.${index}`) };
    const query = packet.encode({ type: 'query', id: 1, questions: [{ type: 'A', name: 'many.example' }] });
    const cut = answer(query, many, 512);
    expect(cut && packet.decode(cut)).toMatchObject({ flag_tc: true, answers: [] });
    const whole = answer(query, many, 0xffff);
    expect(whole && packet.decode(whole).answers).toHaveLength(60);
  });

  it('does not reply to messages that are not queries', () => {
    expect(answer(Buffer.from('GET / HTTP/1.1\r\n\r\n'), zone, 512)).toBeUndefined();
    expect(answer(packet.encode({ type: 'response', id: 1 }), zone, 512)).toBeUndefined();
  });
});

function ask(name: string, type: 'A' | 'AAAA' | 'TXT') {
  const reply = answer(packet.encode({ type: 'query', id: 7, questions: [{ type, name }] }), zone, 512);
  if (!reply) throw new Error('no reply');
  const decoded = packet.decode(reply) as ReturnType<typeof packet.decode> & { rcode: string };
  expect(decoded.id).toBe(7);
  return decoded;
}
