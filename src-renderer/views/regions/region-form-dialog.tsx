/** Owns what the dialogs of regions share: a form that says what it lacks once it was sent, and closes when it was taken. */
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { DockedDialog } from '../../ui/dialog.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import styles from './region-form.module.css';

/** A form as the engine wants it, or what each of its fields lacks. */
export type Checked<Input, Problems> =
  | { readonly ok: true; readonly input: Input }
  | { readonly ok: false; readonly problems: Problems };

export interface RegionFormDialogProps<Input, Problems, Result> {
  readonly title: string;
  /** What follows when it is sent. */
  readonly footerNote: string;
  readonly submitLabel: string;
  readonly checked: Checked<Input, Problems>;
  readonly send: (input: Input) => Promise<Result>;
  readonly onDone: (result: Result) => void;
  readonly onClose: () => void;
  /** The fields, with what is wrong with them: nothing before the first try. */
  readonly children: (problems: Partial<Problems>) => ReactNode;
}

export function RegionFormDialog<Input, Problems, Result>(props: RegionFormDialogProps<Input, Problems, Result>) {
  const { title, footerNote, submitLabel, checked, send, onDone, onClose, children } = props;
  const [tried, setTried] = useState(false);
  const formId = useId();
  const sending = useAction(async (input: Input) => ({ result: await send(input) }));

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!checked.ok) return;
    const sent = await sending.run(checked.input);
    if (!sent) return;
    onDone(sent.result);
    onClose();
  };

  return (
    <DockedDialog
      title={title}
      onClose={onClose}
      footerNote={footerNote}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" form={formId} busy={sending.busy}>
            {submitLabel}
          </Button>
        </>
      }
    >
      <form id={formId} className={styles.form} onSubmit={event => void submit(event)} noValidate>
        {children(tried && !checked.ok ? checked.problems : {})}
        {/* Nothing is saved yet, so nothing is tried again by itself. */}
        {sending.error && (
          <ErrorNotice error={{ code: sending.error.code, message: sending.error.message, retry: 'user' }} />
        )}
      </form>
    </DockedDialog>
  );
}
