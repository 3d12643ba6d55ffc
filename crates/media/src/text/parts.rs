/// `text` in parts of at most about `size` bytes, each up to a paragraph's end if there is one, else a line's, a
/// word's, a character's.
pub(super) fn parts(text: &str, size: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (part, after) = rest.split_at(part_end(rest, size));
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

/// Where the first part of `text` ends.
fn part_end(text: &str, size: usize) -> usize {
    if text.len() <= size {
        return text.len();
    }
    let window = &text[..text.floor_char_boundary(size)];
    ["\n\n", "\n\r\n", "\n", " "]
        .iter()
        .find_map(|gap| Some(window.rfind(gap)? + gap.len()))
        .unwrap_or(window.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_end_at_the_best_gap_and_make_the_whole() {
        let text = "one two\n\nthree\nfour five six\r\n\r\nseven漢漢漢漢漢漢漢漢漢eight";
        let cut: Vec<_> = parts(text, 20).collect();
        assert_eq!(
            cut,
            [
                "one two\n\n",
                "three\n",
                "four five six\r\n\r\n",
                "seven漢漢漢漢漢",
                "漢漢漢漢eight"
            ]
        );
        assert_eq!(cut.concat(), text);
        assert_eq!(parts("", 20).count(), 0);
    }
}
