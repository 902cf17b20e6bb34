/** Owns the drawing of the slipway: six stages on one incline, and one hull. */
import type { CSSProperties, ReactNode } from 'react';
import type { StageName, StageView } from '../../src-main/contract/views/state.ts';
import { classes } from './classes.ts';
import { useNow } from './clock.ts';
import { StateGlyph } from './state-glyph.tsx';
import text from './text.module.css';
import styles from './track.module.css';
import { stageNames, type TrackModel, trackModel } from './track-model.ts';

const hullPath = 'M0 0H17.6L11.8 6H1.5Z';
/** The incline in the 16 px of the drawing: from 2 at the start to 14 at the water. */
const heightAt = (x: number) => 2 + (12 * x) / 100;

/** Custom properties place what CSS draws. */
function place(values: Readonly<Record<`--${string}`, string | number>>): CSSProperties {
  return values;
}

function Ways({ model }: { readonly model: TrackModel }) {
  const { passedX, hullX, liveState, afloat } = model;
  return (
    <svg className={styles.ways} viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden>
      <line x1={0} y1={2} x2={passedX} y2={heightAt(passedX)} />
      {liveState && (
        <line
          className={classes(styles.live, styles[liveState])}
          x1={passedX}
          y1={heightAt(passedX)}
          x2={hullX}
          y2={heightAt(hullX)}
        />
      )}
      {!afloat && <line className={styles.ahead} x1={hullX} y1={heightAt(hullX)} x2={100} y2={14} />}
    </svg>
  );
}

function Hull({ model }: { readonly model: TrackModel }) {
  if (model.afloat) {
    return (
      <svg className={classes(styles.hull, styles.verified)} viewBox="0 0 18 6" aria-hidden>
        <path d={hullPath} />
      </svg>
    );
  }
  if (model.liveState === null) return null;
  const position = place({ '--x': `${model.hullX.toFixed(2)}%`, '--y': `${((12 * model.hullX) / 100).toFixed(1)}px` });
  if (model.liveState === 'failed' || model.liveState === 'stale') {
    return (
      <span className={styles.halt} style={position}>
        <StateGlyph state={model.liveState} label={null} />
      </span>
    );
  }
  return (
    <svg className={classes(styles.hull, styles[model.liveState])} style={position} viewBox="-1 -1 20 8" aria-hidden>
      <path d={hullPath} />
    </svg>
  );
}

export interface TrackProps {
  readonly stages: readonly StageView[];
  /** Writes each stage's name above its time: the large track of a job. */
  readonly named?: boolean;
  /** Where a stage's time leads; null where it leads nowhere. */
  readonly hrefOf?: (stage: StageName) => string | null;
  /** With `named`: what stands under a stage that has no time, instead of `not reached`. */
  readonly aheadText?: (stage: StageName) => string;
}

/** A stage track. Give it the width of its column; it keeps 32 px at its right for the water. */
export function Track({ stages, named = false, hrefOf, aheadText }: TrackProps) {
  const model = trackModel(stages, useNow());
  return (
    <div className={classes(styles.track, named && styles.named, model.afloat && styles.afloat)}>
      <span className={text.hidden}>{model.words}</span>
      <Ways model={model} />
      <span className={styles.water} />
      {stageNames.map((stage, index) => (
        <span
          key={stage}
          className={classes(
            styles.node,
            index <= model.reachedIndex && styles.on,
            index === model.liveIndex && model.liveState && styles[model.liveState],
          )}
          style={place({ '--i': index })}
        />
      ))}
      <Hull model={model} />
      {stageNames.map((stage, index) => {
        const label = model.labels.find(item => item.stage === stage);
        if (!label && !named) return null;
        const content: ReactNode = (
          <>
            {named && <span className={styles.name}>{stage}</span>}
            <span>
              {label ? label.text : (aheadText?.(stage) ?? 'not reached')}
              {label?.extra && <span className={styles.extra}>{label.extra}</span>}
            </span>
          </>
        );
        const className = classes(styles.label, label?.state && styles.now, label?.state && styles[label.state]);
        const href = hrefOf?.(stage);
        return href ? (
          <a key={stage} href={href} className={className} style={place({ '--i': index })}>
            {content}
          </a>
        ) : (
          <span key={stage} className={className} style={place({ '--i': index })}>
            {content}
          </span>
        );
      })}
    </div>
  );
}
