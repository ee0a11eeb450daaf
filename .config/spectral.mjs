import owasp from "@stoplight/spectral-owasp-ruleset";
import { oas } from "@stoplight/spectral-rulesets";

// Every rule of both rulesets, but for what stands below with its reason.
const ofTheGate = "$.paths[?(@property.match(/^\\/v1\\//))]..responses";

/** The ruleset's own rule, looking elsewhere. */
function at(name, given) {
  return { ...owasp.rules[name], given };
}

export default {
  extends: [
    [oas, "all"],
    [owasp, "all"],
  ],
  rules: {
    // A rate belongs to a principal, and on 401 and on public operations there is none yet. What shields those is the
    // platform's limiter by address, which is no part of the contract.
    "owasp:api4:2023-rate-limit": at(
      "owasp:api4:2023-rate-limit",
      `${ofTheGate}[?(@property.match(/^(2|4)/) && @property !== "401")]`,
    ),
    "owasp:api8:2023-define-error-responses-401": at("owasp:api8:2023-define-error-responses-401", ofTheGate),
    // Public reads say why they are public (publicOperation({ because })); test/every-operation proves that all others
    // refuse strangers. The rule for writes stays on.
    "owasp:api2:2023-read-restricted": "off",
    // It takes an id for the credential: `apiKeyId` names a key and opens nothing.
    "owasp:api2:2023-no-credentials-in-url": at(
      "owasp:api2:2023-no-credentials-in-url",
      "$..parameters[?(@ && @.in && @.in.match(/query|path/) && @.name !== 'apiKeyId')]",
    ),
    // The audit shows rows of every table as they were, and events their own facts, so their fields are open; nothing is
    // taken in by those schemas.
    "owasp:api3:2023-no-additionalProperties": at(
      "owasp:api3:2023-no-additionalProperties",
      "$..[?(@ && @.type=='object' && @.additionalProperties && @property !== 'row' && @property !== 'data')]",
    ),
    "owasp:api3:2023-constrained-additionalProperties": at(
      "owasp:api3:2023-constrained-additionalProperties",
      "$..[?(@ && @.type=='object' && @.additionalProperties && @property !== 'row' && @property !== 'data')]",
    ),
    // No page calls where a service posts its signed messages.
    "owasp:api8:2023-define-cors-origin": at("owasp:api8:2023-define-cors-origin", [
      "$.paths[?(!@property.match(/^\\/issuers\\//))]..headers",
      "$.components.responses..headers",
    ]),
    // Whom to ask is a page of the operator's, who may prefer other means than e-mail.
    "contact-properties": "off",
  },
};
