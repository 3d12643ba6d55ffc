use html2text::render::TrivialDecorator;

use crate::Cause;

/// Deeper pages are refused: the parser's tree would outgrow the stack.
const DEEPEST: usize = 1000;

/// Lines are joined again later; a table gets room for its columns.
const WIDTH: usize = 1000;

/// Whether a text that begins so is a page.
pub(super) fn is_html(start: &str) -> bool {
    let head: String = start.chars().take(256).collect::<String>().to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html") || head.contains("<html")
}

/// The words of a page, without scripts, styles and addresses.
pub(super) fn plain(html: &str) -> Result<String, Cause> {
    let damaged = |detail: String| Cause::Damaged {
        format: "HTML".into(),
        detail,
    };
    if depth(html) > DEEPEST {
        return Err(damaged(format!(
            "its elements are nested more than {DEEPEST} deep"
        )));
    }
    html2text::config::with_decorator(TrivialDecorator::new())
        .raw_mode(true)
        .no_table_borders()
        .allow_width_overflow()
        .string_from_read(html.as_bytes(), WIDTH)
        .map_err(|error| damaged(error.to_string()))
}

/// How deep elements may be nested, counted generously: openings less closings.
fn depth(html: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for (at, _) in html.match_indices('<') {
        match html.as_bytes().get(at + 1) {
            Some(b'/') => depth = depth.saturating_sub(1),
            Some(name) if name.is_ascii_alphabetic() && !is_void(&html[at + 1..]) => depth += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Whether an opening tag needs no closing one: it has no content, or the parser closes it by itself.
fn is_void(tag: &str) -> bool {
    const NAMES: [&str; 20] = [
        "br", "img", "hr", "input", "meta", "link", "source", "wbr", "area", "base", "col", "embed", "track",
        "p", "li", "td", "tr", "th", "dt", "dd",
    ];
    let end = tag
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(tag.len());
    NAMES.iter().any(|name| name.eq_ignore_ascii_case(&tag[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Format;
    use crate::text::tests::texts;

    #[test]
    fn words_are_kept_and_scripts_are_dropped() {
        let html = "<html><head><title>Farm</title><style>p{}</style><script>let x = '<p>no</p>'</script></head>\
            <body><h1>The farm</h1><p>A <a href='https://example.org'>hen</a> &amp; eggs.<br>Fresh.</p>\
            <ul><li>one</li><li>two</li></ul></body></html>";
        let text = texts(Format::Html, html).join("\n");
        for word in ["The farm", "A hen & eggs.", "Fresh.", "one", "two"] {
            assert!(text.contains(word), "{word} in {text}");
        }
        assert!(
            !text.contains("example.org") && !text.contains("let x") && !text.contains("p{}"),
            "{text}"
        );
    }

    #[test]
    fn a_bottomless_page_is_refused_and_not_fatal() {
        let cause = plain(&"<div>".repeat(100_000)).unwrap_err();
        assert!(cause.to_string().contains("nested more than 1000 deep"));
        let deep = format!("{}hello", "<div>".repeat(DEEPEST));
        assert!(plain(&deep).unwrap().contains("hello"));
        let list = format!("<ul>{}</ul>", "<li>x".repeat(5000));
        assert!(plain(&list).is_ok());
        assert!(plain(&"<p>".repeat(100_000)).is_ok());
        assert!(plain(&"<td>".repeat(100_000)).is_ok());
    }
}
