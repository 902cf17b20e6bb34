/** Owns the frame of a dialog that asks before something is done: the way out, and the one button that does it. */
import type { ReactNode } from 'react';
import type { Action } from '../state/use-action.ts';
import { Button } from './button.tsx';
import { DockedDialog, type DockedDialogProps } from './dialog.tsx';

export interface ConfirmDialogProps extends Pick<DockedDialogProps, 'title' | 'footerNote' | 'onClose' | 'children'> {
  /** The verb on the button. */
  readonly confirmLabel: string;
  readonly confirmIcon?: ReactNode;
  readonly disabled?: boolean;
  readonly onConfirm: () => void;
  /** What confirming runs. */
  readonly action: Pick<Action<never, unknown>, 'busy'>;
}

/** A dialog that holds the page until it is answered. What went wrong is shown by whoever knows where. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, footerNote, onClose, confirmLabel, confirmIcon, disabled, onConfirm, action, children } = props;
  return (
    <DockedDialog
      kind="confirm"
      title={title}
      onClose={onClose}
      footerNote={footerNote}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" icon={confirmIcon} disabled={disabled} busy={action.busy} onClick={onConfirm}>
            {confirmLabel}
          </Button>
        </>
      }
    >
      {children}
    </DockedDialog>
  );
}
