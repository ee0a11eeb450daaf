/** The module as text, for the browser. */
declare const script: string;
export default script;
