use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, State, Tokenizer};

use super::end_with;
use crate::Cause;
use crate::deadline::Deadline;

/// Elements whose content is not shown.
const HIDDEN: [&[u8]; 7] = [
    b"iframe",
    b"noembed",
    b"noframes",
    b"noscript",
    b"script",
    b"style",
    b"template",
];

/// Whether a text that begins so is a page: past comments and an XML declaration stands its type or root.
pub(super) fn is_html(start: &str) -> bool {
    let mut rest = start.trim_start();
    while rest.starts_with("<!--") || rest.starts_with("<?xml") {
        let end = if rest.starts_with("<?") { "?>" } else { "-->" };
        match rest.split_once(end) {
            Some((_, after)) => rest = after.trim_start(),
            None => return false,
        }
    }
    ["<!doctype html", "<html"].iter().any(|opening| {
        let (head, after) = rest.split_at_checked(opening.len()).unwrap_or_default();
        head.eq_ignore_ascii_case(opening) && after.starts_with(|c: char| c.is_whitespace() || c == '>')
    })
}

/// The words of a page, without scripts, styles and addresses.
///
/// Tags are taken one after the other and no tree is built, for that of a hostile page has no bounds.
pub(super) fn plain(html: &str, deadline: &Deadline) -> Result<String, Cause> {
    let mut page = Page::default();
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| page.read(event));
    emitter.naively_switch_states(true);
    let mut tags = Tokenizer::new_with_emitter(html, emitter);
    while let Some(Ok(tag)) = tags.next() {
        deadline.check()?;
        if tag == Tag::SelfClosing {
            // `<script/>` of XHTML has no content.
            tags.set_state(State::Data);
        }
    }
    drop(tags);
    Ok(page.text)
}

/// A tag that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    /// It opens an element, or ends one.
    Single,
    /// It does both.
    SelfClosing,
}

/// The words of the page read so far.
#[derive(Debug, Default)]
struct Page {
    text: String,
    /// The hidden element that is open, and how many of its name within each other.
    hidden: Option<(&'static [u8], usize)>,
    /// Whether lines are kept.
    in_pre: bool,
    /// The name of the last tag that opened.
    opened: Vec<u8>,
    /// Whether the next value of an attribute says what a picture shows.
    in_alt: bool,
}

impl Page {
    fn read(&mut self, event: CallbackEvent<'_>) -> Option<Tag> {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.opened.clear();
                self.opened.extend(name);
                self.open(name);
            }
            CallbackEvent::AttributeName { name } => self.in_alt = name == b"alt" && self.opened == b"img",
            CallbackEvent::AttributeValue { value } if self.in_alt => self.push(value),
            CallbackEvent::CloseStartTag { self_closing: false } => return Some(Tag::Single),
            CallbackEvent::CloseStartTag { self_closing: true } => {
                let opened = std::mem::take(&mut self.opened);
                self.close(&opened);
                return Some(Tag::SelfClosing);
            }
            CallbackEvent::EndTag { name } => {
                self.close(name);
                return Some(Tag::Single);
            }
            CallbackEvent::String { value } => self.push(value),
            _ => {}
        }
        None
    }

    fn open(&mut self, name: &[u8]) {
        match &mut self.hidden {
            Some((hidden, depth)) if *hidden == name => *depth += 1,
            Some(_) => {}
            None => {
                self.hidden = HIDDEN
                    .into_iter()
                    .find(|hidden| *hidden == name)
                    .map(|it| (it, 1));
                self.in_pre |= name == b"pre";
                match name {
                    // Two in a row make a paragraph.
                    b"br" => self.text.push('\n'),
                    _ => end_with(&mut self.text, gap_around(name)),
                }
            }
        }
    }

    fn close(&mut self, name: &[u8]) {
        match &mut self.hidden {
            Some((hidden, 1)) if *hidden == name => self.hidden = None,
            Some((hidden, depth)) if *hidden == name => *depth -= 1,
            Some(_) => {}
            None => {
                self.in_pre &= name != b"pre";
                end_with(&mut self.text, gap_around(name));
            }
        }
    }

    /// Adds what is shown. The gaps between words are all alike, but for those in `pre`.
    fn push(&mut self, words: &[u8]) {
        if self.hidden.is_some() {
            return;
        }
        let words = String::from_utf8_lossy(words);
        if self.in_pre {
            self.text.push_str(&words);
            return;
        }
        for character in words.chars() {
            if !character.is_whitespace() {
                self.text.push(character);
            } else if !self.text.ends_with(char::is_whitespace) {
                self.text.push(' ');
            }
        }
    }
}

/// What separates an element from what is before and after it.
fn gap_around(name: &[u8]) -> &'static str {
    match name {
        b"td" | b"th" | b"img" => " ",
        b"br" | b"dd" | b"dt" | b"legend" | b"li" | b"option" | b"summary" | b"tr" => "\n",
        b"address" | b"article" | b"aside" | b"blockquote" | b"body" | b"caption" | b"center"
        | b"details" | b"dialog" | b"div" | b"dl" | b"fieldset" | b"figcaption" | b"figure" | b"footer"
        | b"form" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"head" | b"header" | b"hr" | b"html"
        | b"main" | b"menu" | b"nav" | b"ol" | b"p" | b"pre" | b"search" | b"section" | b"select"
        | b"table" | b"textarea" | b"title" | b"ul" => "\n\n",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::text::Format;
    use crate::text::tests::texts;

    fn read(html: &str) -> String {
        texts(Format::Html, html).join("\n\n")
    }

    #[test]
    fn words_are_kept_and_scripts_are_dropped() {
        let html = "<html><head><title>Farm</title><style>p{}</style><script>let x = '<p>no</p>'</script></head>\
            <body><h1>The farm</h1><p>A <a href='https://example.org'>hen</a> &amp; eggs.<br>Fresh.<br/>\n<br>Brown.</p>\
            <ul><li>one</li><li>two</li></ul></body></html>";
        assert_eq!(
            read(html),
            "Farm\n\nThe farm\n\nA hen & eggs.\nFresh.\n\nBrown.\n\none\ntwo"
        );
    }

    #[test]
    fn the_gaps_of_the_source_are_not_those_of_the_page() {
        let html = "<p>A\n\n  <b>b</b>rown&nbsp;hen</p>\n\n  <table>\n<tr>\n<td>a</td>\n<td>b</td></tr>\n<tr><td>c</table>\
            <img src='a.jpg' alt='a red barn'><pre>one\ntwo</pre>";
        assert_eq!(read(html), "A brown hen\n\na b\nc\n\na red barn\n\none\ntwo");
    }

    #[test]
    fn what_is_not_shown_is_left_out_up_to_its_end() {
        let html = "a<template>x<template>y</template>z</template><NOSCRIPT><p>no</p></noscript>b<!-- c --></b>\
            <style>p::before { content: '</p>' }</STYLE ><iframe>no</iframe> d &lt;e&gt; <textarea><p>f</textarea>";
        assert_eq!(read(html), "ab d <e>\n\n<p>f");
        assert_eq!(read("a<script>no</p>"), "a");
    }

    #[test]
    fn elements_of_xhtml_that_close_themselves_have_no_content() {
        let html = "<?xml version='1.0'?><html><head><title/><script src='a.js'/></head><body><p>A hen</p></body></html>";
        assert_eq!(read(html), "A hen");
        assert_eq!(read("<script src='a.js' /></script>A hen"), "A hen");
    }

    #[test]
    fn only_what_begins_as_a_page_is_one() {
        for page in [
            "<!doctype HTML>",
            "<HTML lang='en'>",
            "\u{a0}\n<!-- a --><!-- b > -->\n<!DOCTYPE html PUBLIC ''>",
            "<?xml version='1.0'?>\n<html>",
        ] {
            assert!(is_html(page), "{page}");
        }
        for other in [
            "the <html> tag",
            "<html5 is new",
            "<!-- <html>",
            "<!doctype",
            "<é",
            "<?xml?><svg>",
        ] {
            assert!(!is_html(other), "{other}");
        }
    }

    #[test]
    fn a_bottomless_page_is_read_like_any_other() {
        let deadline = Deadline::after(Duration::from_secs(60));
        for (opening, times) in [
            ("<div>", 100_000),
            ("<li>", 100_000),
            ("<b>", 100_000),
            ("<template>", 1),
        ] {
            let deep = format!("hello{}", opening.repeat(times));
            assert_eq!(plain(&deep, &deadline).unwrap().trim(), "hello");
        }
    }
}
