import type { Business } from "./seed.ts";

/** The demo's two tenants: different trades, different cells. */
export const businesses: readonly [Business, Business] = [
  {
    slug: "harbour-cafe",
    name: "Harbour Café",
    trade: "venue",
    cell: "eu1",
    plan: "pro",
    currency: "EUR",
    timezone: "Europe/Lisbon",
    places: ["Quayside room", "Roof terrace"],
    people: [
      {
        name: "Inês Carvalho",
        email: "ines.carvalho@example.org",
        phone: "+351 912 345 678",
        note: "Celebrates every birthday here.",
      },
      {
        name: "Jonas Lindqvist",
        email: "jonas.lindqvist@example.org",
        phone: "+46 70 123 45 67",
        note: "Prefers the terrace.",
      },
    ],
    diet: { allergens: ["hazelnuts", "shellfish"], needs: "No alcohol in sauces." },
    work: [
      {
        description: "Room hire, per hour",
        quantityThousandths: 3500,
        unitPrice: 8000,
        taxBasisPoints: 2300,
      },
      { description: "Supper for one", quantityThousandths: 24000, unitPrice: 2950, taxBasisPoints: 1300 },
    ],
  },
  {
    slug: "northside-signs",
    name: "Northside Signs",
    trade: "print-shop",
    cell: "us1",
    plan: "enterprise",
    currency: "USD",
    timezone: "America/Chicago",
    places: ["Main workshop", "Vehicle bay"],
    people: [
      {
        name: "Dolores Whitfield",
        email: "dolores.whitfield@example.net",
        phone: "+1 312 555 0142",
        note: "Gate code is on the work order.",
      },
      {
        name: "Marcus Oyelaran",
        email: "marcus.oyelaran@example.net",
        phone: "+1 773 555 0199",
        note: "Wants proofs by e-mail only.",
      },
    ],
    diet: { allergens: ["sesame"], needs: "Vegetarian when lunch is brought to the site." },
    work: [
      {
        description: "Aluminium panel 1200 × 800, printed",
        quantityThousandths: 2000,
        unitPrice: 14500,
        taxBasisPoints: 1025,
      },
      { description: "Fitting, per hour", quantityThousandths: 1500, unitPrice: 9500, taxBasisPoints: 0 },
    ],
  },
];
