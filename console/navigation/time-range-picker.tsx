import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useState } from 'react';
import { usePageState } from '../host/page-state.js';
import { Button, Combobox, Field, IconButton, Input, Stack, Toggletip, useStyles2 } from '../kit/ui.js';
import { describeRange, lengthMs, quickRanges, shifted, timeMs } from '../time/time-range.js';

const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Chooses the time range and the time zone of the page. */
export function TimeRangePicker() {
  const styles = useStyles2(getStyles);
  const [{ range, zone }, change] = usePageState();
  const move = (direction: -1 | 1) => change({ range: shifted(range, direction, Date.now()) });
  return (
    <div className={styles.row} role="group" aria-label="Time range">
      <IconButton name="angle-left" aria-label="Move the time range back" onClick={() => move(-1)} />
      <Combobox
        aria-label="Time range"
        width={22}
        options={[
          ...quickRanges.map(({ label, value }) => ({ label, value })),
          ...(isQuick(range.from, range.to) ? [] : [{ label: describeRange(range, zone), value: CUSTOM }]),
        ]}
        value={isQuick(range.from, range.to) ? range.from : CUSTOM}
        onChange={({ value }) => value !== CUSTOM && change({ range: { from: value, to: 'now' } })}
      />
      <IconButton name="angle-right" aria-label="Move the time range forward" onClick={() => move(1)} />
      <Toggletip content={<CustomRange />} placement="bottom-end">
        <Button variant="secondary" icon="clock-nine" aria-label="Custom time range" />
      </Toggletip>
      <Combobox
        aria-label="Time zone"
        width={16}
        options={[
          { label: `Browser (${browserZone})`, value: 'browser' },
          { label: 'UTC', value: 'UTC' },
          ...Intl.supportedValuesOf('timeZone').map((name) => ({ label: name, value: name })),
        ]}
        value={zone}
        onChange={({ value }) => change({ zone: value })}
      />
    </div>
  );
}

const CUSTOM = 'custom';

function isQuick(from: string, to: string): boolean {
  return to === 'now' && quickRanges.some(({ value }) => value === from);
}

function CustomRange() {
  const [{ range }, change] = usePageState();
  const [from, setFrom] = useState(range.from);
  const [to, setTo] = useState(range.to);
  const [now] = useState(Date.now);
  const reason = (text: string) =>
    timeMs(text, now) === undefined ? 'Use 2026-03-01T12:00:00Z, now or -2h' : undefined;
  const isRange = lengthMs({ from, to }, now) !== undefined;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isRange) change({ range: { from, to } });
      }}
    >
      <Field label="From" invalid={reason(from) !== undefined} error={reason(from)}>
        <Input id="range-from" value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
      </Field>
      <Field label="To" invalid={reason(to) !== undefined} error={reason(to)}>
        <Input id="range-to" value={to} onChange={(event) => setTo(event.currentTarget.value)} />
      </Field>
      <Stack justifyContent="flex-end">
        <Button type="submit" disabled={!isRange}>
          Apply
        </Button>
      </Stack>
    </form>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  row: css({ display: 'flex', alignItems: 'center', gap: theme.spacing(0.5) }),
});
