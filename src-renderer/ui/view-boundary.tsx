/** Owns what is shown in place of a view that threw, or whose code could not be loaded: the rest of the page stays. */
import { Component, type ReactNode } from 'react';
import { ErrorNotice } from './error-notice.tsx';

interface ViewBoundaryProps {
  readonly children: ReactNode;
}

interface ViewBoundaryState {
  readonly error: Error | null;
}

/** React has no other way to catch what a component throws. Given another `key`, it begins anew. Source: react.dev, "Component" */
export class ViewBoundary extends Component<ViewBoundaryProps, ViewBoundaryState> {
  override state: ViewBoundaryState = { error: null };

  static getDerivedStateFromError(thrown: unknown): ViewBoundaryState {
    return { error: thrown instanceof Error ? thrown : new Error(String(thrown)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    // The code of a view is loaded once: only a fresh page asks for it again.
    return (
      <ErrorNotice
        error={{ code: 'internal', message: `This view could not be shown: ${error.message}`, retry: 'user' }}
        retryLabel="Load the page again"
        onRetry={() => window.location.reload()}
      />
    );
  }
}
