/** Owns the fields of a form: text, checkbox, switch. */
import { type InputHTMLAttributes, type ReactNode, type Ref, type TextareaHTMLAttributes, useId } from 'react';
import { classes } from './classes.ts';
import styles from './field.module.css';

const belowId = (id: string) => `${id}-below`;

/** The label of a control, and what stands below it: a hint, or what is wrong. */
function Framed(props: {
  readonly id: string;
  readonly label: string;
  readonly hint: string | undefined;
  readonly error: string | null | undefined;
  readonly className: string | undefined;
  readonly children: ReactNode;
}) {
  const { id, label, hint, error, className, children } = props;
  const below = error ?? hint;
  return (
    <div className={classes(styles.field, className)}>
      <label className={styles.label} htmlFor={id}>
        {label}
      </label>
      {children}
      {below && (
        <span id={belowId(id)} className={error ? styles.error : styles.hint}>
          {below}
        </span>
      )}
    </div>
  );
}

export interface TextFieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value'> {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly hint?: string;
  /** What is wrong with the value. */
  readonly error?: string | null;
  readonly ref?: Ref<HTMLInputElement>;
}

/** One line of text with its label, and a hint or what is wrong below it. */
export function TextField({ label, value, onChange, hint, error, className, ...rest }: TextFieldProps) {
  const id = useId();
  return (
    <Framed id={id} label={label} hint={hint} error={error} className={className}>
      <input
        type="text"
        {...rest}
        id={id}
        className={styles.input}
        value={value}
        aria-invalid={error ? true : undefined}
        aria-describedby={(error ?? hint) ? belowId(id) : undefined}
        onChange={event => onChange(event.target.value)}
      />
    </Framed>
  );
}

export interface TextAreaProps extends Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, 'onChange' | 'value'> {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly hint?: string;
  /** What is wrong with the value. */
  readonly error?: string | null;
  /** Shows dots in place of what is typed: for values that nobody should read from the screen. */
  readonly concealed?: boolean;
}

/** Several lines of text with their label, and a hint or what is wrong below them. */
export function TextArea({
  label,
  value,
  onChange,
  hint,
  error,
  concealed = false,
  className,
  ...rest
}: TextAreaProps) {
  const id = useId();
  return (
    <Framed id={id} label={label} hint={hint} error={error} className={className}>
      <textarea
        rows={3}
        spellCheck={false}
        autoComplete="off"
        {...rest}
        id={id}
        className={classes(styles.input, styles.area, concealed && styles.concealed)}
        value={value}
        aria-invalid={error ? true : undefined}
        aria-describedby={(error ?? hint) ? belowId(id) : undefined}
        onChange={event => onChange(event.target.value)}
      />
    </Framed>
  );
}

export interface CheckFieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly className?: string;
}

/** A checkbox with a second line that says what follows from it. */
export function CheckField({ label, hint, checked, disabled, onChange, className }: CheckFieldProps) {
  return (
    <label className={classes(styles.check, className)}>
      <input
        type="checkbox"
        className={styles.box}
        checked={checked}
        disabled={disabled}
        onChange={event => onChange(event.target.checked)}
      />
      <span>
        <span className={styles.checkText}>{label}</span>
        {hint && <span className={styles.hint}>{hint}</span>}
      </span>
    </label>
  );
}

export interface SwitchProps {
  readonly label: ReactNode;
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly onChange: (checked: boolean) => void;
}

/** A switch that takes effect at once. */
export function Switch({ label, checked, disabled, onChange }: SwitchProps) {
  return (
    <label className={styles.switch}>
      <input
        type="checkbox"
        role="switch"
        aria-checked={checked}
        className={styles.switchInput}
        checked={checked}
        disabled={disabled}
        onChange={event => onChange(event.target.checked)}
      />
      <span className={styles.rail} aria-hidden />
      <span>{label}</span>
    </label>
  );
}
