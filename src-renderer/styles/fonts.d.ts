/** Declares the font style sheets, which are imported for their effect alone. */
declare module '@fontsource-variable/inter/wght.css';
declare module '@fontsource-variable/jetbrains-mono/wght.css';
