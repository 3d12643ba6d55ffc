//! `--where`: a condition as people write it.
//!
//! ```text
//! condition  = all { "or" all }
//! all        = one { "and" one }
//! one        = "not" one | "(" condition ")" | comparison
//! comparison = field relation literal
//! relation   = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"
//! literal    = "text" | 'text' | word | number [unit] | date | true | false
//! ```

use std::fmt;
use std::ops::Range;

use sensorium_store::{Comparison, Condition, Literal, Pattern, Relation, time_range};

/// Conditions within conditions at most, so that no text is too deep.
const DEEPEST: usize = 64;

/// A condition is at most so long, in bytes.
const LONGEST: usize = 64 << 10;

/// The units of sizes and of lengths of time, as what they multiply.
const UNITS: [(&str, f64); 10] = [
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("kib", 1024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
    ("ms", 1e-3),
    ("s", 1.0),
    ("min", 60.0),
    ("h", 3600.0),
];

/// Reads a condition such as `modality = "video" and duration > 60`.
///
/// # Errors
/// [`BadCondition`], which points at the fault.
pub fn parse(text: &str) -> Result<Condition, BadCondition> {
    let bad = |place: Range<usize>, problem: String| BadCondition {
        text: text.to_owned(),
        place,
        problem,
    };
    if text.len() > LONGEST {
        return Err(bad(
            0..0,
            format!("it has {} bytes, more than {LONGEST}", text.len()),
        ));
    }
    let tokens = tokens(text).map_err(|(place, problem)| bad(place, problem))?;
    let mut parser = Parser {
        tokens: &tokens,
        next: 0,
        end: text.len(),
    };
    let condition = parser.condition(0).and_then(|condition| match parser.peek() {
        None => Ok(condition),
        Some(token) => Err((token.place.clone(), "'and' or 'or' is expected here".to_owned())),
    });
    condition.map_err(|(place, problem)| bad(place, problem))
}

/// What is wrong with a condition, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BadCondition {
    text: String,
    /// In bytes.
    place: Range<usize>,
    problem: String,
}

impl BadCondition {
    /// The bytes of the text that are wrong; empty at its end for what is missing there.
    pub fn place(&self) -> Range<usize> {
        self.place.clone()
    }
}

/// The problem, the line that has it, and a line that points at it.
impl fmt::Display for BadCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = &self.text[..self.place.start];
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = self.text[start..].lines().next().unwrap_or_default();
        let indent = self.text[start..self.place.start].chars().count();
        let length = self.text[self.place.clone()].chars().count().max(1);
        write!(
            f,
            "the condition: {}\n  {line}\n  {}{}",
            self.problem,
            " ".repeat(indent),
            "^".repeat(length)
        )
    }
}

type Fault = (Range<usize>, String);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Open,
    Close,
    Relation(Relation),
    /// In quotes.
    Text(String),
    /// Anything else: a name, a number, a date, `and`.
    Word(String),
}

#[derive(Debug, Clone, PartialEq)]
struct Token {
    kind: Kind,
    place: Range<usize>,
}

fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let start = text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            return Ok(tokens);
        };
        let (kind, length) = match first {
            '(' => (Kind::Open, 1),
            ')' => (Kind::Close, 1),
            '"' | '\'' => quoted(rest, first).ok_or_else(|| {
                let place = start..text.len();
                (place, format!("the text has no end: a {first} is missing"))
            })?,
            _ if is_relation(first) => {
                let end = rest.find(|c| !is_relation(c)).unwrap_or(rest.len());
                let relation = relation(&rest[..end]).ok_or_else(|| {
                    let known = "=, !=, <, <=, >, >=, ~ and !~";
                    (
                        start..start + end,
                        format!("there is no such comparison; there are {known}"),
                    )
                })?;
                (Kind::Relation(relation), end)
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || is_relation(c) || "()\"'".contains(c);
                let end = rest.find(ends).unwrap_or(rest.len());
                (Kind::Word(rest[..end].to_owned()), end)
            }
        };
        tokens.push(Token {
            kind,
            place: start..start + length,
        });
        rest = &rest[length..];
    }
}

fn is_relation(c: char) -> bool {
    "=!<>~".contains(c)
}

fn relation(text: &str) -> Option<Relation> {
    Some(match text {
        "=" | "==" => Relation::Equal,
        "!=" => Relation::Unequal,
        "<" => Relation::Less,
        "<=" => Relation::AtMost,
        ">" => Relation::Greater,
        ">=" => Relation::AtLeast,
        "~" => Relation::Like,
        "!~" => Relation::Unlike,
        _ => return None,
    })
}

/// A text in quotes at the beginning of `rest`, and its length with them. A backslash keeps the quote behind it.
fn quoted(rest: &str, quote: char) -> Option<(Kind, usize)> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((place, character)) = characters.next() {
        match (character, characters.peek()) {
            (c, _) if c == quote => return Some((Kind::Text(text), place + 1)),
            ('\\', Some(&(_, next))) if next == quote || next == '\\' => {
                text.push(next);
                characters.next();
            }
            (c, _) => text.push(c),
        }
    }
    None
}

struct Parser<'t> {
    tokens: &'t [Token],
    next: usize,
    /// The length of the text.
    end: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<&'t Token> {
        self.next += 1;
        self.tokens.get(self.next - 1)
    }

    /// Whether the next token is this word, which is then taken.
    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token { kind: Kind::Word(next), .. }) if next.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn missing(&self, what: &str) -> Fault {
        (self.end..self.end, format!("{what} is missing at the end"))
    }

    fn condition(&mut self, depth: usize) -> Result<Condition, Fault> {
        let mut any = vec![self.all(depth)?];
        while self.takes_word("or") {
            any.push(self.all(depth)?);
        }
        Ok(single_or(any, Condition::Or))
    }

    fn all(&mut self, depth: usize) -> Result<Condition, Fault> {
        let mut all = vec![self.one(depth)?];
        while self.takes_word("and") {
            all.push(self.one(depth)?);
        }
        Ok(single_or(all, Condition::And))
    }

    fn one(&mut self, depth: usize) -> Result<Condition, Fault> {
        let first = self.peek().ok_or_else(|| self.missing("a comparison"))?;
        if depth == DEEPEST {
            let problem = format!("there are more than {DEEPEST} conditions within conditions");
            return Err((first.place.clone(), problem));
        }
        if self.takes_word("not") {
            return Ok(Condition::Not(Box::new(self.one(depth + 1)?)));
        }
        if first.kind != Kind::Open {
            return self.comparison().map(Condition::Is);
        }
        self.next += 1;
        let inner = self.condition(depth + 1)?;
        match self.take() {
            Some(Token {
                kind: Kind::Close, ..
            }) => Ok(inner),
            Some(other) => Err((other.place.clone(), "'and', 'or' or ')' is expected here".into())),
            None => Err(self.missing("')'")),
        }
    }

    fn comparison(&mut self) -> Result<Comparison, Fault> {
        let field = self.take().ok_or_else(|| self.missing("a comparison"))?;
        let Kind::Word(name) = &field.kind else {
            let problem = "the name of a field is expected here, as in: duration > 60".to_owned();
            return Err((field.place.clone(), problem));
        };
        let relation = self
            .take()
            .ok_or_else(|| self.missing("a comparison as = or >"))?;
        let Kind::Relation(relation) = relation.kind else {
            let problem = "a comparison as = or > is expected here".to_owned();
            return Err((relation.place.clone(), problem));
        };
        let value = self
            .take()
            .ok_or_else(|| self.missing("what it is compared with"))?;
        let (text, is_quoted) = match &value.kind {
            Kind::Text(text) => (text, true),
            Kind::Word(word) => (word, false),
            _ => {
                return Err((
                    value.place.clone(),
                    "a text, a number or a date is expected here".into(),
                ));
            }
        };
        let literal = match relation {
            Relation::Like | Relation::Unlike => {
                let pattern = Pattern::new(text).map_err(|problem| (value.place.clone(), problem))?;
                Literal::Pattern(Box::new(pattern))
            }
            _ if is_quoted => Literal::Text(text.clone()),
            _ => plain(text),
        };
        Ok(Comparison {
            field: name.to_lowercase(),
            relation,
            literal,
        })
    }
}

/// What a word without quotes stands for.
fn plain(word: &str) -> Literal {
    if let Ok(flag) = word.to_lowercase().parse() {
        return Literal::Flag(flag);
    }
    if let Some(number) = number(word) {
        return Literal::Number(number);
    }
    time_range(word).map_or_else(|| Literal::Text(word.to_owned()), Literal::Time)
}

/// A number, also with a unit, as in `5MB` and `2min`.
fn number(word: &str) -> Option<f64> {
    let finite = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite());
    let is_part = |c: char| c.is_ascii_digit() || ".-+eE".contains(c);
    let end = word.find(|c| !is_part(c)).unwrap_or(word.len());
    let (number, unit) = (finite(&word[..end])?, word[end..].to_lowercase());
    let factor = UNITS.iter().find(|(name, _)| *name == unit);
    match unit.is_empty() {
        true => Some(number),
        false => factor.map(|(_, factor)| number * factor),
    }
}

/// The only one, or what `join` makes of several.
fn single_or(mut list: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match list.len() {
        1 => list.remove(0),
        _ => join(list),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is(field: &str, relation: Relation, literal: Literal) -> Condition {
        Condition::Is(Comparison {
            field: field.into(),
            relation,
            literal,
        })
    }

    #[test]
    fn a_condition_is_read_with_its_precedence_and_its_kinds_of_literals() {
        let text = r#"modality = "video" and (duration > 2min or size<=5MB) OR not path ~ "2024/*" and taken >= 2024-06-01"#;
        let video = is("modality", Relation::Equal, Literal::Text("video".into()));
        let long = is("duration", Relation::Greater, Literal::Number(120.0));
        let small = is("size", Relation::AtMost, Literal::Number(5e6));
        let path = is(
            "path",
            Relation::Like,
            Literal::Pattern(Box::new(Pattern::new("2024/*").unwrap())),
        );
        let june = Literal::Time(time_range("2024-06-01").unwrap());
        let expected = Condition::Or(vec![
            Condition::And(vec![video, Condition::Or(vec![long, small])]),
            Condition::And(vec![
                Condition::Not(Box::new(path)),
                is("taken", Relation::AtLeast, june),
            ]),
        ]);
        assert_eq!(parse(text), Ok(expected));
        assert_eq!(
            parse(r#"field.a != 'it\'s'"#),
            Ok(is("field.a", Relation::Unequal, Literal::Text("it's".into())))
        );
        assert_eq!(
            parse("sold = true"),
            Ok(is("sold", Relation::Equal, Literal::Flag(true)))
        );
    }

    #[test]
    fn a_fault_is_pointed_at() {
        for (text, fault, problem) in [
            ("", "", "a comparison is missing at the end"),
            ("size >", "", "what it is compared with is missing"),
            ("size > 5 duration < 3", "duration", "'and' or 'or' is expected"),
            ("size 5", "5", "a comparison as = or >"),
            ("size => 5", "=>", "no such comparison"),
            ("name = \"hen", "\"hen", "has no end"),
            ("(size > 5", "", "')' is missing"),
            ("\"size\" > 5", "\"size\"", "the name of a field"),
            ("path ~ '[a'", "'[a'", "unclosed"),
            ("size > (", "(", "a text, a number or a date"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().contains(problem), "{error}");
            assert_eq!(&text[error.place()], fault, "{error}");
        }
        let error = parse("größe > 5 und").unwrap_err().to_string();
        assert!(error.ends_with("\n  größe > 5 und\n            ^^^"), "{error}");
        assert!(parse(&"(".repeat(60_000)).is_err() && parse(&"not ".repeat(10_000)).is_err());
        assert!(parse(&" ".repeat(70_000)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_fault_lies_within_it(text in "[a-z0-9 =<>~!()\"'\\\\é\\[{*-]{0,40}") {
            if let Err(error) = parse(&text) {
                prop_assert!(text.get(error.place()).is_some());
                let _ = error.to_string();
            }
        }
    }
}
