import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { AnswerView } from '../api/answer-view.js';
import { usePageState } from '../host/page-state.js';
import { Tab, TabsBar, useStyles2 } from '../kit/ui.js';
import { PolicyBoard } from './policy-board.js';
import { PolicyDetails } from './policy-details.js';
import { PreviewForm } from './preview-form.js';
import { SuggestForm } from './suggest-form.js';
import { usePolicies } from './use-policies.js';

const views = { board: 'Policies', preview: 'Preview a change', suggest: 'Suggest policies' } as const;
type View = keyof typeof views;

/** Policies in the order of their evaluation with what each did, and what changes to them would do. */
export function PoliciesPage() {
  const styles = useStyles2(getStyles);
  const [{ range, filter, value }, change] = usePageState();
  const overview = usePolicies(range, value('cluster'), filter);
  const view = (Object.keys(views) as View[]).find((one) => one === value('view')) ?? 'board';
  const place = value('policy');
  return (
    <div className={styles.page}>
      <TabsBar className={styles.tabs}>
        {(Object.keys(views) as View[]).map((one) => (
          <Tab
            key={one}
            label={views[one]}
            active={one === view}
            onChangeTab={() => change({ values: { view: one === 'board' ? undefined : one } })}
          />
        ))}
      </TabsBar>
      {view === 'preview' && <PreviewForm />}
      {view === 'suggest' && <SuggestForm />}
      {view === 'board' && (
        <AnswerView answer={overview} what="policies">
          {(data) => {
            const policy = data.tiers.flatMap(({ policies }) => policies).find((one) => one.place === place);
            return (
              <>
                <PolicyBoard
                  overview={data}
                  selected={place}
                  onSelect={(next) => change({ values: { policy: next } })}
                />
                {policy && <PolicyDetails policy={policy} cluster={data.cluster} />}
              </>
            );
          }}
        </AnswerView>
      )}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  tabs: css({ flexShrink: 0 }),
  page: css({
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(2),
    height: '100%',
    overflow: 'auto',
  }),
});
