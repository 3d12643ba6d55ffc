use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::end_with;
use super::parts::parts;
use crate::Cause;
use crate::deadline::Deadline;

/// Text is handed to the parser in parts of about so many bytes, since its tree is many times as large.
const PART: usize = 256 << 10;

/// The words of a Markdown text: no markup, addresses, comments or front matter.
pub(super) fn plain(markdown: &str, deadline: &Deadline) -> Result<String, Cause> {
    let mut text = String::with_capacity(markdown.len());
    let mut options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    for part in parts(markdown, PART) {
        push_words(&mut text, part, options, deadline)?;
        // Front matter stands in front.
        options.remove(Options::ENABLE_YAML_STYLE_METADATA_BLOCKS);
    }
    Ok(text)
}

fn push_words(text: &mut String, part: &str, options: Options, deadline: &Deadline) -> Result<(), Cause> {
    let mut in_front_matter = false;
    for event in Parser::new_ext(part, options) {
        deadline.check()?;
        match event {
            Event::Start(Tag::MetadataBlock(_)) => in_front_matter = true,
            Event::End(TagEnd::MetadataBlock(_)) => in_front_matter = false,
            Event::Text(_) if in_front_matter => {}
            Event::Text(words) | Event::Code(words) => text.push_str(&words),
            Event::SoftBreak | Event::HardBreak => text.push('\n'),
            Event::End(end) => end_with(text, gap_after(end)),
            _ => {}
        }
    }
    Ok(())
}

/// What separates an element from the next.
fn gap_after(end: TagEnd) -> &'static str {
    match end {
        TagEnd::Paragraph | TagEnd::CodeBlock | TagEnd::List(_) | TagEnd::Table => "\n\n",
        // A heading stays with what it heads.
        TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableRow | TagEnd::TableHead => "\n",
        TagEnd::TableCell => " ",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::text::Format;
    use crate::text::tests::texts;

    #[test]
    fn words_are_kept_and_markup_is_dropped() {
        let markdown = "---\ntitle: secret\n---\n# The *farm*\n\nA [hen](https://example.org/hen) and\n`eggs`.\n\n\
            <!-- comment -->\n- one\n- two\n\n| a | b |\n|---|---|\n| c | d |\n\n![a red barn](barn.jpg)\n";
        assert_eq!(
            texts(Format::Markdown, markdown),
            ["The farm\nA hen and\neggs.\n\none\ntwo\n\na b\nc d\n\na red barn"]
        );
    }

    #[test]
    fn a_text_of_many_parts_is_read_to_its_end() {
        let paragraph = "A *hen* and\na barn.\n\n";
        let markdown = paragraph.repeat(3 * PART / paragraph.len());
        let words = plain(&markdown, &Deadline::after(Duration::from_secs(60))).unwrap();
        assert_eq!(words, markdown.replace('*', ""));
    }

    #[test]
    fn cells_that_the_parser_adds_to_short_rows_take_no_room() {
        let wide = format!(
            "{}|\n{}|\n{}\n",
            "|a".repeat(3000),
            "|-".repeat(3000),
            "|b\n".repeat(80)
        );
        let tables = wide.repeat(20);
        let words = plain(&tables, &Deadline::after(Duration::from_secs(60))).unwrap();
        assert!(words.len() <= tables.len(), "{} bytes", words.len());
    }
}
