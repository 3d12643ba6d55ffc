import { describe, expect, it } from "vitest";

import type { Line } from "../src/api/types";
import { fromMark, markLine, whereOf } from "../src/lib/lines";

const shown = (pieces: ReturnType<typeof markLine>) =>
  pieces.map(({ text, marked }) => (marked ? `[${text}]` : text)).join("");

describe("marks in lines", () => {
  it("are on words of any case that stand there", () => {
    expect(shown(markLine("No parking here", ["parking", "here"]))).toBe("No [parking] [here]");
  });

  it("are on a word that is written as two, and on two that are written as one", () => {
    expect(shown(markLine("a sea bird", ["seabird"]))).toBe("a [sea bird]");
    expect(shown(markLine("the lighthouse", ["light", "house"]))).toBe("the [lighthouse]");
    expect(shown(markLine("the man in the sand", ["mansand"]))).toBe("the man in the sand");
  });
});

describe("a line where there is little room", () => {
  it("begins shortly before its first mark, and loses nothing behind it", () => {
    const line = "The ferry to the island leaves at seven, so bring an umbrella.";
    expect(shown(fromMark(markLine(line, ["umbrella"])))).toBe("…at seven, so bring an [umbrella].");
    expect(shown(fromMark(markLine(line, ["ferry", "umbrella"])))).toContain("The [ferry] to");
    expect(shown(fromMark(markLine(line, [])))).toBe(line);
  });
});

describe("where a line is", () => {
  it("says whether it is heard or read, and when", () => {
    const line = (of: Partial<Line>): Line => ({ track: "audio", text: "", ...of });
    expect(whereOf(line({ start: 12.4 }))).toBe("said at 0:12");
    expect(whereOf(line({ track: "visual", start: 65 }))).toBe("to be read at 1:05");
    expect(whereOf(line({ track: "visual" }))).toBe("to be read");
  });
});
