/** Owns choosing one of a list: a button that says what is chosen, and a menu. */
import { Select as BaseSelect } from '@base-ui/react/select';
import { Check, ChevronDown } from 'lucide-react';
import { classes } from './classes.ts';
import field from './field.module.css';
import styles from './select.module.css';

export interface SelectOption<Value extends string> {
  readonly value: Value;
  readonly label: string;
  /** Quieter words after the label. */
  readonly detail?: string;
}

export interface SelectProps<Value extends string> {
  /** The name that a screen reader says. */
  readonly label: string;
  readonly value: Value | null;
  readonly options: readonly SelectOption<Value>[];
  readonly onChange: (value: Value) => void;
  /** Shown while nothing is chosen. */
  readonly placeholder?: string;
  readonly disabled?: boolean;
  readonly className?: string;
  readonly id?: string;
}

/** A select. The chosen label is strong and its detail quiet, as in a view's toolbar. */
export function Select<Value extends string>(props: SelectProps<Value>) {
  const { label, value, options, onChange, placeholder = 'Choose', disabled = false, className, id } = props;
  const chosen = options.find(option => option.value === value);
  return (
    <BaseSelect.Root
      value={value}
      disabled={disabled}
      modal={false}
      items={options.map(option => ({ value: option.value, label: option.label }))}
      onValueChange={next => {
        if (next !== null) onChange(next);
      }}
    >
      <BaseSelect.Trigger id={id} className={classes(styles.trigger, className)} aria-label={label}>
        <span
          className={styles.value}
          title={chosen ? [chosen.label, chosen.detail].filter(Boolean).join(' ') : undefined}
        >
          {chosen ? (
            <>
              <span className={styles.strong}>{chosen.label}</span>
              {chosen.detail && <span className={styles.detail}>{chosen.detail}</span>}
            </>
          ) : (
            placeholder
          )}
        </span>
        <ChevronDown size={14} strokeWidth={1.5} aria-hidden />
      </BaseSelect.Trigger>
      <BaseSelect.Portal>
        <BaseSelect.Positioner className={styles.positioner} sideOffset={4} alignItemWithTrigger={false}>
          <BaseSelect.Popup className={styles.popup}>
            {options.map(option => (
              <BaseSelect.Item key={option.value} value={option.value} className={styles.item}>
                <span className={styles.check}>
                  <BaseSelect.ItemIndicator>
                    <Check size={14} strokeWidth={1.5} aria-hidden />
                  </BaseSelect.ItemIndicator>
                </span>
                <BaseSelect.ItemText className={styles.itemText}>{option.label}</BaseSelect.ItemText>
                {option.detail && <span className={styles.detail}>{option.detail}</span>}
              </BaseSelect.Item>
            ))}
          </BaseSelect.Popup>
        </BaseSelect.Positioner>
      </BaseSelect.Portal>
    </BaseSelect.Root>
  );
}

export interface SelectFieldProps<Value extends string> extends Omit<SelectProps<Value>, 'id' | 'className'> {
  /** What is wrong with the choice. */
  readonly error?: string | undefined;
}

/** A select of a form: its name above it, and what is wrong below it. */
export function SelectField<Value extends string>({ error, ...select }: SelectFieldProps<Value>) {
  return (
    <div className={classes(field.field, field.choice)}>
      <span className={field.label}>{select.label}</span>
      <Select {...select} />
      {error && <span className={field.error}>{error}</span>}
    </div>
  );
}
