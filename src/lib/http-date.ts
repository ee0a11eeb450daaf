import { secondMs } from "./time.ts";

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const shortDays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const longDays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const month = `(?<month>${months.join("|")})`;
const time = "(?<hours>\\d\\d):(?<minutes>\\d\\d):(?<seconds>\\d\\d)";
const short = `(?<day>${shortDays.join("|")})`;
const forms = [
  new RegExp(`^${short}, (?<date>\\d\\d) ${month} (?<year>\\d{4}) ${time} GMT$`),
  new RegExp(`^(?<day>${longDays.join("|")}), (?<date>\\d\\d)-${month}-(?<year>\\d\\d) ${time} GMT$`),
  new RegExp(`^${short} ${month} (?<date>\\d\\d| \\d) ${time} (?<year>\\d{4})$`),
];

/**
 * An HTTP-date in ms since 1970, in any of the three forms that RFC 9110 section 5.6.7 has recipients take; null where
 * it is of none, or there is no such moment. `now` tells the century of a year of two digits.
 */
export function httpDate(text: string, now: number): number | null {
  const parts = forms.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (!parts) return null;
  const { day = "", date, month = "", year = "" } = parts;
  const midnight = new Date(0);
  const whole = year.length === 2 ? fullYear(Number(year), now) : Number(year);
  midnight.setUTCFullYear(whole, months.indexOf(month), Number(date));
  // Of 31 February the 3rd of March was made.
  if (midnight.getUTCDate() !== Number(date)) return null;
  if (shortDays[midnight.getUTCDay()] !== day.slice(0, 3)) return null;
  const [hours, minutes, seconds] = [Number(parts.hours), Number(parts.minutes), Number(parts.seconds)];
  // A leap second is the one after it.
  if (hours > 23 || minutes > 59 || seconds > 60) return null;
  return midnight.getTime() + ((hours * 60 + minutes) * 60 + seconds) * secondMs;
}

// A year that seems to lie more than 50 years ahead is the last one that ended so.
function fullYear(twoDigits: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}
