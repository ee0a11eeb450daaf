/** How many bytes of a file's beginning tell what it is. */
export const headBytes = 4096;

/** A test of a file's first bytes: all of them where it is shorter than `headBytes`. */
type Looks = (head: Uint8Array) => boolean;

const zip = anyOf(bytes("504b0304"), bytes("504b0506"));
const document = bytes("504b0304");
const compound = bytes("d0cf11e0a1b11ae1");
const postscript = anyOf(ascii("%!PS"), bytes("c5d0d3c6"));
// PDF readers find the header anywhere in the first kilobyte.
const pdf: Looks = (head) => latin1(head.subarray(0, 1024)).includes("%PDF-");

/**
 * The media types a file may be declared as, with what its first bytes must look like. A zip, an OLE compound or a
 * text is not looked into further: what such a file is for, its reader decides.
 */
const mediaTypes: Readonly<Record<string, Looks>> = {
  "application/pdf": pdf,
  "application/postscript": postscript,
  "application/illustrator": anyOf(pdf, postscript),
  "application/x-indesign": bytes("0606edf5d81d46e5bd31efe7fe74b71d"),
  "application/vnd.corel-draw": anyOf(riff("CDR"), document),
  "image/vnd.adobe.photoshop": ascii("8BPS"),
  "image/vnd.dwg": ascii("AC10"),
  "image/vnd.dxf": isText,
  "image/svg+xml": (head) => isText(head) && /<svg[\s>]/.test(latin1(head)),
  "image/png": bytes("89504e470d0a1a0a"),
  "image/jpeg": bytes("ffd8ff"),
  "image/gif": anyOf(ascii("GIF87a"), ascii("GIF89a")),
  "image/webp": riff("WEBP"),
  "image/tiff": anyOf(bytes("49492a00"), bytes("4d4d002a"), bytes("49492b00"), bytes("4d4d002b")),
  "image/bmp": ascii("BM"),
  "image/heic": isoMedia(/^(?:hei[cmsx]|hev[cmsx]|mif1|msf1)$/),
  "image/avif": isoMedia(/^avi[fs]$/),
  "video/mp4": isoMedia(/^(?!qt {2}|hei|hev|avi[fs])/),
  "video/quicktime": anyOf(isoMedia(/^qt {2}$/), ascii("moov", 4), ascii("mdat", 4)),
  "video/webm": bytes("1a45dfa3"),
  "audio/mpeg": anyOf(ascii("ID3"), (head) => head[0] === 0xff && ((head[1] ?? 0) & 0xe6) === 0xe2),
  "audio/wav": riff("WAVE"),
  "font/ttf": anyOf(bytes("00010000"), ascii("true")),
  "font/otf": ascii("OTTO"),
  "font/woff": ascii("wOFF"),
  "font/woff2": ascii("wOF2"),
  "application/zip": zip,
  "application/gzip": bytes("1f8b08"),
  "application/x-7z-compressed": bytes("377abcaf271c"),
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": document,
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": document,
  "application/vnd.openxmlformats-officedocument.presentationml.presentation": document,
  "application/vnd.oasis.opendocument.text": document,
  "application/vnd.oasis.opendocument.spreadsheet": document,
  "application/msword": compound,
  "application/vnd.ms-excel": compound,
  "application/json": isText,
  "application/xml": isText,
  "text/plain": isText,
  "text/csv": isText,
  "text/html": isText,
  // Claims nothing, so nothing can belie it.
  "application/octet-stream": () => true,
};

export const knownMediaTypes: readonly string[] = Object.keys(mediaTypes);

/** Whether a file that begins so may be what it is declared to be. */
export function looksLike(mediaType: string, head: Uint8Array): boolean {
  return (
    Object.hasOwn(mediaTypes, mediaType) && mediaTypes[mediaType]?.(head.subarray(0, headBytes)) === true
  );
}

function bytes(hex: string): Looks {
  const expected = hex.match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? [];
  return (head) => expected.every((byte, index) => head[index] === byte);
}

function ascii(text: string, offset = 0): Looks {
  return (head) => latin1(head.subarray(offset, offset + text.length)) === text;
}

function riff(form: string): Looks {
  return (head) => ascii("RIFF")(head) && ascii(form, 8)(head);
}

// ISO/IEC 14496-12: the first box is `ftyp`, and its major brand says what the rest is.
function isoMedia(brand: RegExp): Looks {
  return (head) => ascii("ftyp", 4)(head) && head.length >= 12 && brand.test(latin1(head.subarray(8, 12)));
}

function anyOf(...looks: readonly Looks[]): Looks {
  return (head) => looks.some((look) => look(head));
}

/** UTF-8 without the control characters that no text has. The last character may be cut by the end of the head. */
function isText(head: Uint8Array): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(head, {
      stream: head.length >= headBytes,
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what tells bytes from text
    return !/[\u0000-\u0008\u000b\u000e-\u001f]/.test(text);
  } catch {
    return false;
  }
}

function latin1(head: Uint8Array): string {
  return String.fromCharCode(...head);
}
