/** Owns what the dialogs of regions share: a form that says what it lacks once it was sent, and closes when it was taken. */
import { type ReactNode, useState } from 'react';
import { useAction } from '../../state/use-action.ts';
import { FormDialog } from '../../ui/form-dialog.tsx';

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
  const sending = useAction(async (input: Input) => ({ result: await send(input) }));

  const submit = async () => {
    setTried(true);
    if (!checked.ok) return;
    const sent = await sending.run(checked.input);
    if (!sent) return;
    onDone(sent.result);
    onClose();
  };

  return (
    <FormDialog
      title={title}
      onClose={onClose}
      footerNote={footerNote}
      submitLabel={submitLabel}
      action={sending}
      onSubmit={() => void submit()}
    >
      {children(tried && !checked.ok ? checked.problems : {})}
    </FormDialog>
  );
}
