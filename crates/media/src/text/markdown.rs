use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// The words of a Markdown text: no markup, addresses, comments or front matter.
pub(super) fn plain(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut text = String::with_capacity(markdown.len());
    let mut in_front_matter = false;
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Start(Tag::MetadataBlock(_)) => in_front_matter = true,
            Event::End(TagEnd::MetadataBlock(_)) => in_front_matter = false,
            Event::Text(_) if in_front_matter => {}
            Event::Text(words) | Event::Code(words) => text.push_str(&words),
            Event::SoftBreak | Event::HardBreak => text.push('\n'),
            Event::End(end) => text.push_str(gap_after(end)),
            _ => {}
        }
    }
    text
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
}
