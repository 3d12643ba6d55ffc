//! What is asked of the places where items are found.

use std::cmp::Ordering;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use sensorium_types::{Fields, Modality, path_text};
use serde_json::Value;

use crate::times::{TimeRange, time_range};

/// A condition that one place of an item fulfils or not: a small tree that every engine can translate.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// One field of the place, compared.
    Is(Comparison),
    /// Every one holds.
    And(Vec<Condition>),
    /// Any one holds.
    Or(Vec<Condition>),
    /// The inner one does not hold.
    Not(Box<Condition>),
}

/// A field and what it is compared with. It does not hold where the field is missing, or is of another kind than the
/// literal. Of a list, one element has to hold. Upper and lower case do not matter.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The name of the field in lower case, see [`Place`].
    pub field: String,
    /// How it is compared.
    pub relation: Relation,
    /// With what.
    pub literal: Literal,
}

/// How a field is compared with a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `~`: as the pattern has it.
    Like,
    /// `!~`: not as the pattern has it.
    Unlike,
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Text in quotes, or a word.
    Text(String),
    /// A number.
    Number(f64),
    /// A day, a month, a year or a time.
    Time(TimeRange),
    /// True or false.
    Flag(bool),
    /// What `~` looks for.
    Pattern(Box<Pattern>),
}

/// A text in which `*` stands for any characters, `?` for one, `[ab]` for one of some and `{a,b}` for alternatives.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    matcher: GlobMatcher,
    /// The same at the end of a path, behind a slash.
    below: GlobMatcher,
}

impl Pattern {
    /// Compiles `source`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(source: &str) -> Result<Self, String> {
        let compiled = |pattern: &str| {
            GlobBuilder::new(pattern)
                .case_insensitive(true)
                .build()
                .map(|glob| glob.compile_matcher())
                .map_err(|error| error.kind().to_string())
        };
        Ok(Self {
            source: source.to_owned(),
            matcher: compiled(source)?,
            below: compiled(&format!("*/{source}"))?,
        })
    }

    fn holds(&self, field: &str, text: &str) -> bool {
        self.matcher.is_match(text) || ["path", "folder"].contains(&field) && self.below.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// The names that [`Place::value`] knows without looking at facts and fields.
const OF_THE_PLACE: [&str; 8] = [
    "path", "folder", "name", "record", "modified", "modality", "format", "size",
];

/// A place where an item is found, with all that can be asked: `path`, `folder`, `name`, `record`, `modified`, `modality`,
/// `format` and `size`; a fact of the content by its name; or a field of the record, which `field.NAME` always means.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// The file.
    pub path: &'a Path,
    /// The record in it.
    pub record: Option<u64>,
    /// When it was last modified, in nanoseconds since 1970.
    pub modified: i64,
    /// What the item is.
    pub modality: Modality,
    /// The name of its format.
    pub format: &'a str,
    /// The size of its content in bytes.
    pub size: u64,
    /// What the content says of itself.
    pub facts: &'a Fields,
    /// What the record says beside its text.
    pub fields: &'a Fields,
}

/// What a place has under a name.
enum Found<'a> {
    Text(std::borrow::Cow<'a, str>),
    Number(f64),
    /// Nanoseconds since 1970.
    Time(i64),
    Json(&'a Value),
}

impl Place<'_> {
    /// What it has under `name`, which is in lower case.
    fn value(&self, name: &str) -> Option<Found<'_>> {
        let path = |path: Option<&'_ Path>| Some(Found::Text(path_text(path?).into_owned().into()));
        match name {
            "path" => path(Some(self.path)),
            "folder" => path(self.path.parent()),
            "name" => path(self.path.file_name().map(Path::new)),
            "record" => self.record.map(|record| Found::Number(record as f64)),
            "modified" => Some(Found::Time(self.modified)),
            "modality" => Some(Found::Text(self.modality.name().into())),
            "format" => Some(Found::Text(self.format.into())),
            "size" => Some(Found::Number(self.size as f64)),
            _ => {
                let own = name.strip_prefix("field.");
                let fact = self.facts.get(name).filter(|_| own.is_none());
                fact.or_else(|| self.field(own.unwrap_or(name))).map(Found::Json)
            }
        }
    }

    /// The field of the record whose name is `name` in lower case.
    fn field(&self, name: &str) -> Option<&Value> {
        let of_any_case = || self.fields.iter().find(|(known, _)| known.to_lowercase() == name);
        self.fields
            .get(name)
            .or_else(|| of_any_case().map(|(_, value)| value))
    }
}

impl Condition {
    /// Whether it asks for facts or fields.
    pub fn asks_content(&self) -> bool {
        match self {
            Self::Is(comparison) => !OF_THE_PLACE.contains(&comparison.field.as_str()),
            Self::And(inner) | Self::Or(inner) => inner.iter().any(Self::asks_content),
            Self::Not(inner) => inner.asks_content(),
        }
    }

    /// A text that a fact or a field of every place that fulfils it is, upper and lower case apart, so that places without its
    /// words need not be looked at; `None` when none is known. It is of ASCII, so that all agree on what its words are.
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::Is(comparison) if self.asks_content() => comparison.said(),
            Self::And(inner) => inner.iter().find_map(Self::said),
            Self::Is(_) | Self::Or(_) | Self::Not(_) => None,
        }
    }

    /// Whether `place` fulfils it.
    pub fn holds(&self, place: &Place<'_>) -> bool {
        match self {
            Self::Is(comparison) => comparison.holds(place),
            Self::And(inner) => inner.iter().all(|condition| condition.holds(place)),
            Self::Or(inner) => inner.iter().any(|condition| condition.holds(place)),
            Self::Not(inner) => !inner.holds(place),
        }
    }
}

impl Comparison {
    fn said(&self) -> Option<&str> {
        let Literal::Text(text) = &self.literal else {
            return None;
        };
        // Numbers and times are written in many ways.
        let is_word = text.is_ascii()
            && text.contains(|c: char| c.is_ascii_alphabetic())
            && text.parse::<f64>().is_err()
            && time_range(text).is_none();
        (self.relation == Relation::Equal && is_word).then_some(text)
    }

    fn holds(&self, place: &Place<'_>) -> bool {
        match place.value(&self.field) {
            None => false,
            Some(Found::Text(text)) => self.holds_text(&text),
            Some(Found::Number(number)) => self.holds_number(number),
            Some(Found::Time(time)) => self.holds_time(TimeRange::moment(time)),
            Some(Found::Json(value)) => self.holds_json(value),
        }
    }

    fn holds_json(&self, value: &Value) -> bool {
        match value {
            Value::Null | Value::Object(_) => false,
            Value::Bool(flag) => match (&self.literal, self.relation) {
                (Literal::Flag(wanted), Relation::Equal) => flag == wanted,
                (Literal::Flag(wanted), Relation::Unequal) => flag != wanted,
                _ => false,
            },
            Value::Number(number) => number.as_f64().is_some_and(|number| self.holds_number(number)),
            Value::String(text) => self.holds_text(text),
            Value::Array(values) => values.iter().any(|value| self.holds_json(value)),
        }
    }

    fn holds_text(&self, text: &str) -> bool {
        match &self.literal {
            Literal::Pattern(pattern) => {
                pattern.holds(&self.field, text) == (self.relation == Relation::Like)
            }
            Literal::Text(wanted) => self.allows(text.to_lowercase().cmp(&wanted.to_lowercase())),
            Literal::Number(wanted) => match (text.parse::<f64>(), time_range(text)) {
                // A year is a number, too.
                (Err(_), Some(time)) => self.holds_time(time),
                (Ok(number), _) => number.partial_cmp(wanted).is_some_and(|order| self.allows(order)),
                _ => false,
            },
            Literal::Time(_) => time_range(text).is_some_and(|time| self.holds_time(time)),
            Literal::Flag(wanted) => {
                let flag = text.to_lowercase().parse::<bool>();
                flag.is_ok_and(|flag| self.allows(flag.cmp(wanted)))
            }
        }
    }

    fn holds_number(&self, number: f64) -> bool {
        let wanted = match &self.literal {
            Literal::Number(wanted) => Some(*wanted),
            Literal::Text(text) => text.parse().ok(),
            Literal::Pattern(_) => return self.holds_text(&number.to_string()),
            _ => None,
        };
        let order = wanted.and_then(|wanted: f64| number.partial_cmp(&wanted));
        order.is_some_and(|order| self.allows(order))
    }

    /// A time is before, within or behind what the literal stands for, which may be a whole year.
    fn holds_time(&self, time: TimeRange) -> bool {
        let wanted = match &self.literal {
            Literal::Time(wanted) => Some(*wanted),
            Literal::Number(year) => time_range(&year.to_string()),
            Literal::Text(text) => time_range(text),
            Literal::Flag(_) | Literal::Pattern(_) => None,
        };
        let Some(wanted) = wanted else {
            return false;
        };
        self.allows(if time.from < wanted.from {
            Ordering::Less
        } else if time.from >= wanted.to {
            Ordering::Greater
        } else {
            Ordering::Equal
        })
    }

    /// Whether the relation holds between what is found and the literal, which stand in this order.
    fn allows(&self, order: Ordering) -> bool {
        match self.relation {
            Relation::Equal => order.is_eq(),
            Relation::Unequal => order.is_ne(),
            Relation::Less => order.is_lt(),
            Relation::AtMost => order.is_le(),
            Relation::Greater => order.is_gt(),
            Relation::AtLeast => order.is_ge(),
            Relation::Like | Relation::Unlike => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        serde_json::from_value(value).unwrap()
    }

    fn holds(field: &str, relation: Relation, literal: Literal) -> bool {
        let facts = fields(json!({"width": 640, "taken": "2024-06-01T12:30:00", "camera": "Nikon Z 6"}));
        let own = fields(json!({"Year": "2023", "tags": ["dog", "snow"], "sold": true, "width": 7}));
        let place = Place {
            path: Path::new("/data/Trips/2024/a.jpg"),
            record: None,
            modified: 1_700_000_000_000_000_000,
            modality: Modality::Image,
            format: "JPEG",
            size: 5000,
            facts: &facts,
            fields: &own,
        };
        let condition = Condition::Is(Comparison {
            field: field.into(),
            relation,
            literal,
        });
        let found = condition.holds(&place);
        assert_eq!(Condition::Not(Box::new(condition)).holds(&place), !found);
        found
    }

    fn like(field: &str, pattern: &str) -> bool {
        holds(
            field,
            Relation::Like,
            Literal::Pattern(Box::new(Pattern::new(pattern).unwrap())),
        )
    }

    #[test]
    fn patterns_look_at_whole_values_and_at_the_ends_of_paths() {
        assert!(like("path", "2024/*") && like("path", "/data/trips/*") && like("path", "*.JPG"));
        assert!(like("folder", "2024") && like("name", "?.jpg") && like("camera", "nikon*"));
        assert!(!like("path", "trips") && !like("camera", "z 6") && !like("lens", "*"));
        assert!(like("tags", "sn*"), "one of a list is enough");
        assert!(Pattern::new("[a").unwrap_err().contains("unclosed"));
    }

    #[test]
    fn facts_come_before_fields_which_have_a_name_of_their_own() {
        let number = |field| holds(field, Relation::Equal, Literal::Number(7.0));
        assert!(!number("width") && number("field.width"));
    }

    #[test]
    fn values_are_compared_by_what_they_are() {
        use Relation::*;
        let text = |text: &str| Literal::Text(text.into());
        let time = |text: &str| Literal::Time(time_range(text).unwrap());
        assert!(holds("size", AtLeast, Literal::Number(5000.0)));
        assert!(!holds("size", Greater, Literal::Number(5000.0)));
        assert!(holds("modality", Equal, text("IMAGE")) && holds("camera", Unequal, text("Canon")));
        assert!(holds("year", Less, Literal::Number(2024.0)) && holds("width", Equal, text("640")));
        assert!(holds("taken", Equal, time("2024-06")) && holds("taken", Equal, Literal::Number(2024.0)));
        assert!(holds("taken", AtMost, time("2024-06-01")) && !holds("taken", Greater, time("2024-06-01")));
        assert!(holds("taken", Less, time("2024-06-01T12:31")));
        assert!(holds("modified", Equal, time("2023-11")));
        assert!(holds("sold", Equal, Literal::Flag(true)) && !holds("sold", Equal, text("yes")));
        assert!(
            !holds("lens", Unequal, text("x")),
            "what is missing is not compared"
        );
    }
}
