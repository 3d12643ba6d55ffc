use text_splitter::{ChunkConfig, TextSplitter};

use super::parts::parts;
use crate::Cause;
use crate::deadline::Deadline;

/// The longest passage, in characters: about 200 tokens, which text towers take in whole.
pub(super) const LONGEST: usize = 800;

/// Passages are filled to at least this much where the text goes on, so that few are tiny.
const WANTED: usize = 500;

/// Text is handed to the splitter in parts of about so many bytes, for its work may grow with their square.
const PART: usize = 16 << 10;

/// Cuts `text` into passages at paragraphs, sentences or words, whichever fits.
pub(super) fn passages(text: &str, deadline: &Deadline) -> Result<Vec<String>, Cause> {
    let text = tidy(text);
    let splitter = TextSplitter::new(ChunkConfig::from(WANTED..LONGEST));
    let mut passages = Vec::new();
    for part in parts(&text, PART) {
        deadline.check()?;
        passages.extend(splitter.chunks(part).map(str::to_owned));
    }
    Ok(passages)
}

/// `text` without control characters; lines of a paragraph are joined, paragraphs kept apart.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut gap = "";
    for line in text.lines() {
        let mut words = line
            .split(|c: char| c.is_whitespace() || c.is_control())
            .filter(|word| !word.is_empty())
            .peekable();
        if words.peek().is_none() {
            if !tidy.is_empty() {
                gap = "\n\n";
            }
            continue;
        }
        for word in words {
            tidy.push_str(gap);
            tidy.push_str(word);
            gap = " ";
        }
        gap = "\n";
    }
    tidy
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn passages(text: &str) -> Vec<String> {
        super::passages(text, &Deadline::after(Duration::from_secs(60))).unwrap()
    }

    #[test]
    fn a_short_text_is_one_passage() {
        assert_eq!(
            passages("  One\x07 line.\r\n\r\n\r\nAnother.\n"),
            ["One line.\n\nAnother."]
        );
    }

    #[test]
    fn a_long_text_is_cut_at_sentences_and_nothing_is_lost() {
        let text = "This sentence has exactly eight words in it. ".repeat(100);
        let passages = passages(&text);
        assert!(passages.len() >= 6);
        for passage in &passages {
            assert!(passage.ends_with("it.") && passage.len() <= LONGEST, "{passage}");
        }
        let words = |text: &str| text.split_whitespace().count();
        assert_eq!(
            passages.iter().map(|passage| words(passage)).sum::<usize>(),
            words(&text)
        );
    }

    #[test]
    fn text_without_any_gap_is_cut_all_the_same() {
        let cut = passages(&"漢".repeat(100_000));
        assert!(cut.iter().all(|passage| passage.chars().count() <= LONGEST));
        assert_eq!(
            cut.iter().map(|passage| passage.chars().count()).sum::<usize>(),
            100_000
        );
    }
}
