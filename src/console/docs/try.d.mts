/** The script as a text (wrangler.toml, rules). */
declare const script: string;
export default script;
