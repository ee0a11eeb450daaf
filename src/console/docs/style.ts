import base from "./style/base.css";
import code from "./style/code.css";
import contents from "./style/contents.css";
import frame from "./style/frame.css";
import guide from "./style/guide.css";
import index from "./style/index.css";
import mailbox from "./style/mailbox.css";
import narrow from "./style/narrow.css";
import operation from "./style/operation.css";
import attempt from "./style/try.css";

const sheets = [base, frame, contents, guide, index, operation, code, attempt, mailbox, narrow];

// Texts by wrangler.toml's rules, for which the types of style sheets have no word.
export const style = sheets.map(String).join("\n");
