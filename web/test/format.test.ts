import { describe, expect, it } from "vitest";

import { bytes, clock, counted, folderOf, markWords, nameOf, percent, stretch, sureness } from "../src/lib/format";

describe("times", () => {
  it.each([
    [0, "0:00"],
    [59.9, "0:59"],
    [65, "1:05"],
    [3723, "1:02:03"],
    [-1, "0:00"],
  ])("%d seconds are %s", (seconds, said) => expect(clock(seconds)).toBe(said));

  it("of short stretches have tenths", () => {
    expect(stretch(4, 8)).toBe("4.0 – 8.0 s");
    expect(stretch(50, 61)).toBe("0:50 – 1:01");
    expect(stretch(3600, 3604)).toBe("1:00:00 – 1:00:04");
  });
});

describe("numbers", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1500, "1.5 kB"],
    [123_456_789, "123 MB"],
    [5e15, "5000 TB"],
  ])("%d bytes are %s", (count, said) => expect(bytes(count)).toBe(said));

  it("agree with their nouns", () => {
    expect(counted(1, "image")).toBe("1 picture");
    expect(counted(1200, "audio")).toBe("1,200 sounds");
  });

  it("never say that something is certain", () => {
    expect(percent(1)).toBe("99 %");
    expect(percent(0.996)).toBe("99 %");
    expect(percent(0.5)).toBe("50 %");
    expect(percent(0.0001)).toBe("< 1 %");
  });

  it("stand for words", () => {
    const said = [0.95, 0.6, 0.2, 0.01].map(sureness);
    expect(new Set(said).size).toBe(4);
  });
});

describe("paths", () => {
  const at = (path: string) => ({ path, media: { name: "notes.jsonl" } });

  it("have a name, with the record where there is one", () => {
    expect(nameOf(at("/data/notes.jsonl#17"))).toBe("notes.jsonl#17");
    expect(nameOf(at(""))).toBe("notes.jsonl");
  });

  it("have a folder", () => {
    expect(folderOf("/data/pictures/a.jpg")).toBe("/data/pictures");
    expect(folderOf("/a.jpg")).toBe("/");
  });
});

describe("marked words", () => {
  const marked = (text: string, words: string[]) =>
    markWords(text, words).map(({ text, marked }) => (marked ? `[${text}]` : text));

  it("are whole words of any case", () => {
    expect(marked("The Dog's dogma: dog!", ["dog"])).toEqual(["The ", "[Dog]", "'s dogma: ", "[dog]", "!"]);
  });

  it("may be of any script", () => {
    expect(marked("Über Möwen", ["möwen"])).toEqual(["Über ", "[Möwen]"]);
  });

  it("are no patterns", () => {
    expect(marked("c++ (beta) a.b", ["c++", "a.b", "("])).toContain("[a.b]");
    expect(marked("axb", ["a.b"])).toEqual(["axb"]);
  });

  it("leave out single letters, which say nothing", () => {
    expect(marked("a dog", ["a", "dog"])).toEqual(["a ", "[dog]"]);
    expect(marked("a cat", ["a"])).toEqual(["a cat"]);
  });

  it("lose nothing of the text", () => {
    const text = "dog dog  dog\ncat";
    expect(
      markWords(text, ["dog", "cat"])
        .map((piece) => piece.text)
        .join(""),
    ).toBe(text);
    expect(markWords(text, [])).toEqual([{ text, marked: false }]);
  });
});
