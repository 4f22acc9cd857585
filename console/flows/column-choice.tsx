import { useFields } from '../records/use-fields.js';
import { Button, Checkbox, Toggletip } from '../kit/ui.js';
import { DEFAULT_COLUMNS, namedColumns } from './columns.js';

interface Properties {
  readonly chosen: readonly string[];
  /** Gives the ids of the chosen columns; undefined for the default ones. */
  readonly onChange: (ids: readonly string[] | undefined) => void;
}

/** Chooses the columns of the table: the named ones, and every field of the record. */
export function ColumnChoice({ chosen, onChange }: Properties) {
  return (
    <Toggletip placement="bottom-end" content={<Choices chosen={chosen} onChange={onChange} />}>
      <Button variant="secondary" icon="columns">
        Columns
      </Button>
    </Toggletip>
  );
}

function Choices({ chosen, onChange }: Properties) {
  const fields = useFields();
  const toggle = (id: string) => {
    const next = chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id];
    onChange(next.length === 0 || next.join() === DEFAULT_COLUMNS.join() ? undefined : next);
  };
  return (
    <div style={{ maxHeight: 400, overflow: 'auto' }}>
      {namedColumns.map(({ id, title }) => (
        <Checkbox key={id} label={title} value={chosen.includes(id)} onChange={() => toggle(id)} />
      ))}
      <hr />
      {fields.map(({ name, description }) => (
        <Checkbox
          key={name}
          label={name}
          description={description}
          value={chosen.includes(name)}
          onChange={() => toggle(name)}
        />
      ))}
    </div>
  );
}
