import { expect, test } from "vitest";
import { headBytes, knownMediaTypes, looksLike } from "#lib/media-types.ts";
import { utf8 } from "#lib/utf8.ts";

const hex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const box = (brand: string) => utf8(`\0\0\0\x20ftyp${brand}\0\0\0\0`);
const docx = hex("504b030414000600080000002100");
const ole = hex("d0cf11e0a1b11ae10000000000000000");
const svg = '<?xml version="1.0"?>\n<!-- Made by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"/>';

/** How files of each type begin, by hand. */
const beginnings: Readonly<Record<string, readonly Uint8Array[]>> = {
  "application/pdf": [utf8("%PDF-1.7\n"), utf8(`${"\n".repeat(1000)}%PDF-1.4`)],
  "application/postscript": [utf8("%!PS-Adobe-3.0 EPSF-3.0"), hex("c5d0d3c620000000")],
  "application/illustrator": [utf8("%PDF-1.5\r"), utf8("%!PS-Adobe-3.0")],
  "application/x-indesign": [hex("0606edf5d81d46e5bd31efe7fe74b71d444f43554d454e54")],
  "application/vnd.corel-draw": [utf8("RIFF\x10\0\0\0CDRD"), docx],
  "image/vnd.adobe.photoshop": [utf8("8BPS\0\x01")],
  "image/vnd.dwg": [utf8("AC1032\0\0")],
  "image/vnd.dxf": [utf8("  0\r\nSECTION\r\n  2\r\nHEADER\r\n")],
  "image/svg+xml": [
    utf8(svg),
    utf8("\ufeff<svg>"),
    utf8(`<!DOCTYPE svg>${" ".repeat(3000)}<svg\nwidth="1">`),
  ],
  "image/png": [hex("89504e470d0a1a0a0000000d49484452")],
  "image/jpeg": [hex("ffd8ffe000104a464946"), hex("ffd8ffe1")],
  "image/gif": [utf8("GIF89a\x01"), utf8("GIF87a\x01")],
  "image/webp": [utf8("RIFF\x10\0\0\0WEBPVP8 ")],
  "image/tiff": [
    hex("49492a0008000000"),
    hex("4d4d002a00000008"),
    hex("49492b0008000000"),
    hex("4d4d002b00080000"),
  ],
  "image/bmp": [utf8("BM\x10\0\0\0")],
  "image/heic": [box("heic"), box("mif1")],
  "image/avif": [box("avif")],
  "video/mp4": [box("isom"), box("mp42"), box("avc1"), box("M4V ")],
  "video/quicktime": [box("qt  "), utf8("\0\0\x10\0moov"), utf8("\0\0\x10\0mdat")],
  "video/webm": [hex("1a45dfa301000000")],
  "audio/mpeg": [utf8("ID3\x04"), hex("fffb9000"), hex("fff34400")],
  "audio/wav": [utf8("RIFF\x10\0\0\0WAVEfmt ")],
  "font/ttf": [hex("0001000000100080"), utf8("true\0\x10")],
  "font/otf": [utf8("OTTO\0\x10")],
  "font/woff": [utf8("wOFF\0\x01")],
  "font/woff2": [utf8("wOF2\0\x01")],
  "application/zip": [docx, hex("504b0506000000000000")],
  "application/gzip": [hex("1f8b0800")],
  "application/x-7z-compressed": [hex("377abcaf271c0004")],
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": [docx],
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": [docx],
  "application/vnd.openxmlformats-officedocument.presentationml.presentation": [docx],
  "application/vnd.oasis.opendocument.text": [docx],
  "application/vnd.oasis.opendocument.spreadsheet": [docx],
  "application/msword": [ole],
  "application/vnd.ms-excel": [ole],
  "application/json": [utf8('{"a": 1}')],
  "application/xml": [utf8("<?xml version='1.0'?><a/>")],
  "text/plain": [utf8("Grüße,\r\n\tein Text.\f"), utf8("x"), utf8("é".repeat(headBytes))],
  "text/csv": [utf8("a;b\n1;2\n")],
  "text/html": [utf8("<!doctype html><p>Hi")],
  "application/octet-stream": [hex("00"), utf8("anything")],
};

test("every media type that may be declared has a beginning here", () => {
  expect(Object.keys(beginnings).toSorted()).toEqual(knownMediaTypes.toSorted());
});

for (const [type, heads] of Object.entries(beginnings)) {
  test(`a file that begins as ${type} does is taken for one`, () => {
    for (const head of heads) expect(looksLike(type, head)).toBe(true);
  });

  test(`a program, a script or nothing is not taken for ${type}`, () => {
    if (type === "application/octet-stream") return;
    const program = hex("4d5a90000300000004000000ffff0000");
    const elf = hex("7f454c4602010100");
    const isText = /^text\/|json|xml$|dxf/.test(type);
    for (const head of [program, elf, ...(isText ? [] : [utf8("#!/bin/sh\n"), new Uint8Array()])])
      expect(looksLike(type, head)).toBe(false);
  });
}

const belied: readonly [declared: string, head: Uint8Array][] = [
  ["image/png", utf8(svg)],
  ["image/png", hex("89504e470d0a1a")],
  ["image/jpeg", hex("89504e470d0a1a0a")],
  ["image/svg+xml", utf8("<html><body>")],
  ["image/svg+xml", utf8("<svgx>")],
  ["image/svg+xml", utf8(`<svg>\0`)],
  ["image/svg+xml", utf8(`${" ".repeat(headBytes)}<svg>`)],
  ["image/webp", utf8("RIFF\x10\0\0\0WAVEfmt ")],
  ["image/heic", box("isom")],
  ["video/mp4", box("heic")],
  ["video/mp4", box("avif")],
  ["video/mp4", box("qt  ")],
  ["video/mp4", utf8("\0\0\0\x08ftyp")],
  ["audio/mpeg", hex("ffd8ffe0")],
  ["audio/mpeg", hex("fffe6100")],
  ["application/pdf", utf8(`${" ".repeat(1024)}%PDF-1.7`)],
  ["application/zip", hex("504b0708")],
  ["text/plain", hex("fffe610062006300")],
  ["text/plain", hex("c328")],
  ["text/plain", hex("61c3")],
  ["text/plain", utf8("a\x1b[31m")],
  ["text/unheard-of", utf8("x")],
  ["toString", utf8("x")],
  ["constructor", utf8("x")],
];

for (const [declared, head] of belied) {
  test(`${declared} is belied by ${JSON.stringify(String.fromCharCode(...head.subarray(0, 12)))}`, () => {
    expect(looksLike(declared, head)).toBe(false);
  });
}
