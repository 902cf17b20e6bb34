/** Owns asking before an address from a log is opened: builds print what they like. */
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { DockedDialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { linkWarning } from '../../ui/log-links.ts';
import text from '../../ui/text.module.css';
import styles from './log-link-dialog.module.css';

/** Shows addresses in full, each with what can be done with it. Nothing is asked of their hosts before a person says so. */
export function LogLinkDialog({ urls, onClose }: { readonly urls: readonly string[]; readonly onClose: () => void }) {
  return (
    <DockedDialog
      title={urls.length === 1 ? 'Open this address?' : 'Addresses in sight'}
      onClose={onClose}
      footerNote="Printed by the build, not by Slipway"
      footer={<Button onClick={onClose}>Close</Button>}
    >
      {urls.length === 0 && <EmptyState title="No address in sight">Scroll to the line that has it.</EmptyState>}
      <ul className={styles.list}>
        {urls.map(url => (
          <Address key={url} url={url} onOpened={onClose} />
        ))}
      </ul>
    </DockedDialog>
  );
}

function Address({ url, onOpened }: { readonly url: string; readonly onOpened: () => void }) {
  const copy = useAction(() => navigator.clipboard.writeText(url));
  const warning = linkWarning(url);
  return (
    <li className={styles.item}>
      <code className={styles.url}>{url}</code>
      {warning && <p className={text.stale}>{warning}</p>}
      <div className={styles.actions}>
        <Button
          onClick={() => {
            // Neither a way back to this page, nor word of where the click came from.
            window.open(url, '_blank', 'noopener,noreferrer');
            onOpened();
          }}
        >
          Open in the browser
        </Button>
        <Button onClick={() => void copy.run()}>Copy</Button>
        {copy.error && <span className={text.failed}>{copy.error.message}</span>}
      </div>
    </li>
  );
}
