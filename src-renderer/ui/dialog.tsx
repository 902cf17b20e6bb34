/** Owns the dialog that docks beside the page it acts on, so that the fleet stays readable behind it. */
import { Dialog } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import buttonStyles from './button.module.css';
import { classes } from './classes.ts';
import styles from './dialog.module.css';

export interface DockedDialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  /** Buttons, the primary one last. */
  readonly footer?: ReactNode;
  /** A few quiet words at the left of the footer. */
  readonly footerNote?: ReactNode;
  /** `confirm` keeps the keyboard inside and dims the page: for what cannot be taken back by closing. */
  readonly kind?: 'panel' | 'confirm';
  readonly wide?: boolean;
}

/** A dialog at the right edge, open as long as it is rendered. Escape and the cross close it; the page stays usable. */
export function DockedDialog(props: DockedDialogProps) {
  const { title, onClose, children, footer, footerNote, kind = 'panel', wide = false } = props;
  return (
    <Dialog.Root
      open
      modal={kind === 'confirm' ? 'trap-focus' : false}
      disablePointerDismissal
      onOpenChange={open => {
        if (!open) onClose();
      }}
    >
      <Dialog.Portal>
        {kind === 'confirm' && <Dialog.Backdrop className={styles.backdrop} />}
        <Dialog.Popup className={classes(styles.popup, wide && styles.wide)}>
          <div className={styles.header}>
            <Dialog.Title className={styles.title}>{title}</Dialog.Title>
            <Dialog.Close className={buttonStyles.iconButton} aria-label="Close" title="Close (Esc)">
              <X size={16} strokeWidth={1.5} aria-hidden />
            </Dialog.Close>
          </div>
          <div className={styles.body}>{children}</div>
          {footer && (
            <div className={styles.footer}>
              <span className={styles.note}>{footerNote}</span>
              {footer}
            </div>
          )}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
