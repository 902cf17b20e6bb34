/** Owns the frame of a dialog that asks for values: its fields as a form, the way out, what sends it, and what went wrong. */
import { type ReactNode, useId } from 'react';
import type { Action } from '../state/use-action.ts';
import { Button } from './button.tsx';
import { DockedDialog, type DockedDialogProps } from './dialog.tsx';
import { ErrorNotice } from './error-notice.tsx';
import styles from './form-dialog.module.css';

export interface FormDialogProps extends Pick<DockedDialogProps, 'title' | 'footerNote' | 'onClose'> {
  readonly submitLabel: string;
  /** Whether the values can be sent as they are. Left out where the fields say what they lack once it was tried. */
  readonly fits?: boolean;
  readonly onSubmit: () => void;
  /** What sending runs. */
  readonly action: Pick<Action<never, unknown>, 'busy' | 'error'>;
  /** The fields. */
  readonly children: ReactNode;
}

/** A dialog with a form: Enter in a line of text sends it too. It closes itself by nothing but `onClose`. */
export function FormDialog(props: FormDialogProps) {
  const { title, footerNote, onClose, submitLabel, fits = true, onSubmit, action, children } = props;
  const formId = useId();
  return (
    <DockedDialog
      title={title}
      onClose={onClose}
      footerNote={footerNote}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" form={formId} disabled={!fits} busy={action.busy}>
            {submitLabel}
          </Button>
        </>
      }
    >
      <form
        id={formId}
        className={styles.form}
        noValidate
        onSubmit={event => {
          event.preventDefault();
          onSubmit();
        }}
      >
        {children}
        {/* Nothing is saved yet, so nothing is tried again by itself. */}
        {action.error && (
          <ErrorNotice error={{ code: action.error.code, message: action.error.message, retry: 'user' }} />
        )}
      </form>
    </DockedDialog>
  );
}
