import owasp from "@stoplight/spectral-owasp-ruleset";
import { oas } from "@stoplight/spectral-rulesets";

// Every rule of both rulesets, but for what stands below with its reason.
const ofTheGate = "$.paths[?(@property.match(/^\\/v1\\/tenants\\//))]..responses";

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
    // A rate belongs to a tenant's principal, and on 401 and on operations without a tenant there is none yet. What shields those is the
    // platform's limiter by address, which is no part of the contract.
    "owasp:api4:2023-rate-limit": at(
      "owasp:api4:2023-rate-limit",
      `${ofTheGate}[?(@property.match(/^(2|4)/) && @property !== "401")]`,
    ),
    "owasp:api8:2023-define-error-responses-401": at("owasp:api8:2023-define-error-responses-401", ofTheGate),
    // Public operations say why they are public (publicOperation({ because })), test/examples.ts lists them by hand, and
    // test/every-operation proves that all others refuse strangers. Those that write are how somebody signs up and in.
    "owasp:api2:2023-read-restricted": "off",
    "owasp:api2:2023-write-restricted": "off",
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
    // No page calls where a service posts its signed messages, nor, from another origin, what is a user's own.
    "owasp:api8:2023-define-cors-origin": at("owasp:api8:2023-define-cors-origin", [
      "$.paths[?(!@property.match(/^\\/(issuers|mail|v1\\/(?!tenants\\/))/))]..headers",
      "$.components.responses..headers",
    ]),
    // Whom to ask is a page of the operator's, who may prefer other means than e-mail.
    "contact-properties": "off",
  },
};
