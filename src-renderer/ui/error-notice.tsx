/** Owns how an error is shown in place: what happened, its code, and the way out. */
import type { ErrorView } from '../../src-main/contract/errors.ts';
import { Button } from './button.tsx';
import styles from './error-notice.module.css';
import { StateGlyph } from './state-glyph.tsx';

export interface ErrorNoticeProps {
  /** A `DomainError` or the error of a view: both carry these. */
  readonly error: Pick<ErrorView, 'code' | 'message' | 'retry'>;
  /** Left out: no retry is offered. Never offered where trying again cannot help. */
  readonly onRetry?: () => void;
  readonly retryLabel?: string;
}

/** An error, announced when it appears. */
export function ErrorNotice({ error, onRetry, retryLabel = 'Try again' }: ErrorNoticeProps) {
  return (
    <div className={styles.notice} role="alert">
      <StateGlyph state="failed" label={null} />
      <div className={styles.words}>
        {error.message}
        <code className={styles.code}>
          {error.code}
          {error.retry === 'automatic' && ' · Slipway tries again by itself'}
        </code>
      </div>
      {onRetry && error.retry !== 'never' && <Button onClick={onRetry}>{retryLabel}</Button>}
    </div>
  );
}
