import { expect, test } from "vitest";
import { distanceKm } from "#lib/great-circle.ts";

test("the way between places is as long as it is over a sphere, whichever way round", () => {
  const amsterdam = { latitude: 52.4, longitude: 4.9 };
  const newYork = { latitude: 40.7, longitude: -74 };
  expect(distanceKm(amsterdam, newYork)).toBeCloseTo(5_863, -1);
  expect(distanceKm(newYork, amsterdam)).toBeCloseTo(distanceKm(amsterdam, newYork), 6);
  expect(distanceKm(amsterdam, amsterdam)).toBe(0);
  // Over the date line, and to the other side of the earth.
  expect(distanceKm({ latitude: 0, longitude: 179.5 }, { latitude: 0, longitude: -179.5 })).toBeCloseTo(
    111,
    0,
  );
  expect(distanceKm({ latitude: 90, longitude: 0 }, { latitude: -90, longitude: 0 })).toBeCloseTo(20_015, 0);
});
